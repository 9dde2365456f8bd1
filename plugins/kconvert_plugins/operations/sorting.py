"""Order: sort, top k, search, quantiles (keras/src/ops/numpy.py and math.py)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kconvert import ArrayConstant, Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from .operands import (
    axes_of,
    axis_of,
    expanded,
    flattened,
    given,
    join,
    known,
    permuted,
    register_table,
    reshaped,
    sizes,
    sliced,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations on order."""
    register_table(register, ("x",), {"Sort": sort, "Argsort": argsort, "TopK": top_k, "Median": median})
    register("keras.ops.SearchSorted", search_sorted, arguments=("sorted_sequence", "values"))
    register("keras.ops.Digitize", digitize, arguments=("x", "bins"))
    register("keras.ops.InTopK", in_top_k, arguments=("targets", "predictions"))
    register_table(register, ("x", "q"), {"Quantile": quantile, "Percentile": percentile})


def sort(call: LayerCall, emit: Emitter) -> Symbol:
    """The elements along an axis, or all of them, in rising order."""
    x, axis = given(call, emit), call.argument("axis", -1)
    dtype = x.dtype
    x, axis = (flattened(emit, x), 0) if axis is None else (x, axis_of(axis, x.rank))
    x = emit.cast(x, "int8") if dtype == "bool" else x
    return emit.cast(_sorted(emit, x, axis), dtype)


def _sorted(emit: Emitter, x: Symbol, axis: int) -> Symbol:
    return emit.op("take_along_axis", x, emit.op("argsort", x, axis=axis), axis=axis)


def argsort(call: LayerCall, emit: Emitter) -> Symbol:
    """The indices that sort x along an axis; equal elements keep their order."""
    x, axis = given(call, emit), call.argument("axis", -1)
    x = emit.cast(x, "uint8") if x.dtype == "bool" else x
    if axis is None or x.rank == 0:
        return emit.op("argsort", flattened(emit, x), axis=0)
    return emit.op("argsort", x, axis=axis_of(axis, x.rank))


def top_k(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The k largest along the last axis, and their indices; of equal ones the first."""
    x, k = given(call, emit), call.config.int("k")
    if not call.argument("sorted", True) and k > 1:
        raise Unsupported("the order of the top k is left open with sorted=False; set sorted=True")
    order = emit.op("argsort", x, axis=x.rank - 1, descending=True)
    indices = reshaped(emit, sliced(emit, order, x.rank - 1, 0, k), [*sizes(x)[:-1], k])
    return [emit.op("take_along_axis", x, indices, axis=x.rank - 1), indices]


def in_top_k(call: LayerCall, emit: Emitter) -> Symbol:
    """Whether fewer than k predictions are larger than the target's; never where one is not finite."""
    targets, predictions = given(call, emit, "targets"), given(call, emit, "predictions")
    classes = known(predictions.shape[1], "the number of classes")
    zero = emit.constant(0, targets.dtype)
    inside = emit.op("less", targets, emit.constant(classes, targets.dtype))
    inside = emit.op("logical_and", inside, emit.op("greater_equal", targets, zero))
    places = expanded(emit, emit.op("where", inside, targets, zero), [1])
    chosen = emit.op("take_along_axis", predictions, places, axis=1)
    larger = emit.op("sum", emit.cast(emit.op("greater", predictions, chosen), "int32"), axes=[1])
    few = emit.op("less", larger, emit.constant(call.config.int("k"), "int32"))
    finite = emit.op("all", emit.op("isfinite", predictions), axes=[1])
    return emit.op("logical_and", emit.op("logical_and", few, inside), finite)


def search_sorted(call: LayerCall, emit: Emitter) -> Symbol:
    """The places of values in a sorted vector."""
    ordered, values = given(call, emit, "sorted_sequence"), given(call, emit, "values")
    return emit.op("searchsorted", ordered, values, side=call.config.str("side", "left", ("left", "right")))


def digitize(call: LayerCall, emit: Emitter) -> Symbol:
    """How many of the rising bins are not above x; bins are float32."""
    x, bins = given(call, emit), call.argument("bins")
    if isinstance(bins, Symbol):
        raise Unsupported("its bins must be numbers, not computed")
    dtype = "float64" if x.dtype == "float64" else "float32"
    edges = emit.cast(tensor(emit, bins, "float32"), dtype)
    return emit.op("searchsorted", edges, emit.cast(x, dtype), side="right")


def median(call: LayerCall, emit: Emitter) -> Symbol:
    """The middle element, or the mean of the middle two."""
    return _quantile(call, emit, np.float64(0.5), "linear")


def quantile(call: LayerCall, emit: Emitter) -> Symbol:
    """The element at a fraction q of the order, between two by linear interpolation whatever `method` says."""
    return _quantile(call, emit, _fractions(call, np.float32(1)), "linear")


def percentile(call: LayerCall, emit: Emitter) -> Symbol:
    """The element at q percent of the order."""
    return _quantile(call, emit, _fractions(call, np.float32(100)), call.config.str("method", "linear"))


def _fractions(call: LayerCall, whole: np.float32) -> Any:
    """Return q as TensorFlow holds it: float32, then widened; arrays of float64 keep their digits for quantiles."""
    q = call.argument("q")
    if isinstance(q, Symbol):
        raise Unsupported("its q must be numbers, not computed")
    held = isinstance(q, ArrayConstant)
    wide = held and q.dtype == "float64" and whole == 1
    numbers = np.asarray(q.value if held else q, np.float64)
    return numbers if wide else (numbers.astype(np.float32) / whole).astype(np.float64)


def _quantile(call: LayerCall, emit: Emitter, q: Any, method: str) -> Symbol:
    """Sort over the axes, gather the neighbours of the place q, mix them; NaN where one is NaN."""
    x = given(call, emit)
    x = emit.cast(x, join(x.dtype, "float"))
    axes = axes_of(call.argument("axis", None), x.rank)
    others = [axis for axis in range(x.rank) if axis not in axes]
    count = math.prod(known(x.shape[axis], "the sizes of its axes") for axis in axes)
    moved = permuted(emit, x, [*others, *axes])
    flat = reshaped(emit, moved, [*sizes(moved)[: len(others)], count])
    y = _mixed(emit, _sorted(emit, flat, len(others)), count, np.asarray(q), method)
    if is_float(x.dtype):
        broken = emit.op("any", emit.op("isnan", flat), axes=[-1])
        broken = expanded(emit, broken, range(len(others), len(others) + q.ndim)) if q.ndim else broken
        y = emit.op("where", broken, emit.constant(math.nan, x.dtype), y)
    if call.argument("keepdims", False):
        y = expanded(emit, y, axes)
    return permuted(emit, y, [*range(y.rank - q.ndim, y.rank), *range(y.rank - q.ndim)]) if q.ndim else y


def _mixed(emit: Emitter, ordered: Symbol, count: int, q: Any, method: str) -> Symbol:
    """Return the elements at places (count - 1) q of the last axis, between two by `method`."""
    places = (count - 1) * q
    low, high, near = (np.clip(f(places), 0, count - 1).astype(np.int32) for f in (np.floor, np.ceil, np.rint))

    def take(indices: Any) -> Symbol:
        return emit.op("take", ordered, tensor(emit, indices.tolist(), "int32"), axis=ordered.rank - 1)

    if method in ("lower", "higher", "nearest"):
        return take({"lower": low, "higher": high, "nearest": near}[method])
    if method == "midpoint":
        total = emit.op("add", take(low), take(high))
        return emit.op("multiply", emit.constant(0.5, ordered.dtype), total)
    if method != "linear":
        raise Unsupported(f"its method {method!r:.40} is not known")
    below = np.maximum(high - 1, 0)
    above = np.minimum(below + 1, count - 1)
    share = tensor(emit, (above - places).tolist(), ordered.dtype)
    rest = emit.op("subtract", emit.constant(1, ordered.dtype), share)
    return emit.op("add", emit.op("multiply", take(above), rest), emit.op("multiply", take(below), share))
