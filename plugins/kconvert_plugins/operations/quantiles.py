"""Quantiles, also of what is not NaN (keras/src/ops/numpy.py)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kconvert import ArrayConstant, Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from .operands import (
    Lower,
    apply,
    axes_of,
    documented,
    expanded,
    flattened,
    given,
    join,
    permuted,
    register_table,
    reshaped,
    sizes,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the quantiles."""
    register_table(register, ("x",), {"Median": _median(whole=True), "Nanmedian": _median(whole=False)})
    quantiles = {"Quantile": _quantiles(1, whole=True), "Percentile": _quantiles(100, whole=True)}
    quantiles |= {"Nanquantile": _quantiles(1, whole=False), "Nanpercentile": _quantiles(100, whole=False)}
    register_table(register, ("x", "q"), quantiles)


def _median(whole: bool) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        if not whole and call.argument("axis", None) in ([], ()):
            return given(call, emit)
        return _quantile(call, emit, emit.constant(0.5, "float64"), "linear", whole)

    return documented(lower, f"The middle element{'' if whole else ' of what is not NaN'}, or the mean of the two.")


def _quantiles(share: int, whole: bool) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        q = _fractions(emit, call.argument("q"), share, wide=whole and share == 1)
        given_method = call.config.str("method", "linear")  # which Keras does not hand on for plain quantiles
        return _quantile(call, emit, q, "linear" if whole and share == 1 else given_method, whole)

    what = "all" if whole else "what is not NaN"
    return documented(lower, f"The element of {what} at a fraction q / {share} of the order, or between two elements.")


def _fractions(emit: Emitter, q: Any, share: int, wide: bool) -> Symbol:
    """Return q / share as TensorFlow holds it: float32, then widened; float64 keeps its digits for quantiles."""
    if isinstance(q, Symbol):
        held = q if wide else emit.cast(q, "float32")
        return emit.cast(held if share == 1 else apply(emit, "divide", held, share), "float64")
    numbers = np.asarray(q.value if isinstance(q, ArrayConstant) else q, np.float64)
    if not (wide and isinstance(q, ArrayConstant) and q.dtype == "float64"):
        numbers = (numbers.astype(np.float32) / np.float32(share)).astype(np.float64)
    return tensor(emit, numbers.tolist(), "float64")


def _quantile(call: LayerCall, emit: Emitter, q: Symbol, method: str, whole: bool) -> Symbol:
    """Sort over the axes, NaN last; gather the neighbours of the place (count - 1) q; mix them.

    whole: NaN where one element is NaN; otherwise where all are, which do not count.
    """
    x = given(call, emit)
    x = emit.cast(x, join(x.dtype, "float")) if whole or call.argument("axis", None) is None else x
    if not is_float(x.dtype) or (q.rank > 1 and not whole):
        raise Unsupported(f"Keras on TensorFlow does not run it on {x.type} with q of {q.rank} axes")
    axes = axes_of(call.argument("axis", None), x.rank)
    flat = _rows(emit, x, axes)
    broken = emit.op("isnan", flat)
    valid = emit.op("full", flat, shape=sizes(flat, "like"), value=1, dtype="int32")
    valid = valid if whole else emit.op("where", broken, apply(emit, "multiply", valid, 0), valid)
    last = apply(emit, "subtract", emit.op("sum", valid, axes=[-1], keepdims=True), 1)
    y = _mixed(emit, flat, last, flattened(emit, q), method)
    none = emit.op("any" if whole else "all", broken, axes=[-1], keepdims=True)
    y = emit.op("where", none, emit.constant(math.nan, x.dtype), y)
    y = permuted(emit, y, [y.rank - 1, *range(y.rank - 1)])
    y = expanded(emit, y, [axis + 1 for axis in axes]) if call.argument("keepdims", False) else y
    if q.rank == 1:
        return y
    dims = (
        sizes(y)[1:]
        if None not in y.shape[1:]
        else [f"like.{i}" if n is None else n for i, n in enumerate(y.shape)][1:]
    )
    return reshaped(emit, y, [*sizes(q), *dims], y)


def _rows(emit: Emitter, x: Symbol, axes: list[int]) -> Symbol:
    """Return `x` with `axes` as one, the last."""
    others = [axis for axis in range(x.rank) if axis not in axes]
    if not others:
        return flattened(emit, x)
    moved = permuted(emit, x, [*others, *axes])
    return reshaped(emit, moved, [*sizes(moved)[: len(others)], -1])


def _mixed(emit: Emitter, x: Symbol, last: Symbol, q: Symbol, method: str) -> Any:
    """Return the elements at places last q of the sorted last axis, one for each q, between two by `method`."""
    axis = x.rank - 1
    ordered = emit.op("take_along_axis", x, emit.op("argsort", x, axis=axis), axis=axis)
    places = emit.op("multiply", emit.cast(last, "float64"), q)
    top = apply(emit, "maximum", last, 0)

    def index(op: str) -> Any:
        return emit.op("minimum", apply(emit, "maximum", emit.cast(emit.op(op, places), "int32"), 0), top)

    def take(indices: Symbol) -> Any:
        return emit.op("take_along_axis", ordered, indices, axis=axis)

    ends = {"lower": "floor", "higher": "ceil", "nearest": "round"}
    if method in ends:
        return take(index(ends[method]))
    if method == "midpoint":
        return apply(emit, "multiply", 0.5, emit.op("add", take(index("floor")), take(index("ceil"))))
    if method != "linear":
        raise Unsupported(f"its method {method!r:.40} is not known")
    below = apply(emit, "maximum", apply(emit, "subtract", index("ceil"), 1), 0)
    above = emit.op("minimum", apply(emit, "add", below, 1), top)
    share = emit.cast(emit.op("subtract", emit.cast(above, "float64"), places), ordered.dtype)
    high = emit.op("multiply", take(above), apply(emit, "subtract", 1, share))
    return emit.op("add", high, emit.op("multiply", take(below), share))
