"""Activations: every function of `keras.activations`, with Keras' defaults, as an op of its own.

Definitions: keras/src/activations/activations.py and keras/src/backend/tensorflow/nn.py.
"""

from __future__ import annotations

from ..dtypes import FLOATS, INTEGERS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, axis_of, one_dtype, unary


def number(default: float, doc: str = "") -> Attr:
    """A float attribute with a default."""
    return Attr("float", default, doc=doc)


def _along_axis(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], FLOATS)
    axis_of(attrs["axis"], len(types.x.shape))
    return types.x


def _along_axes(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], FLOATS)
    for axis in attrs["axes"]:
        axis_of(axis, len(types.x.shape))
    return types.x


def _glu(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], FLOATS)
    shape = list(types.x.shape)
    axis = axis_of(attrs["axis"], len(shape))
    size = shape[axis]
    if size is not None:
        if size % 2:
            raise OpError(f"axis {axis} must have an even size, got {size}")
        shape[axis] = size // 2
    return TensorType(tuple(shape), types.x.dtype)


def _softmaxlike(name: str, doc: str) -> OpSpec:
    return OpSpec(name, ("x",), _along_axes, doc, {"axes": Attr("ints", [-1])}, differentiable=("x",))


OPS = (
    unary("relu", "x above threshold (at most max_value), negative_slope (x - threshold) below", FLOATS + INTEGERS,
          negative_slope=number(0.0), max_value=Attr("float", None, nullable=True), threshold=number(0.0)),
    unary("relu6", "min(max(x, 0), 6)", FLOATS + INTEGERS),
    unary("leaky_relu", "x above 0, negative_slope x below", FLOATS, negative_slope=number(0.2)),
    unary("elu", "x above 0, alpha (exp(x) - 1) below", FLOATS, alpha=number(1.0)),
    unary("celu", "max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)", FLOATS, alpha=number(1.0)),
    unary("selu", "1.0507 x above 0, 1.7581 (exp(x) - 1) below", FLOATS),
    unary("gelu", "x Phi(x), by erf or (approximate) by tanh", FLOATS, approximate=Attr("bool", False)),
    unary("silu", "x sigmoid(x)", FLOATS),
    unary("mish", "x tanh(softplus(x))", FLOATS),
    unary("sigmoid", "1 / (1 + exp(-x))", FLOATS),
    unary("log_sigmoid", "log(sigmoid(x))", FLOATS),
    unary("hard_sigmoid", "clip(slope x + offset, 0, 1); Keras 3: relu6(x + 3) / 6", FLOATS,
          slope=number(1 / 6), offset=number(0.5)),
    unary("hard_silu", "x relu6(x + 3) / 6", FLOATS),
    unary("hard_tanh", "clip(x, -1, 1)", FLOATS),
    unary("tanh_shrink", "x - tanh(x)", FLOATS),
    unary("hard_shrink", "x where |x| > threshold, else 0", FLOATS, threshold=number(0.5)),
    unary("soft_shrink", "x moved towards 0 by threshold, 0 in between", FLOATS, threshold=number(0.5)),
    unary("threshold", "x where x > threshold, else value", FLOATS,
          threshold=number(0.0), value=number(0.0)),
    unary("softplus", "log(1 + exp(x))", FLOATS),
    unary("softsign", "x / (1 + |x|)", FLOATS),
    unary("squareplus", "(x + sqrt(x^2 + b)) / 2", FLOATS, b=number(4.0)),
    unary("sparse_plus", "0 below -1, x above 1, (x + 1)^2 / 4 between", FLOATS),
    unary("sparse_sigmoid", "clip((x + 1) / 2, 0, 1)", FLOATS),
    _softmaxlike("softmax", "exp(x) over its sum along axes"),
    _softmaxlike("log_softmax", "log of softmax along axes"),
    OpSpec("sparsemax", ("x",), _along_axis,
           "max(x - tau, 0); tau: (the summed running sums of x's support, largest first, less 1) / its size",
           {"axis": Attr("int", -1)}, differentiable=("x",)),
    OpSpec("glu", ("x",), _glu, "first half of x along axis times the sigmoid of the second",
           {"axis": Attr("int", -1)}, differentiable=("x",)),
)  # fmt: skip
