"""Nodes of TensorFlow's graph, which Keras of TF 1.14 to 2.3 wrote as layers -> calls of TensorFlow's functions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..json_text import parse_json


@dataclass(frozen=True, slots=True)
class NodeRule:
    """A kind of node: the function it is, the names of its inputs ('values*' takes several), and of its attributes."""

    function: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)


SIMPLE = """
x y: Add=add AddV2=add Sub=subtract Mul=multiply RealDiv=truediv Div=truediv Pow=pow Maximum=maximum Minimum=minimum
x y: Greater=greater GreaterEqual=greater_equal Less=less LessEqual=less_equal Equal=equal NotEqual=not_equal
x y: FloorDiv=floordiv FloorMod=floormod LogicalAnd=logical_and LogicalOr=logical_or
x y: SquaredDifference=squared_difference DivNoNan=divide_no_nan MulNoNan=multiply_no_nan Xlogy=xlogy
x: Neg=negative Exp=exp Log=log Log1p=log1p Expm1=expm1 Sqrt=sqrt Rsqrt=rsqrt Square=square Abs=abs Tanh=tanh Sin=sin
x: Cos=cos Tan=tan Asin=asin Acos=acos Atan=atan Sinh=sinh Cosh=cosh Erf=erf Floor=floor Ceil=ceil Round=round
x: Rint=rint Sign=sign Reciprocal=reciprocal Inv=reciprocal LogicalNot=logical_not IsNan=is_nan IsFinite=is_finite
x: Sigmoid=sigmoid Erfc=erfc Asinh=asinh Acosh=acosh Atanh=atanh
y x: Atan2=atan2
real imag: Complex=complex
features: Relu=relu Relu6=relu6 Elu=elu Selu=selu Softplus=softplus Softsign=softsign
logits: Softmax=softmax LogSoftmax=log_softmax
input: Identity=identity StopGradient=stop_gradient Shape=shape Size=size Rank=rank ZerosLike=zeros_like
input: OnesLike=ones_like EnsureShape=ensure_shape CheckNumerics=check_numerics MatrixDiagPart=diag_part
input num_lower num_upper: MatrixBandPart=band_part
diagonal: MatrixDiag=diag
images: RGBToHSV=image.rgb_to_hsv HSVToRGB=image.hsv_to_rgb
condition x y: Select=where SelectV2=where
t clip_value_min clip_value_max: ClipByValue=clip_by_value
t: L2Loss=l2_loss
tensor shape: Reshape=reshape
a perm: Transpose=transpose
input multiples: Tile=tile
input axis: ExpandDims=expand_dims
dims value: Fill=fill
start limit delta: Range=range
input_ begin size: Slice=slice
tensor paddings: Pad=pad
tensor paddings constant_values: PadV2=pad
tensor axis: ReverseV2=reverse
input shape: BroadcastTo=broadcast_to
input shift axis: Roll=roll
params indices: GatherNd=gather_nd
"""
"""Nodes without attributes that matter: the names of the inputs, then node=function."""
REDUCED = {"Mean": "mean", "Sum": "sum", "Max": "max", "Min": "min", "Prod": "prod", "Any": "any", "All": "all"}


def _simple() -> dict[str, NodeRule]:
    rules: dict[str, NodeRule] = {}
    for line in SIMPLE.strip().splitlines():
        inputs, _, pairs = line.partition(":")
        for pair in pairs.split():
            kind, _, function = pair.partition("=")
            rules[kind] = NodeRule(function, tuple(inputs.split()))
    return rules


MASKS = {f"{name}_mask": f"{name}_mask" for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
POOL = {"ksize": "ksize", "strides": "strides", "padding": "padding", "data_format": "data_format"}
CONV = {"strides": "strides", "padding": "padding", "data_format": "data_format", "dilations": "dilations"}
TURNS = {"transpose_a": "transpose_a", "transpose_b": "transpose_b"}
CORNERS = {"align_corners": "align_corners", "half_pixel_centers": "half_pixel_centers"}

NODES: dict[str, NodeRule] = {
    **_simple(),
    **{
        kind: NodeRule(f"reduce_{name}", ("input_tensor", "axis"), {"keep_dims": "keepdims"})
        for kind, name in REDUCED.items()
    },
    "EuclideanNorm": NodeRule("reduce_euclidean_norm", ("input_tensor", "axis"), {"keep_dims": "keepdims"}),
    "IdentityN": NodeRule("identity_n", ("input*",)),
    "LRN": NodeRule(
        "local_response_normalization", ("input",), {name: name for name in ("depth_radius", "bias", "alpha", "beta")}
    ),
    "ExtractImagePatches": NodeRule(
        "image.extract_patches", ("images",),
        {"ksizes": "sizes", "strides": "strides", "rates": "rates", "padding": "padding"},
    ),
    "ConcatV2": NodeRule("concat", ("values*", "axis")),
    "Pack": NodeRule("stack", ("values*",), {"axis": "axis"}),
    "AddN": NodeRule("add_n", ("inputs*",)),
    "Unpack": NodeRule("unstack", ("value",), {"axis": "axis", "num": "num"}),
    "Split": NodeRule("split", ("axis", "value"), {"num_split": "num_or_size_splits"}),
    "SplitV": NodeRule("split", ("value", "num_or_size_splits", "axis")),
    "StridedSlice": NodeRule("strided_slice", ("input_", "begin", "end", "strides"), MASKS),
    "Squeeze": NodeRule("squeeze", ("input",), {"squeeze_dims": "axis"}),
    "Cast": NodeRule("cast", ("x",), {"DstT": "dtype"}),
    "MatMul": NodeRule("matmul", ("a", "b"), TURNS),
    "BatchMatMul": NodeRule("matmul", ("a", "b"), {"adj_x": "adjoint_a", "adj_y": "adjoint_b"}),
    "BatchMatMulV2": NodeRule("matmul", ("a", "b"), {"adj_x": "adjoint_a", "adj_y": "adjoint_b"}),
    "Einsum": NodeRule("einsum", ("x*",), {"equation": "equation"}),
    "MirrorPad": NodeRule("pad", ("tensor", "paddings"), {"mode": "mode"}),
    "GatherV2": NodeRule("gather", ("params", "indices", "axis"), {"batch_dims": "batch_dims"}),
    "ArgMax": NodeRule("argmax", ("input", "axis"), {"output_type": "output_type"}),
    "ArgMin": NodeRule("argmin", ("input", "axis"), {"output_type": "output_type"}),
    "OneHot": NodeRule("one_hot", ("indices", "depth", "on_value", "off_value"), {"axis": "axis", "T": "dtype"}),
    "LeakyRelu": NodeRule("leaky_relu", ("features",), {"alpha": "alpha"}),
    "Cumsum": NodeRule("cumsum", ("x", "axis"), {"exclusive": "exclusive", "reverse": "reverse"}),
    "Cumprod": NodeRule("cumprod", ("x", "axis"), {"exclusive": "exclusive", "reverse": "reverse"}),
    "BiasAdd": NodeRule("bias_add", ("value", "bias"), {"data_format": "data_format"}),
    "Conv2D": NodeRule("conv2d", ("input", "filter"), CONV),
    "DepthwiseConv2dNative": NodeRule("depthwise_conv2d", ("input", "filter"), CONV),
    "MaxPool": NodeRule("max_pool2d", ("input",), POOL),
    "AvgPool": NodeRule("avg_pool2d", ("input",), POOL),
    "DepthToSpace": NodeRule("depth_to_space", ("input",), {"block_size": "block_size", "data_format": "data_format"}),
    "SpaceToDepth": NodeRule("space_to_depth", ("input",), {"block_size": "block_size", "data_format": "data_format"}),
    "ResizeBilinear": NodeRule("image.resize_bilinear", ("images", "size"), CORNERS),
    "ResizeNearestNeighbor": NodeRule("image.resize_nearest_neighbor", ("images", "size"), CORNERS),
    "TopKV2": NodeRule("top_k", ("input", "k"), {"sorted": "sorted"}),
}  # fmt: skip


def from_node(config: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Return the function that a node is, and its calls; 'raw_ops.<kind>' and the calls as they are if unknown."""
    node = _parsed(config.get("node_def"))
    kind = str(node.get("op", "?"))
    rule, constants = NODES.get(kind), config.get("constants") or {}
    if rule is None or not isinstance(constants, Mapping) or not all(str(key).isdigit() for key in constants):
        return f"raw_ops.{kind}", [dict(call) for call in nodes]
    attributes = node.get("attr") if isinstance(node.get("attr"), Mapping) else {}
    settings = {
        argument: _attribute(attributes[name])
        for name, argument in rule.attributes.items()
        if isinstance(attributes, Mapping) and name in attributes
    }
    return rule.function, [_bound(rule, _inputs(call, constants), settings) for call in nodes]


def _parsed(node: Any) -> Mapping[str, Any]:
    try:
        found = parse_json(node) if isinstance(node, str) else node
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _inputs(call: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
    """Return the inputs of a node: tensors, with the constants at their positions."""
    given = call["args"]
    inputs = list(given[0]) if given and isinstance(given[0], list) else list(given)
    for position in sorted(constants, key=int):
        inputs.insert(int(position), constants[position])
    return inputs


def _bound(rule: NodeRule, inputs: Sequence[Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give inputs their names; those of an equation follow it."""
    spread = len(inputs) - len(rule.inputs) + 1
    named: dict[str, Any] = {}
    rest = list(inputs)
    for name in rule.inputs:
        if not name.endswith("*"):
            if rest:
                named[name] = rest.pop(0)
            continue
        taken, rest = rest[:spread], rest[spread:]
        named.update({f"x{i}": item for i, item in enumerate(taken)} if name == "x*" else {name[:-1]: taken})
    return {"args": [], "kwargs": {**named, **settings}}


TYPES = {
    "DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16", "DT_BFLOAT16": "bfloat16", "DT_BOOL": "bool",
    "DT_UINT8": "uint8", "DT_INT8": "int8", "DT_UINT16": "uint16", "DT_INT16": "int16", "DT_INT32": "int32",
    "DT_INT64": "int64", "DT_COMPLEX64": "complex64", "DT_STRING": "string",
}  # fmt: skip


def _attribute(value: Any) -> Any:
    """Return an attribute as protocol buffers write it in JSON: {'i': '3'}, {'list': {'i': ['1', '2']}}."""
    if not isinstance(value, Mapping):
        return None
    if "list" in value:
        return [int(item) for item in value["list"].get("i", [])] if isinstance(value["list"], Mapping) else None
    if "i" in value:
        return int(value["i"])
    if "s" in value:
        return _text(value["s"])
    if "type" in value:
        return TYPES.get(str(value["type"]))
    return value.get("b", value.get("f"))


def _text(value: Any) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        return str(value)
