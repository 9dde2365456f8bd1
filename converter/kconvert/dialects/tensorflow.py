"""TensorFlow functions that Keras 2 wrote as layers -> layers with the registered name of the function.

A `TFOpLambda` names its function (`math.add`), a `SlicingOpLambda` holds a slice, a `TensorFlowOpLayer` (TF 1.14 to
2.3) holds a node of TensorFlow's graph. They are calls of known functions, so they are data. The built-in plugin
`kconvert_plugins.tensorflow` says what each function means; one that it does not know is refused by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .nodes import from_node

CLASSES = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
PREFIXES = ("math", "nn", "linalg", "__operators__", "dtypes", "manip", "debugging")
"""Parts of TensorFlow whose functions have no namesakes elsewhere, and are often known by their last name alone."""


def modern_operation(layer: dict[str, Any]) -> dict[str, Any]:
    """Return a layer of `CLASSES`, its calls already in Keras 3's form, under the name of its function: 'tf.concat'."""
    config = layer["config"]
    if layer["class_name"] == "TensorFlowOpLayer":
        function, nodes = from_node(config, layer["inbound_nodes"])
    else:
        function = str(config.get("function", ""))
        nodes = [_call(node) for node in layer["inbound_nodes"]]
    return {**layer, "module": "tensorflow", "registered_name": f"tf.{plain_name(function)}", "inbound_nodes": nodes}


def plain_name(function: str) -> str:
    """Return the name of a function without the parts that do not tell it from others: 'math.add' -> 'add'."""
    function = function.removeprefix("compat.v1.").removeprefix("compat.v2.")
    prefix, _, name = function.rpartition(".")
    return name if prefix in PREFIXES else function


def _call(node: Mapping[str, Any]) -> dict[str, Any]:
    return {"args": list(node["args"]), "kwargs": {key: _key(value) for key, value in node["kwargs"].items()}}


def _key(value: Any) -> Any:
    """A slice as Keras 3 serialises it, wherever it stands."""
    if isinstance(value, list):
        return [_key(item) for item in value]
    if isinstance(value, Mapping) and value.keys() == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": dict(value)}
    return value
