"""Operations whose result is as long as their values say (keras/src/ops/numpy.py)."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float, is_integer

from .operands import (
    apply,
    axis_of,
    flattened,
    given,
    join,
    known,
    moved,
    permuted,
    register_table,
    reshaped,
    sizes,
    sliced,
    tensor,
    without_axes,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that count."""
    functions = {"Nonzero": nonzero, "Unique": unique, "Bincount": bincount}
    register_table(register, ("x",), {**functions, "Argpartition": argpartition})


def nonzero(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The indices of the elements that are not 0, axis by axis."""
    x = given(call, emit)
    found = emit.op("argwhere", x)
    return [without_axes(emit, sliced(emit, found, 1, i, i + 1), [1]) for i in range(x.rank)]


def unique(call: LayerCall, emit: Emitter) -> Any:
    """The different elements, or slices along an axis, with their first places, the way back, and their counts."""
    x, axis, config = given(call, emit), call.argument("axis", None), call.config
    if not is_integer(x.dtype) and x.dtype not in ("float32", "float64"):
        raise Unsupported(f"Keras on TensorFlow does not take {x.dtype}")
    flat = axis is None
    axis = 0 if flat else axis_of(axis, x.rank)
    order = list(range(x.rank))
    order[0], order[axis] = order[axis], order[0] if order else 0
    rows = flattened(emit, x) if flat else permuted(emit, x, order)
    values, places, inverse, counts = emit.op("unique", rows, sorted=config.bool("sorted", True))
    size = call.argument("size", None)
    if size is not None:
        fill = call.argument("fill_value", None) or 0
        values, places, counts = (
            _resized(emit, y, size, value) for y, value in ((values, fill), (places, 1), (counts, 0))
        )
    found = [values if flat else permuted(emit, values, order)]
    if config.bool("return_index", False):
        found.append(places)
    if config.bool("return_inverse", False):
        found.append(reshaped(emit, inverse, sizes(x, "like"), x) if flat else inverse)
    if config.bool("return_counts", False):
        found.append(counts)
    return found[0] if len(found) == 1 else found


def _resized(emit: Emitter, x: Symbol, size: int, value: Any) -> Symbol:
    """Return `size` rows of `x`, filled up with `value`."""
    shape = [f"like.{i}" if n is None else n for i, n in enumerate(x.shape)]
    value = float(value) if is_float(x.dtype) else int(value)
    rest = emit.op("full", x, shape=[size, *shape[1:]], value=value, dtype=x.dtype)
    y = sliced(emit, emit.op("concatenate", x, rest, axis=0), 0, 0, size)
    return reshaped(emit, y, [size, *sizes(y)[1:]])


def bincount(call: LayerCall, emit: Emitter) -> Symbol:
    """How often, or with which sum of weights, each whole number stands in the last axis."""
    x, weights = given(call, emit), call.argument("weights", None)
    if call.argument("sparse", False):
        raise Unsupported("it makes a sparse tensor; set sparse=False")
    least = call.config.int("minlength", 0)
    whole = x if x.dtype in ("int32", "int64") else emit.cast(x, "int32")
    if weights is None:
        return emit.op("bincount", whole, minlength=least)
    weights = tensor(emit, weights)
    dtype = join(x.dtype, weights.dtype)
    if weights.dtype not in ("int32", "int64", "float32", "float64"):
        weights = emit.cast(weights, "int32" if is_integer(weights.dtype) else "float32")
    return emit.cast(emit.op("bincount", whole, weights, minlength=least, dtype=weights.dtype), dtype)


def argpartition(call: LayerCall, emit: Emitter) -> Symbol:
    """The indices of the kth + 1 smallest whole numbers, then of the others, the largest first.

    Before Keras on TensorFlow looks for the others it sets the smallest to 0: in row i of a matrix those elements
    whose columns are at the place i of one of the rows of what it found.
    """
    x, axis = emit.cast(given(call, emit), "int32"), call.argument("axis", -1)
    x, axis = (flattened(emit, x), 0) if axis is None else (x, axis_of(axis, x.rank))
    if x.rank not in (1, 2):
        raise Unsupported(f"it orders vectors and matrices, got {x.type}")
    x = moved(emit, x, [axis], [x.rank - 1])
    size = known(x.shape[-1], "how many elements it orders")
    count = min(max(call.config.int("kth"), 0), size - 1) + 1
    order = emit.op("argsort", emit.op("negative", x), axis=x.rank - 1, descending=True)
    smallest = sliced(emit, order, x.rank - 1, 0, count)
    marks = emit.op("sum", emit.op("one_hot", smallest, depth=size, dtype="int32"), axes=[0])
    if x.rank == 2:
        rows = known(x.shape[0], "how many rows it orders")
        if count > rows:
            raise Unsupported(f"Keras on TensorFlow fails where it looks for {count} in {rows} rows")
        marks = emit.op("pad", marks, pads=[[0, rows - count], [0, 0]], value=0)
    rest = apply(emit, "where", apply(emit, "greater", marks, 0), 0, x)
    order = emit.op("argsort", rest, axis=x.rank - 1, descending=True)
    found = emit.op("concatenate", smallest, sliced(emit, order, x.rank - 1, 0, size - count), axis=x.rank - 1)
    return moved(emit, found, [x.rank - 1], [axis])
