"""Complex numbers (keras/src/ops/numpy.py, math.py and nn.py)."""

from __future__ import annotations

import math

from kconvert import Emitter, LayerCall, Register, Symbol, hookimpl

from .elementwise import constant_like
from .operands import (
    Lower,
    expanded,
    given,
    join,
    number_like,
    register_table,
    sliced,
    tensor,
    weak,
    without_axes,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations on complex numbers."""
    register_table(register, ("x",), FUNCTIONS)
    register("keras.ops.Polar", polar, arguments=("abs_", "angle"))


def is_complex(x: Symbol) -> bool:
    """Tell whether a tensor holds complex numbers."""
    return x.dtype.startswith("complex")


def real(call: LayerCall, emit: Emitter) -> Symbol:
    """The real part; real numbers are handed on."""
    x = given(call, emit)
    return emit.op("real", x) if is_complex(x) else x


def imag(call: LayerCall, emit: Emitter) -> Symbol:
    """The imaginary part; 0 for real numbers."""
    x = given(call, emit)
    return emit.op("imag", x) if is_complex(x) else constant_like(emit, x, 0, x.dtype)


def conjugate(call: LayerCall, emit: Emitter) -> Symbol:
    """The real part less the imaginary part; real numbers are handed on."""
    x = given(call, emit)
    return emit.op("complex", emit.op("real", x), emit.op("negative", emit.op("imag", x))) if is_complex(x) else x


def angle(call: LayerCall, emit: Emitter) -> Symbol:
    """The angle in the complex plane; pi for negative numbers."""
    x = given(call, emit)
    x = emit.cast(x, join(x.dtype, "float"))
    if is_complex(x):
        return emit.op("arctan2", emit.op("imag", x), emit.op("real", x))
    zero = number_like(emit, 0, x)
    return emit.op("where", emit.op("less", x, zero), number_like(emit, math.pi, x), zero)


def view_as_complex(call: LayerCall, emit: Emitter) -> Symbol:
    """The pairs of the last axis as complex numbers."""
    x = given(call, emit)
    parts = [without_axes(emit, sliced(emit, x, x.rank - 1, i, i + 1), [x.rank - 1]) for i in range(2)]
    return emit.op("complex", *parts)


def view_as_real(call: LayerCall, emit: Emitter) -> Symbol:
    """Real and imaginary part as a new last axis."""
    x = given(call, emit)
    parts = [emit.op("real", x), emit.op("imag", x)]
    return emit.op("concatenate", *(expanded(emit, part, [x.rank]) for part in parts), axis=x.rank)


def polar(call: LayerCall, emit: Emitter) -> Symbol:
    """Complex numbers from length and angle."""
    size, turn = (tensor(emit, call.argument(name)) for name in ("abs_", "angle"))
    turn = emit.cast(turn, join(turn.dtype, "float"))
    parts = [emit.op("multiply", *weak(emit, [size, emit.op(op, turn)])) for op in ("cos", "sin")]
    return emit.op("complex", *parts)


FUNCTIONS: dict[str, Lower] = {
    "Real": real,
    "Imag": imag,
    "Conjugate": conjugate,
    "Conj": conjugate,
    "Angle": angle,
    "ViewAsComplex": view_as_complex,
    "ViewAsReal": view_as_real,
}
