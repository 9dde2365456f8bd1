"""Reductions over segments of rows (keras/src/ops/math.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Unsupported, hookimpl
from kconvert.promotion import is_float

from .elementwise import MOST
from .operands import Lower, documented, given, number_like, register_table, reshaped, sizes


@hookimpl
def register_layers(register: Register) -> None:
    """Register the segment reductions."""
    register_table(register, ("data", "segment_ids"), SEGMENTS)


def _segment(reduction: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        data, ids = given(call, emit, "data"), given(call, emit, "segment_ids")
        count = call.argument("num_segments", None)
        if count is None or call.argument("sorted", False):
            raise Unsupported("how many segments it gives depends on their numbers; set num_segments, and sorted=False")
        if ids.rank != 1:
            raise Unsupported(f"its segment_ids must be a vector, got {ids.type}")
        start = _start(reduction, data.dtype)
        shape = [count, *(f"like.{i}" if n is None else n for i, n in enumerate(data.shape) if i)]
        empty = emit.op("full", data, shape=shape, value=start, dtype=data.dtype)
        inside = emit.op("greater_equal", ids, number_like(emit, 0, ids))
        places = emit.op("where", inside, ids, number_like(emit, 0, ids))
        kept = reshaped(emit, inside, [sizes(ids)[0], *[1] * (data.rank - 1)])
        updates = emit.op("where", kept, data, number_like(emit, start, data))
        return emit.op("scatter", empty, reshaped(emit, places, [-1, 1]), updates, reduction=reduction)

    return documented(lower, f"The op `{reduction}` over the rows of each segment; negative ids belong to none.")


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
