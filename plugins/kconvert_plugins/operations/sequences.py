"""Differences, areas and correlations along axes (keras/src/ops/numpy.py)."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .operands import (
    arguments,
    axis_of,
    given,
    join,
    known,
    moved,
    number_like,
    reshaped,
    sliced,
    strong,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register differences, areas and correlations."""
    register("keras.ops.Diff", diff, arguments=("a",))
    register("keras.ops.Trapezoid", trapezoid, arguments=("y",))
    register("keras.ops.Corrcoef", corrcoef, arguments=("x",))
    register("keras.ops.Correlate", correlate, arguments=("x1", "x2"))


def diff(call: LayerCall, emit: Emitter) -> Symbol:
    """The differences of neighbours along an axis, n times over; of bools, whether they differ."""
    x, count = given(call, emit, "a"), call.config.int("n", 1)
    axis = axis_of(call.argument("axis", -1), x.rank)
    for _ in range(count):
        x = _differences(emit, x, axis)
    return x


def _differences(emit: Emitter, x: Symbol, axis: int) -> Symbol:
    op = "not_equal" if x.dtype == "bool" else "subtract"
    return emit.op(op, sliced(emit, x, axis, 1, None), sliced(emit, x, axis, None, -1))


def trapezoid(call: LayerCall, emit: Emitter) -> Symbol:
    """The area under y by trapezoids of the width dx, or of the differences of x."""
    y, x = given(call, emit, "y"), call.argument("x", None)
    y = emit.cast(y, join(y.dtype, "float"))
    axis = axis_of(call.argument("axis", -1), y.rank)
    widths: Any = tensor(emit, call.argument("dx", 1.0), y.dtype)
    if x is not None:
        x = tensor(emit, x, y.dtype)
        if x.rank != 1 and x.rank != y.rank:
            raise Unsupported(f"its x has {x.rank} axes, y has {y.rank}")
        along = axis if x.rank == y.rank else 0
        widths = moved(emit, _differences(emit, x, along), [along], [x.rank - 1])
    y = moved(emit, y, [axis], [y.rank - 1])
    heights = emit.op("add", sliced(emit, y, y.rank - 1, 1, None), sliced(emit, y, y.rank - 1, None, -1))
    areas = emit.op("multiply", emit.op("multiply", number_like(emit, 0.5, y), heights), widths)
    return emit.op("sum", areas, axes=[-1])


def corrcoef(call: LayerCall, emit: Emitter) -> Symbol:
    """Pearson's correlation of the rows of a matrix, cut to -1 and 1."""
    x = given(call, emit)
    whole = x.dtype in ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32")
    x = emit.cast(x, "float32") if whole else x
    if x.rank != 2:
        raise Unsupported(f"it takes a matrix, got {x.type}")
    if x.dtype == "int64":
        raise Unsupported("Keras on TensorFlow rounds the means of int64; cast it to floats")
    centred = emit.op("subtract", x, emit.op("mean", x, axes=[-1], keepdims=True))
    ones = emit.op("full", x, shape=["like.1" if x.shape[1] is None else x.shape[1]], value=1, dtype=x.dtype)
    freedom = emit.op("subtract", emit.op("sum", ones), number_like(emit, 1, x))
    covariance = emit.op("divide", emit.op("einsum", centred, centred, equation="ik,jk->ij"), freedom)
    spread = emit.op("sqrt", emit.op("einsum", covariance, equation="ii->i"))
    scale = emit.op("multiply", reshaped(emit, spread, [-1, 1]), spread)
    y = emit.op("minimum", emit.op("divide", covariance, scale), number_like(emit, 1, x))
    return emit.op("maximum", y, number_like(emit, -1, x))


def correlate(call: LayerCall, emit: Emitter) -> Symbol:
    """The products of x1 with x2 moved along it: where they overlap wholly, as long as the longer one, or at all."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"))
    kept = x1.dtype in ("bfloat16", "float16", "float64")
    dtype = x1.dtype if kept else "float64" if x1.dtype == "int64" else "float32"
    x1, x2 = emit.cast(x1, dtype), emit.cast(x2, dtype)
    if x1.rank != 1 or x2.rank != 1:
        raise Unsupported("it takes two vectors")
    mode = call.config.str("mode", "valid", ("valid", "same", "full"))
    length = known(x2.shape[0], "the size of the second vector")
    if mode != "valid":
        x1 = emit.op("pad", x1, pads=[[length - 1, length - 1]])
    x, kernel = reshaped(emit, x1, [1, -1, 1]), reshaped(emit, x2, [length, 1, 1])
    y = reshaped(emit, emit.op("conv", x, kernel, strides=[1], dilation_rate=[1]), [-1])
    if mode != "same":
        return y
    size = known(y.shape[0], "the size of the first vector") - length + 1
    start = (size + length - 1 - max(size, length)) // 2
    return sliced(emit, y, 0, start, start + max(size, length))
