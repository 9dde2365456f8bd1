"""Order: sort, top k, search (keras/src/ops/numpy.py and math.py)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .operands import (
    axis_of,
    expanded,
    flattened,
    given,
    known,
    register_table,
    reshaped,
    sizes,
    sliced,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations on order."""
    register_table(register, ("x",), {"Sort": sort, "Argsort": argsort, "TopK": top_k})
    register("keras.ops.SearchSorted", search_sorted, arguments=("sorted_sequence", "values"))
    register("keras.ops.Digitize", digitize, arguments=("x", "bins"))
    register("keras.ops.InTopK", in_top_k, arguments=("targets", "predictions"))


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
    x = given(call, emit)
    dtype = "float64" if x.dtype == "float64" else "float32"
    edges = emit.cast(tensor(emit, call.argument("bins"), "float32"), dtype)
    return emit.op("searchsorted", edges, emit.cast(x, dtype), side="right")
