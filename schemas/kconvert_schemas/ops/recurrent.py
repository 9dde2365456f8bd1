"""Recurrent layers over a whole sequence: x (batch, time, features).

All have the outputs of Keras' RNN: the sequence (batch, time, units), the last output (batch, units), and
the final states. Where mask (batch, time) is False, states stay as they are, and the output repeats the
one before (0 at the start), or is 0 with zero_output_for_mask. With go_backwards, time runs from the end
and the sequence stands in that reversed order. Definitions: keras/src/layers/rnn/*.py and
keras/src/backend/tensorflow/rnn.py.
"""

from __future__ import annotations

from ..dims import Shape
from ..dtypes import FLOATS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, one_dtype, require_rank, require_shape

COMMON = {
    "activation": Attr("unary", "tanh"),
    "go_backwards": Attr("bool", False),
    "zero_output_for_mask": Attr("bool", False),
    "stateful": Attr("bool", False, doc="Keras keeps the state between batches; a single run starts anew"),
}
GATED = {**COMMON, "recurrent_activation": Attr("unary", "sigmoid")}


def _recurrent(types: Inputs, gates: int, bias: Shape, states: tuple[str, ...]) -> list[TensorType]:
    """Check the inputs of a recurrent op with `gates` gates and return its output types."""
    require_rank(types.x, 3, "x")
    require_rank(types.recurrent_kernel, 2, "recurrent_kernel")
    batch, time, features = types.x.shape
    units = types.recurrent_kernel.shape[0]
    if units is None:
        raise OpError("recurrent_kernel must have a known shape")
    state = (batch, units)
    expected = {
        "kernel": (features, gates * units),
        "recurrent_kernel": (units, gates * units),
        "bias": tuple(size if size is None or size < 0 else size * units for size in bias),
        "mask": (batch, time),
        **dict.fromkeys(states, state),
    }
    given = {name: type_ for name in expected if (type_ := types.get(name)) is not None}
    for name, type_ in given.items():
        require_shape(type_, expected[name], name)
    if "mask" in given and given["mask"].dtype != "bool":
        raise OpError(f"mask must be bool, got {given['mask'].dtype}")
    dtype = one_dtype([types.x, *(type_ for name, type_ in given.items() if name != "mask")], FLOATS)
    return [TensorType((batch, time, units), dtype)] + [TensorType(state, dtype)] * (1 + len(states))


def _simple_rnn(types: Inputs, attrs: Attrs) -> list[TensorType]:
    return _recurrent(types, 1, (1,), ("initial_h",))


def _lstm(types: Inputs, attrs: Attrs) -> list[TensorType]:
    return _recurrent(types, 4, (4,), ("initial_h", "initial_c"))


def _gru(types: Inputs, attrs: Attrs) -> list[TensorType]:
    result = _recurrent(_without_bias(types), 3, (3,), ("initial_h",))
    bias = types.get("bias")
    if bias is not None:
        width = 3 * (types.recurrent_kernel.shape[0] or 0)
        require_shape(bias, (2, width) if attrs["reset_after"] else (width,), "bias")
        one_dtype([types.x, bias])
    return result


def _without_bias(types: Inputs) -> Inputs:
    index = OPS_BY_NAME["gru"].input_names.index("bias")
    return Inputs(OPS_BY_NAME["gru"], [None if i == index else type_ for i, type_ in enumerate(types.all)])


def _inputs(*states: str) -> tuple[str, ...]:
    return ("x", "kernel", "recurrent_kernel", "bias?", "mask?", *(f"{state}?" for state in states))


_PATHS = ("x", "kernel", "recurrent_kernel", "bias", "initial_h")

OPS = (
    OpSpec("simple_rnn", _inputs("initial_h"), _simple_rnn, "h = activation(x kernel + bias + h recurrent_kernel)",
           COMMON, ("sequence", "last", "h"), _PATHS),
    OpSpec("lstm", _inputs("initial_h", "initial_c"), _lstm,
           "gates i, f, c, o: c = f c + i activation(g), h = o activation(c)",
           GATED, ("sequence", "last", "h", "c"), (*_PATHS, "initial_c")),
    OpSpec("gru", _inputs("initial_h"), _gru, "gates z, r, h: h = z h + (1 - z) activation(candidate)",
           {**GATED, "reset_after": Attr("bool", True, doc="the reset gate acts after the product; bias (2, 3 units)")},
           ("sequence", "last", "h"), _PATHS),
)  # fmt: skip
OPS_BY_NAME = {spec.name: spec for spec in OPS}
