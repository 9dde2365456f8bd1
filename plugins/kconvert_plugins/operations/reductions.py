"""Sums, means, extremes and counts over axes (keras/src/ops/numpy.py)."""

from __future__ import annotations

import math
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_integer

from .operands import (
    Lower,
    axes_of,
    axis_of,
    documented,
    dtype_setting,
    expanded,
    flattened,
    given,
    join,
    moved,
    number_like,
    register_table,
    reshaped,
    tensor,
)
from .positions import counted


@hookimpl
def register_layers(register: Register) -> None:
    """Register the reductions."""
    register_table(register, ("x",), REDUCTIONS)
    register("keras.ops.Average", average, arguments=("x", "weights"))


def over(call: LayerCall, emit: Emitter, op: str, x: Symbol) -> Symbol:
    """Reduce `x` with `op` over the call's `axis`, with its `keepdims`."""
    keepdims = bool(call.argument("keepdims", False))
    return emit.op(op, x, axes=axes_of(call.argument("axis", None), x.rank), keepdims=keepdims)


def sum_(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum; small whole numbers and bools are added in 32 bits."""
    x = given(call, emit)
    return over(call, emit, "sum", emit.cast(x, counted(x.dtype)))


def prod(call: LayerCall, emit: Emitter) -> Symbol:
    """The product; without a dtype, small whole numbers and bools are multiplied in 32 bits."""
    return prod_of(call, emit, given(call, emit))


def prod_of(call: LayerCall, emit: Emitter, x: Symbol) -> Symbol:
    """Multiply `x` over the call's `axis`."""
    if call.argument("dtype", None) is None:
        x = emit.cast(x, counted(join(x.dtype)))
    return over(call, emit, "prod", x)


def mean(call: LayerCall, emit: Emitter) -> Symbol:
    """The mean, computed in float32 at least; of whole numbers and bools it is a float32."""
    x = given(call, emit)
    dtype = join(x.dtype, "float32")
    y = over(call, emit, "mean", emit.cast(x, dtype))
    return emit.cast(y, dtype if is_integer(x.dtype) or x.dtype == "bool" else x.dtype)


def _moment(root: bool) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        result = join(x.dtype, "float")
        wide = emit.cast(x, join(x.dtype, "float32") if not root else result)
        y = variance(call, emit, wide)
        return emit.cast(emit.op("sqrt", y) if root else y, result)

    return documented(lower, "The standard deviation." if root else "The variance.")


def variance(call: LayerCall, emit: Emitter, x: Symbol) -> Symbol:
    """Return the mean square of the distance from the mean."""
    axes = axes_of(call.argument("axis", None), x.rank)
    distance = emit.op("subtract", x, emit.op("mean", x, axes=axes, keepdims=True))
    return over(call, emit, "mean", emit.op("multiply", distance, distance))


def _extreme(op: str, logical: str) -> Lower:
    """max and min; of bools any and all. `initial` takes part in it."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        x, initial = given(call, emit), call.argument("initial", None)
        y = over(call, emit, logical if x.dtype == "bool" else op, x)
        if initial is None:
            return y
        other = emit.constant(initial, "int32" if x.dtype == "bool" else x.dtype)
        return emit.cast(emit.op(f"{op}imum", emit.cast(y, other.dtype), other), x.dtype)

    return documented(lower, f"The {op} over axes.")


def ptp(call: LayerCall, emit: Emitter) -> Symbol:
    """The largest less the smallest."""
    x = given(call, emit)
    return emit.op("subtract", over(call, emit, "max", x), over(call, emit, "min", x))


def _logical(op: str) -> Lower:
    return documented(
        lambda call, emit: over(call, emit, op, tensor(emit, call.argument("x"), "bool")),
        f"Whether {op} are not 0.",
    )


def count_nonzero(call: LayerCall, emit: Emitter) -> Symbol:
    """How many are not 0."""
    return over(call, emit, "sum", emit.cast(tensor(emit, call.argument("x"), "bool"), "int32"))


def _argument(op: str) -> Lower:
    return documented(lambda call, emit: argument(call, emit, op, given(call, emit)), f"The op `{op}`.")


def argument(call: LayerCall, emit: Emitter, op: str, x: Symbol) -> Symbol:
    """Return the index of the first extreme along an axis, or among all elements."""
    axis, keepdims = call.argument("axis", None), bool(call.argument("keepdims", False))
    if axis is not None:
        return emit.op(op, x, axis=axis_of(axis, x.rank), keepdims=keepdims)
    y: Symbol = emit.op(op, flattened(emit, x), axis=0)
    return reshaped(emit, y, [1] * x.rank) if keepdims else y


def _running(op: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        return running(call, emit, op, given(call, emit))

    return documented(lower, f"The op `{op}` along an axis, or over all elements; bools count as int32.")


def running(call: LayerCall, emit: Emitter, op: str, x: Symbol) -> Symbol:
    """Write a running sum or product along the call's `axis`, in its `dtype`."""
    x = emit.cast(x, dtype_setting(call, x.dtype))
    x = emit.cast(x, "int32") if x.dtype == "bool" else x
    axis = call.argument("axis", None)
    if axis is None:
        return emit.op(op, flattened(emit, x), axis=0)
    return emit.op(op, x, axis=axis_of(axis, x.rank))


def average(call: LayerCall, emit: Emitter) -> Symbol:
    """The mean, in floats; with weights, the weighted mean along one axis or all."""
    x, weights = given(call, emit), call.argument("weights", None)
    axis = call.argument("axis", None)
    if weights is None:
        return emit.op("mean", emit.cast(x, join(x.dtype, "float")), axes=axes_of(axis, x.rank))
    weights = tensor(emit, weights)
    dtype = join(x.dtype, weights.dtype, "float")
    x, weights = emit.cast(x, dtype), emit.cast(weights, dtype)
    axes = axes_of(axis, x.rank)
    total = emit.op("sum", weights, axes=axes if x.rank == weights.rank else None)
    if x.rank != weights.rank:
        if len(axes) != 1 or weights.rank != 1:
            raise Unsupported("its weights must have the rank of x, or be a vector along one axis")
        weights = expanded(emit, weights, range(1, x.rank - axes[0]))
    return emit.op("divide", emit.op("sum", emit.op("multiply", x, weights), axes=axes), total)


def logsumexp(call: LayerCall, emit: Emitter) -> Symbol:
    """log(sum(exp(x))), with the largest finite x taken out."""
    x = given(call, emit)
    axes = axes_of(call.argument("axis", None), x.rank)
    most: Symbol = emit.op("max", x, axes=axes, keepdims=True)
    most = emit.op("where", emit.op("isfinite", most), most, number_like(emit, 0, most))
    total = over(call, emit, "sum", emit.op("exp", emit.op("subtract", x, most)))
    back = over(call, emit, "sum", most) if not call.argument("keepdims", False) else most
    return emit.op("add", emit.op("log", total), back)


def norm(call: LayerCall, emit: Emitter) -> Symbol:
    """Vector norms of any order over one axis; Frobenius, 1 and infinity norms of matrices over two."""
    x = given(call, emit)
    axes = axes_of(call.argument("axis", None), x.rank)
    order, keepdims = call.argument("ord", None), bool(call.argument("keepdims", False))
    y = norm_of(emit, x, axes, order, keepdims)
    if keepdims and len(axes) == 2 and order in ("nuc", 2, -2):
        for axis in call.argument("axis", None) or axes:  # Keras inserts them one after the other, as they were given
            y = expanded(emit, y, [axis_of(axis, y.rank + 1)])
    return y


def norm_of(emit: Emitter, x: Symbol, axes: list[int], order: Any, keepdims: bool) -> Symbol:
    """Return a norm of `x`, in floats."""
    x = emit.cast(x, join(x.dtype, "float"))
    if len(axes) == 1:
        return _vector_norm(emit, x, axes, order, keepdims)
    if len(axes) != 2:
        raise Unsupported(f"it has {len(axes)} axes; norms are over one or two")
    return _matrix_norm(emit, x, axes, order, keepdims)


def _vector_norm(emit: Emitter, x: Symbol, axes: list[int], order: Any, keepdims: bool) -> Symbol:
    if order is None or order == 2:
        return emit.op("sqrt", emit.op("sum", emit.op("multiply", x, x), axes=axes, keepdims=keepdims))
    size = emit.op("abs", x)
    if isinstance(order, bool) or not isinstance(order, (int, float)):
        raise Unsupported(f"its ord {order!r:.40} is not a norm of vectors")
    if math.isinf(order):
        return emit.op("max" if order > 0 else "min", size, axes=axes, keepdims=keepdims)
    if order == 0:
        some = emit.cast(emit.op("not_equal", x, number_like(emit, 0, x)), x.dtype)
        return emit.op("sum", some, axes=axes, keepdims=keepdims)
    power = number_like(emit, order, x)
    total = emit.op("sum", emit.op("power", size, power), axes=axes, keepdims=keepdims)
    return emit.op("power", total, emit.op("divide", number_like(emit, 1, x), power))


def _matrix_norm(emit: Emitter, x: Symbol, axes: list[int], order: Any, keepdims: bool) -> Symbol:
    if order in (None, "fro"):
        return emit.op("sqrt", emit.op("sum", emit.op("multiply", x, x), axes=axes, keepdims=keepdims))
    if order in ("nuc", 2, -2):
        _, values, _ = emit.op("svd", moved(emit, x, axes, [x.rank - 2, x.rank - 1]))
        return emit.op({"nuc": "sum", 2: "max", -2: "min"}[order], values, axes=[-1])
    if isinstance(order, str) or order not in (1, -1, math.inf, -math.inf):
        raise Unsupported(f"its ord {order!r:.40} is not a norm of matrices")
    inner, outer = axes if abs(order) == 1 else axes[::-1]
    sums = emit.op("sum", emit.op("abs", x), axes=[inner], keepdims=True)
    y: Symbol = emit.op("max" if order > 0 else "min", sums, axes=[outer], keepdims=True)
    return y if keepdims else emit.op("sum", y, axes=axes)


REDUCTIONS: dict[str, Lower] = {
    "Sum": sum_,
    "Prod": prod,
    "Mean": mean,
    "Var": _moment(root=False),
    "Std": _moment(root=True),
    "Max": _extreme("max", "any"),
    "Amax": _extreme("max", "any"),
    "Min": _extreme("min", "all"),
    "Amin": _extreme("min", "all"),
    "Ptp": ptp,
    "Any": _logical("any"),
    "All": _logical("all"),
    "CountNonzero": count_nonzero,
    "Argmax": _argument("argmax"),
    "Argmin": _argument("argmin"),
    "Cumsum": _running("cumsum"),
    "Cumprod": _running("cumprod"),
    "Logsumexp": logsumexp,
    "Norm": norm,
}
