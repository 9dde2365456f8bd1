"""Positions along axes, and what depends on them: diagonals and triangles (keras/src/ops/numpy.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .. import bounds
from .operands import (
    Lower,
    axis_of,
    documented,
    expanded,
    flattened,
    given,
    known,
    moved,
    number_like,
    register_table,
    reshaped,
    sizes,
    sliced,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations on diagonals and triangles."""
    register_table(register, ("x",), DIAGONALS)


def arange(emit: Emitter, x: Symbol, axis: int) -> Symbol:
    """Return 0, 1, ... up to the size of an axis, as int32; counted when running where the size is not known."""
    size = x.shape[axis]
    if size is not None:
        return tensor(emit, np.arange(bounds.counted(size)).tolist(), "int32")
    ones = emit.op("full", x, shape=[f"like.{axis % x.rank}"], value=1, dtype="int32")
    return emit.op("subtract", emit.op("cumsum", ones, axis=0), emit.constant(1, "int32"))


def _triangle(op: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x, k = given(call, emit), call.config.int("k", 0)
        if x.rank < 2:
            raise Unsupported("it needs a tensor with two axes or more")
        rows = expanded(emit, arange(emit, x, -2), [1])
        columns = emit.op("subtract", arange(emit, x, -1), emit.constant(k, "int32"))
        zero = emit.constant(False, "bool") if x.dtype == "bool" else number_like(emit, 0, x)
        return emit.op("where", emit.op(op, rows, columns), x, zero)

    return documented(lower, "The triangle up to diagonal k, 0 elsewhere.")


def diagonal(call: LayerCall, emit: Emitter) -> Symbol:
    """The diagonal of the plane of two axes, as the last axis."""
    x = given(call, emit)
    return diagonal_of(emit, x, *(call.config.int(name, i) for i, name in enumerate(("offset", "axis1", "axis2"))))


def diagonal_of(emit: Emitter, x: Symbol, offset: int, axis1: int, axis2: int) -> Symbol:
    """Return a diagonal: every (columns + 1)-th element of the flattened plane."""
    plane = [axis_of(axis1, x.rank), axis_of(axis2, x.rank)]
    y = moved(emit, x, plane, [x.rank - 2, x.rank - 1])
    rows, columns = (known(size, "the sizes of the plane") for size in y.shape[-2:])
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    first = offset if offset >= 0 else -offset * columns
    y = reshaped(emit, y, [*sizes(y)[:-2], rows * columns])
    if length == 0:
        return sliced(emit, y, y.rank - 1, 0, 0)
    return sliced(emit, y, y.rank - 1, first, first + (length - 1) * (columns + 1) + 1, columns + 1)


def trace(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum of a diagonal; small whole numbers are added in 32 bits."""
    offset, *axes = (call.config.int(name, i) for i, name in enumerate(("offset", "axis1", "axis2")))
    found = diagonal_of(emit, given(call, emit), offset, *axes)
    return emit.op("sum", emit.cast(found, counted(found.dtype)), axes=[-1])


def counted(dtype: str) -> str:
    """Return the dtype in which whole numbers and bools are added up."""
    return {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}.get(dtype, dtype)


def diag(call: LayerCall, emit: Emitter) -> Symbol:
    """A matrix with x on diagonal k; the diagonal k of a matrix."""
    x, k = given(call, emit), call.config.int("k", 0)
    if x.rank == 2:
        return diagonal_of(emit, x, k, 0, 1)
    if x.rank != 1:
        raise Unsupported(f"it takes one or two axes, got {x.type}")
    return _with_diagonal(emit, x, k)


def diagflat(call: LayerCall, emit: Emitter) -> Symbol:
    """A matrix with the elements of x on diagonal k."""
    return _with_diagonal(emit, flattened(emit, given(call, emit)), call.config.int("k", 0))


def _with_diagonal(emit: Emitter, x: Symbol, k: int) -> Symbol:
    """Row i holds x[i] (x[i + k] below the main diagonal) where column = row + k."""
    zero: Any = False if x.dtype == "bool" else 0
    padded = emit.op("pad", x, pads=[[max(-k, 0), max(k, 0)]], value=zero)
    places = arange(emit, padded, 0)
    rows = expanded(emit, emit.op("add", places, emit.constant(k, "int32")), [1])
    return emit.op("where", emit.op("equal", rows, places), expanded(emit, padded, [1]), emit.constant(zero, x.dtype))


DIAGONALS: dict[str, Lower] = {
    "Tril": _triangle("greater_equal"),
    "Triu": _triangle("less_equal"),
    "Diagonal": diagonal,
    "Trace": trace,
    "Diag": diag,
    "Diagflat": diagflat,
}
