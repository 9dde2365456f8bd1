"""Reductions that pass NaN over (keras/src/ops/numpy.py)."""

from __future__ import annotations

import math
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, hookimpl
from kconvert.promotion import is_float

from .elementwise import without_nan
from .operands import Lower, axes_of, documented, given, join, number_like, register_table
from .positions import counted
from .reductions import argument, over, prod_of, running


@hookimpl
def register_layers(register: Register) -> None:
    """Register the reductions that pass NaN over."""
    register_table(register, ("x",), REDUCTIONS)


def _filled(emit: Emitter, x: Symbol, value: float) -> Symbol:
    """Return `x` with `value` for NaN; whole numbers as they are."""
    return emit.op("where", emit.op("isnan", x), number_like(emit, value, x), x) if is_float(x.dtype) else x


def nansum(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum of what is not NaN."""
    x = given(call, emit)
    return over(call, emit, "sum", emit.cast(_filled(emit, x, 0.0), counted(x.dtype)))


def nanprod(call: LayerCall, emit: Emitter) -> Symbol:
    """The product of what is not NaN."""
    return prod_of(call, emit, _filled(emit, given(call, emit), 1.0))


def nanmean(call: LayerCall, emit: Emitter) -> Symbol:
    """The mean of what is not NaN; NaN for nothing."""
    x = given(call, emit)
    if call.argument("axis", None) in ([], ()):
        return x
    return _mean(call, emit, x) if is_float(x.dtype) else over(call, emit, "mean", emit.cast(x, "float32"))


def _mean(call: LayerCall, emit: Emitter, x: Symbol) -> Symbol:
    count = over(call, emit, "sum", _valid(emit, x))
    return emit.op("divide", over(call, emit, "sum", _filled(emit, x, 0.0)), count)


def _valid(emit: Emitter, x: Symbol) -> Symbol:
    """1 for numbers, 0 for NaN."""
    return emit.cast(emit.op("logical_not", emit.op("isnan", x)), x.dtype)


def _moment(root: bool) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        x = emit.cast(x, join(x.dtype, "float"))
        axes = axes_of(call.argument("axis", None), x.rank)
        valid = _valid(emit, x)
        total, count = (emit.op("sum", v, axes=axes, keepdims=True) for v in (_filled(emit, x, 0.0), valid))
        distance = emit.op("subtract", x, emit.op("divide", total, count))
        distance = emit.op("where", emit.op("isnan", x), number_like(emit, 0, x), distance)
        squares = over(call, emit, "sum", emit.op("multiply", distance, distance))
        y = emit.op("divide", squares, over(call, emit, "sum", valid))
        return emit.op("sqrt", y) if root else y

    return documented(lower, f"The {'standard deviation' if root else 'variance'} of what is not NaN.")


def _extreme(op: str, logical: str, least: float) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        if not is_float(x.dtype):
            return over(call, emit, logical if x.dtype == "bool" else op, x)
        none = over(call, emit, "all", emit.op("isnan", x))
        return emit.op("where", none, number_like(emit, math.nan, x), over(call, emit, op, _filled(emit, x, least)))

    return documented(lower, f"The {op} of what is not NaN; NaN for nothing.")


def _argument(op: str, least: float) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        found = argument(call, emit, op, _filled(emit, x, least))
        if not is_float(x.dtype):
            return found
        none = over(call, emit, "all", emit.op("isnan", x))
        return emit.op("where", none, emit.constant(-1, "int32"), found)

    return documented(lower, f"The op `{op}` among what is not NaN; -1 for nothing.")


def _running(op: str, nan: float) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        return running(call, emit, op, without_nan(call, emit, given(call, emit), nan))

    return documented(lower, f"The op `{op}` with {nan:g} for NaN and the largest finite numbers for infinities.")


REDUCTIONS: dict[str, Lower] = {
    "Nansum": nansum,
    "Nanprod": nanprod,
    "Nanmean": nanmean,
    "Nanvar": _moment(root=False),
    "Nanstd": _moment(root=True),
    "Nanmax": _extreme("max", "any", -math.inf),
    "Nanmin": _extreme("min", "all", math.inf),
    "Nanargmax": _argument("argmax", -math.inf),
    "Nanargmin": _argument("argmin", math.inf),
    "Nancumsum": _running("cumsum", 0.0),
    "Nancumprod": _running("cumprod", 1.0),
}
