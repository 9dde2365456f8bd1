"""Recurrent layers over a whole sequence: x (batch, time, features), and `scan` for any other step.

All have the outputs of Keras' RNN: the sequence (batch, time, units), the last output (batch, units), and
the final states. Where mask (batch, time) is False, states stay as they are, and the output repeats the
one before (0 at the start), or is 0 with zero_output_for_mask. A mask may have more axes, which broadcast
against the axes of outputs and states after the batch. With go_backwards, time runs from the end and the
sequence stands in that reversed order. Definitions: keras/src/layers/rnn/*.py and
keras/src/backend/tensorflow/rnn.py.
"""

from __future__ import annotations

from typing import Any

from ..dims import Shape
from ..dtypes import FLOATS
from ..graph import Body, TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, broadcast, one_dtype, require_rank, require_shape

ORDER = {"go_backwards": Attr("bool", False), "zero_output_for_mask": Attr("bool", False)}
COMMON = {
    "activation": Attr("unary", "tanh", nullable=True, doc="null: none"),
    **ORDER,
    "stateful": Attr("bool", False, doc="Keras keeps the state between batches; a single run starts anew"),
}
GATED = {**COMMON, "recurrent_activation": Attr("unary", "sigmoid", nullable=True, doc="null: none")}


def _recurrent(types: Inputs, attrs: Attrs, gates: int, bias: Shape, states: tuple[str, ...]) -> list[TensorType]:
    """Check the inputs of a recurrent op with `gates` gates and return its output types."""
    require_rank(types.x, 3, "x")
    require_rank(types.recurrent_kernel, 2, "recurrent_kernel")
    batch, time, features = types.x.shape
    units = types.recurrent_kernel.shape[0]
    if units is None:
        raise OpError("recurrent_kernel must have a known shape")
    _require_steps(time)
    expected = {
        "kernel": (features, gates * units),
        "recurrent_kernel": (units, gates * units),
        "bias": (*bias, gates * units),
        **dict.fromkeys(states, (batch, units)),
    }
    given = {name: type_ for name in expected if (type_ := types.get(name)) is not None}
    for name, type_ in given.items():
        require_shape(type_, expected[name], name)
    _require_mask(types.get("mask"), (batch, time, units), [(batch, time, units)])
    state = TensorType((batch, units), one_dtype([types.x, *given.values()], FLOATS))
    for name in ("activation", "recurrent_activation"):
        _require_kept(attrs.get(name), state, name)
    return [TensorType((batch, time, units), state.dtype)] + [state] * (1 + len(states))


def _require_steps(time: int | None) -> None:
    if time == 0:
        raise OpError("x must have at least one time step")


def _require_mask(mask: TensorType | None, sequence: Shape, shapes: list[Shape]) -> None:
    """Check that a mask fits the first two axes of `sequence` and broadcasts to each of `shapes` from there on."""
    if mask is None:
        return
    if mask.dtype != "bool":
        raise OpError(f"mask must be bool, got {mask.dtype}")
    if not 2 <= len(mask.shape) <= len(sequence):
        raise OpError(f"mask must have 2 to {len(sequence)} axes, got {mask}")
    require_shape(TensorType(mask.shape[:2], "bool"), sequence[:2], "mask")
    for shape in shapes:
        padded = (*mask.shape, *[1] * (len(shape) - len(mask.shape)))
        require_shape(TensorType(broadcast([padded, shape]), "bool"), shape, "mask broadcast to the states")


def _require_kept(activation: Any, type_: TensorType, name: str) -> None:
    """Check that an attribute of kind `unary` names an op that gives what it is given."""
    from ..check import unary_call  # check.py needs the op table

    if activation is None:
        return
    spec, attrs = unary_call(activation)
    (result,) = spec.infer([type_], attrs)
    if result != type_:
        raise OpError(f"{name} {spec.name} makes {result} of {type_}; it must keep the type")


def _simple_rnn(types: Inputs, attrs: Attrs) -> list[TensorType]:
    return _recurrent(types, attrs, 1, (), ("initial_h",))


def _lstm(types: Inputs, attrs: Attrs) -> list[TensorType]:
    return _recurrent(types, attrs, 4, (), ("initial_h", "initial_c"))


def _gru(types: Inputs, attrs: Attrs) -> list[TensorType]:
    return _recurrent(types, attrs, 3, (2,) if attrs["reset_after"] else (), ("initial_h",))


def _scan(types: Inputs, attrs: Attrs) -> list[TensorType]:
    body: Body = attrs["body"]
    batch, time, *rest = types.x.shape
    _require_steps(time)
    states = [types[index] for index in range(2, len(types))]
    expected = [TensorType((batch, *rest), types.x.dtype), *states]
    if len(body.inputs) != len(expected) or len(body.outputs) != 1 + len(states):
        raise OpError(f"body must take x and {len(states)} states, and give an output and as many states")
    for name, type_ in zip(body.inputs, expected, strict=True):
        _require_same(body.values[name], type_, f"the input {name!r} of body")
    y, *finals = (body.values[name] for name in body.outputs)
    for final, state in zip(finals, states, strict=True):
        _require_same(final, state, "a state that body gives")
    sequence = TensorType((batch, time, *y.shape[1:]), y.dtype)
    shapes = [(batch, time, *type_.shape[1:]) for type_ in (y, *states)]
    _require_mask(types.get("mask"), sequence.shape, shapes)
    return [sequence, y, *finals]


def _require_same(type_: TensorType, expected: TensorType, name: str) -> None:
    require_shape(type_, expected.shape, name)
    one_dtype([type_, expected])


def _inputs(*states: str) -> tuple[str, ...]:
    return ("x", "kernel", "recurrent_kernel", "bias?", "mask?", *(f"{state}?" for state in states))


_PATHS = ("x", "kernel", "recurrent_kernel", "bias", "initial_h")

OPS = (
    OpSpec("simple_rnn", _inputs("initial_h"), _simple_rnn, "h = activation(x kernel + bias + h recurrent_kernel)",
           COMMON, ("sequence", "last", "h"), _PATHS),
    OpSpec("lstm", _inputs("initial_h", "initial_c"), _lstm,
           "gates i, f, g, o, side by side in the kernels: c = f c + i activation(g), h = o activation(c)",
           GATED, ("sequence", "last", "h", "c"), (*_PATHS, "initial_c")),
    OpSpec("gru", _inputs("initial_h"), _gru,
           "gates z, r, g, side by side in the kernels: h = z h + (1 - z) activation(g)",
           {**GATED, "reset_after": Attr("bool", True, doc="the reset gate acts after the product; bias (2, 3 units)")},
           ("sequence", "last", "h"), _PATHS),
    OpSpec("scan", ("x", "mask?", "states*"), _scan,
           "body(x at a step, states) -> (output, states), for each step of axis 1 of x",
           {"body": Attr("body"), **ORDER}, ("sequence", "last", "states*"), ("x", "states")),
)  # fmt: skip
