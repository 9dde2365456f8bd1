"""Comparison, logic and bits (keras/src/ops/numpy.py). Numbers on their own count as int32 and float32 here."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, hookimpl
from kconvert.promotion import is_float

from .operands import (
    Lower,
    arguments,
    documented,
    expanded,
    flattened,
    given,
    number_like,
    register_table,
    sizes,
    strong,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register comparisons, logic and operations on bits."""
    register_table(register, ("x1", "x2"), PAIRS)
    register_table(register, ("x1", "x2", "rtol", "atol"), {"Isclose": isclose})
    register_table(register, ("x", "y"), BITS)
    register_table(register, ("x",), {"LogicalNot": logical_not, "BitwiseInvert": invert, "BitwiseNot": invert})


def _comparison(op: str) -> Lower:
    return documented(lambda call, emit: emit.op(op, *strong(emit, arguments(call, "x1", "x2"))), f"The op `{op}`.")


def _logical(op: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        return emit.op(op, *(tensor(emit, value, "bool") for value in arguments(call, "x1", "x2")))

    return documented(lower, f"The op `{op}`; numbers other than 0 hold.")


def logical_not(call: LayerCall, emit: Emitter) -> Symbol:
    """Not x; numbers other than 0 hold."""
    return emit.op("logical_not", tensor(emit, call.argument("x"), "bool"))


def isclose(call: LayerCall, emit: Emitter) -> Symbol:
    """|x1 - x2| <= atol + rtol |x2|; equality for whole numbers."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"))
    if not is_float(x1.dtype):
        return emit.op("equal", x1, x2)
    y = _near(call, emit, x1, x2)
    return _or_both_nan(call, emit, y, x1, x2)


def _near(call: LayerCall, emit: Emitter, x1: Symbol, x2: Symbol) -> Symbol:
    rtol, atol = (number_like(emit, float(call.argument(n, d)), x1) for n, d in (("rtol", 1e-5), ("atol", 1e-8)))
    allowed = emit.op("add", atol, emit.op("multiply", rtol, emit.op("abs", x2)))
    return emit.op("less_equal", emit.op("abs", emit.op("subtract", x1, x2)), allowed)


def _or_both_nan(call: LayerCall, emit: Emitter, y: Symbol, x1: Symbol, x2: Symbol) -> Symbol:
    if not call.argument("equal_nan", False):
        return y
    return emit.op("logical_or", y, emit.op("logical_and", emit.op("isnan", x1), emit.op("isnan", x2)))


def allclose(call: LayerCall, emit: Emitter) -> Symbol:
    """Whether all of x1 and x2 are near each other; infinities are near themselves."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"))
    y: Symbol = emit.op("equal", x1, x2)
    if is_float(x1.dtype):
        finite = emit.op("logical_and", emit.op("isfinite", x1), emit.op("isfinite", x2))
        y = emit.op("logical_or", emit.op("logical_and", finite, _near(call, emit, x1, x2)), y)
        y = _or_both_nan(call, emit, y, x1, x2)
    return emit.op("all", y)


def isin(call: LayerCall, emit: Emitter) -> Symbol:
    """Whether each of x1 equals one of x2; with `invert`, none. An empty x2 gives False either way."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"))
    if 0 in x2.shape:
        return emit.op("full", x1, shape=sizes(x1, "like"), value=False, dtype="bool")
    found = emit.op("any", emit.op("equal", expanded(emit, x1, [x1.rank]), flattened(emit, x2)), axes=[-1])
    return emit.op("logical_not", found) if call.argument("invert", False) else found


def _bits(op: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        return emit.op(op, *strong(emit, arguments(call, "x", "y")))

    return documented(lower, f"The op `{op}`.")


def _shift(op: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x, y = given(call, emit), call.argument("y")
        return emit.op(op, x, tensor(emit, y, x.dtype)) if isinstance(y, int) else emit.op(op, *strong(emit, [x, y]))

    return documented(lower, f"The op `{op}`; a Python number takes the dtype of x.")


def invert(call: LayerCall, emit: Emitter) -> Symbol:
    """Every bit of x flipped."""
    return emit.op("bitwise_not", given(call, emit))


PAIRS: dict[str, Lower] = {
    "Equal": _comparison("equal"),
    "NotEqual": _comparison("not_equal"),
    "Less": _comparison("less"),
    "LessEqual": _comparison("less_equal"),
    "Greater": _comparison("greater"),
    "GreaterEqual": _comparison("greater_equal"),
    "LogicalAnd": _logical("logical_and"),
    "LogicalOr": _logical("logical_or"),
    "LogicalXor": _logical("logical_xor"),
    "AllClose": allclose,
    "IsIn": isin,
}
BITS: dict[str, Lower] = {
    "BitwiseAnd": _bits("bitwise_and"),
    "BitwiseOr": _bits("bitwise_or"),
    "BitwiseXor": _bits("bitwise_xor"),
    "BitwiseLeftShift": _shift("left_shift"),
    "LeftShift": _shift("left_shift"),
    "BitwiseRightShift": _shift("right_shift"),
    "RightShift": _shift("right_shift"),
}
