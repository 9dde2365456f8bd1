"""Reductions over segments of rows (keras/src/ops/math.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from .elementwise import MOST
from .operands import Lower, apply, documented, given, known, number_like, register_table, reshaped, sizes


@hookimpl
def register_layers(register: Register) -> None:
    """Register the segment reductions."""
    register_table(register, ("data", "segment_ids"), SEGMENTS)


def _segment(reduction: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        data, ids = given(call, emit, "data"), given(call, emit, "segment_ids")
        in_order, rest = bool(call.argument("sorted", False)), list(data.shape[1:])
        if ids.rank != 1:
            raise Unsupported(f"its segment_ids must be a vector, got {ids.type}")
        start = _start(reduction, data.dtype)
        inside = apply(emit, "greater_equal", ids, 0)
        places = apply(emit, "where", inside, ids, 0)
        count = call.argument("num_segments", None)
        if count is not None:
            shape = [count, *(f"like.{i}" if n is None else n for i, n in enumerate(rest, 1))]
            empty = emit.op("full", data, shape=shape, value=start, dtype=data.dtype)
        else:
            shape = ["like.0", *(known(n, "the sizes of its rows") for n in rest)]
            like = _segments(emit, places, reduction == "add" and not in_order)
            empty = emit.op("full", like, shape=shape, value=start, dtype=data.dtype)
        kept = reshaped(emit, inside, [sizes(ids)[0], *[1] * len(rest)])
        updates = emit.op("where", kept, data, number_like(emit, start, data))
        y = emit.op("scatter", empty, reshaped(emit, places, [-1, 1]), updates, reduction=reduction)
        return _without_gaps(emit, y, places) if in_order and reduction in ("max", "min") else y

    return documented(lower, f"The op `{reduction}` over the rows of each segment; negative ids belong to none.")


def _segments(emit: Emitter, ids: Symbol, different: bool) -> Symbol:
    """Return a vector as long as there are segments: up to the largest id, for sums as many as there are ids."""
    if different:
        values: Symbol = emit.op("unique", ids)[0]
        return values
    counts: Symbol = emit.op("bincount", ids)
    return counts


def _without_gaps(emit: Emitter, x: Symbol, ids: Symbol) -> Symbol:
    """Return `x` with 0 for segments without rows, as TensorFlow gives them for sorted ids."""
    used = apply(emit, "greater", emit.op("bincount", ids), 0)
    y: Symbol = apply(emit, "where", reshaped(emit, used, [-1, *[1] * (x.rank - 1)]), x, 0)
    return y


def _start(reduction: str, dtype: str) -> Any:
    """Return what an empty segment gives."""
    if reduction in ("add", "mul"):
        return 0 if reduction == "add" else 1
    if is_float(dtype):
        return -MOST[dtype] if reduction == "max" else MOST[dtype]
    return int(np.iinfo(dtype).min if reduction == "max" else np.iinfo(dtype).max)


SEGMENTS: dict[str, Lower] = {
    "SegmentSum": _segment("add"),
    "SegmentProd": _segment("mul"),
    "SegmentMax": _segment("max"),
    "SegmentMin": _segment("min"),
}
