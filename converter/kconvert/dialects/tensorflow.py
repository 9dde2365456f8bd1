"""TensorFlow functions that Keras 2 wrote as layers -> operations of `keras.ops`.

A `TFOpLambda` names its function (`math.add`), a `SlicingOpLambda` holds a slice, a `TensorFlowOpLayer` (TF 1.14 to
2.3) holds a node of TensorFlow's graph. They are calls of known functions, so they are data; a function that is not
in the table is refused by its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

CLASSES = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
IGNORED = ("name", "conjugate", "training", "data_format")
"""Arguments that do not change the result, or (data_format) are checked to be None."""

FLAGS = ("transpose_a", "transpose_b", "adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse")
"""Arguments that change nothing while they are false."""

_TWO = {"x": "x1", "y": "x2"}
_AXIS = {"axis": "axis", "keepdims": "keepdims"}

FUNCTIONS: dict[str, tuple[str, Mapping[str, str]]] = {
    **{
        name: (operation, _TWO)
        for name, operation in {
            "add": "Add",
            "subtract": "Subtract",
            "multiply": "Multiply",
            "divide": "TrueDivide",
            "truediv": "TrueDivide",
            "floordiv": "FloorDivide",
            "floormod": "Mod",
            "pow": "Power",
            "maximum": "Maximum",
            "minimum": "Minimum",
            "equal": "Equal",
            "not_equal": "NotEqual",
            "greater": "Greater",
            "greater_equal": "GreaterEqual",
            "less": "Less",
            "less_equal": "LessEqual",
            "logical_and": "LogicalAnd",
            "logical_or": "LogicalOr",
            "atan2": "Arctan2",
        }.items()
    },
    **{
        name: (operation, {})
        for name, operation in {
            "abs": "Absolute",
            "negative": "Negative",
            "exp": "Exp",
            "log": "Log",
            "log1p": "Log1p",
            "expm1": "Expm1",
            "sqrt": "Sqrt",
            "rsqrt": "Rsqrt",
            "square": "Square",
            "sin": "Sin",
            "cos": "Cos",
            "tan": "Tan",
            "tanh": "Tanh",
            "sigmoid": "Sigmoid",
            "softplus": "Softplus",
            "softsign": "Softsign",
            "relu": "Relu",
            "relu6": "Relu6",
            "elu": "Elu",
            "selu": "Selu",
            "silu": "Silu",
            "floor": "Floor",
            "ceil": "Ceil",
            "round": "Round",
            "sign": "Sign",
            "erf": "Erf",
            "logical_not": "LogicalNot",
            "is_nan": "Isnan",
            "reciprocal": "Reciprocal",
            "identity": "Identity",
        }.items()
    },
    "reduce_mean": ("Mean", _AXIS),
    "reduce_sum": ("Sum", _AXIS),
    "reduce_max": ("Max", _AXIS),
    "reduce_min": ("Min", _AXIS),
    "reduce_prod": ("Prod", _AXIS),
    "reduce_variance": ("Var", _AXIS),
    "reduce_std": ("Std", _AXIS),
    "argmax": ("Argmax", {"axis": "axis"}),
    "softmax": ("Softmax", {"axis": "axis"}),
    "log_softmax": ("LogSoftmax", {"axis": "axis"}),
    "leaky_relu": ("LeakyRelu", {"alpha": "negative_slope"}),
    "gelu": ("Gelu", {"approximate": "approximate"}),
    "clip_by_value": ("Clip", {"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "cast": ("Cast", {"dtype": "dtype"}),
    "concat": ("Concatenate", {"axis": "axis"}),
    "stack": ("Stack", {"axis": "axis"}),
    "unstack": ("Unstack", {"axis": "axis", "num": "num"}),
    "reshape": ("Reshape", {"shape": "newshape"}),
    "transpose": ("Transpose", {"perm": "axes"}),
    "expand_dims": ("ExpandDims", {"axis": "axis"}),
    "squeeze": ("Squeeze", {"axis": "axis"}),
    "tile": ("Tile", {"multiples": "repeats"}),
    "split": ("Split", {"num_or_size_splits": "indices_or_sections", "axis": "axis"}),
    "matmul": ("Matmul", {"b": "x2"}),
    "where": ("Where", {"x": "x1", "y": "x2"}),
    "one_hot": ("OneHot", {"depth": "num_classes", "axis": "axis"}),
    "l2_normalize": ("Normalize", {"axis": "axis", "epsilon": "epsilon"}),
    "getitem": ("GetItem", {"slice_spec": "key"}),
}
"""Last part of a function's name -> the operation, and its arguments' names in Keras 3."""

PREFIXES = ("", "math", "nn", "linalg", "__operators__", "compat.v1", "compat.v1.math", "compat.v1.nn")

DEFAULTS: dict[str, dict[str, Any]] = {
    "Concatenate": {"axis": 0}, "Stack": {"axis": 0}, "Softmax": {"axis": -1}, "LogSoftmax": {"axis": -1},
    "Argmax": {"axis": 0}, "LeakyRelu": {"negative_slope": 0.2}, "Split": {"axis": 0}, "Normalize": {"order": 2},
    "Gelu": {"approximate": False}, "OneHot": {"axis": -1},
}  # fmt: skip
"""TensorFlow's defaults, where an argument may be missing from the file."""

NODES = {
    "Add": "Add", "AddV2": "Add", "Sub": "Subtract", "Mul": "Multiply", "RealDiv": "TrueDivide", "Pow": "Power",
    "Maximum": "Maximum", "Minimum": "Minimum", "Neg": "Negative", "Exp": "Exp", "Log": "Log", "Sqrt": "Sqrt",
    "Rsqrt": "Rsqrt", "Square": "Square", "Abs": "Absolute", "Tanh": "Tanh", "Sigmoid": "Sigmoid", "Relu": "Relu",
    "Sin": "Sin", "Cos": "Cos", "Erf": "Erf", "Softplus": "Softplus", "Floor": "Floor", "Greater": "Greater",
    "Less": "Less", "Equal": "Equal", "FloorDiv": "FloorDivide", "FloorMod": "Mod",
}  # fmt: skip
"""Nodes of TensorFlow's graph that have no attributes of their own -> the operation."""


def modern_operation(layer: dict[str, Any]) -> dict[str, Any]:
    """Return a layer of `CLASSES`, its calls already in Keras 3's form, as an operation of `keras.ops`.

    One that is not known keeps its kind, with TensorFlow's name of it as its registered name: `tf.signal.fft`.
    """
    config = layer["config"]
    if layer["class_name"] == "TensorFlowOpLayer":
        return _from_node(layer, config)
    function = str(config.get("function", ""))
    prefix, _, name = function.rpartition(".")
    found = FUNCTIONS.get(name) if prefix in PREFIXES else None
    nodes = layer["inbound_nodes"]
    call = _call(nodes[0], *found, config) if found and len(nodes) == 1 else None
    if found is None or call is None:
        return {**layer, "module": "tensorflow", "registered_name": f"tf.{function}"}
    node, settings = call
    return _operation(layer, found[0], {**DEFAULTS.get(found[0], {}), **settings}, [node])


def _operation(
    layer: Mapping[str, Any], operation: str, settings: Mapping[str, Any], nodes: Sequence[Any]
) -> dict[str, Any]:
    return {
        **layer,
        "module": "keras.src.ops.numpy",
        "class_name": operation,
        "registered_name": operation,
        "config": {"name": layer["config"].get("name"), **settings},
        "inbound_nodes": list(nodes),
    }


def _call(
    node: Mapping[str, Any], operation: str, names: Mapping[str, str], config: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return a call and the settings of its operation; None for an argument that has no counterpart."""
    tensors: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for name, value in node["kwargs"].items():
        if name in IGNORED and (name != "data_format" or value is None):
            continue
        if name in FLAGS and not value:
            continue
        if name not in names:
            return None
        target = names[name]
        if operation == "GetItem":
            tensors[target] = _key(value)
        elif target in ("x1", "x2", "x_min", "x_max"):
            tensors[target] = _array(value, config)
        elif value is not None:
            settings[target] = value
    first = [_array(item, config) for item in node["args"]]
    return {"args": first, "kwargs": tensors}, settings


def _array(value: Any, config: Mapping[str, Any]) -> Any:
    """A list of numbers as a constant array of the layer's dtype; anything else as it is."""
    if isinstance(value, list) and value and not any(isinstance(item, (Mapping, list)) for item in value):
        return {"class_name": "__numpy__", "config": {"value": value, "dtype": str(config.get("dtype") or "float32")}}
    return value


def _key(value: Any) -> Any:
    """A slice as Keras 3 serialises it."""
    if isinstance(value, list):
        return [_key(item) for item in value]
    if isinstance(value, Mapping) and value.keys() == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": dict(value)}
    return value


def _from_node(layer: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Read a node of TensorFlow's graph: its op, and the constants among its inputs by position."""
    node = config.get("node_def")
    try:
        node = json.loads(node) if isinstance(node, str) else node
    except ValueError:
        node = None
    kind = str(node.get("op")) if isinstance(node, Mapping) else "?"
    constants = config.get("constants") or {}
    if kind not in NODES or not isinstance(constants, Mapping) or len(layer["inbound_nodes"]) != 1:
        return {**layer, "module": "tensorflow", "registered_name": f"tf.raw_ops.{kind}"}
    given = layer["inbound_nodes"][0]["args"]
    args = list(given[0]) if given and isinstance(given[0], list) else list(given)
    for position in sorted(constants, key=int):
        args.insert(int(position), _array(constants[position], config))
    return _operation(layer, NODES[kind], {}, [{"args": args, "kwargs": {}}])
