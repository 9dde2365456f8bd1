"""Picking elements: x[key], take, where, slice, scatter (keras/src/ops/numpy.py and core.py)."""

from __future__ import annotations

from typing import Any

from kconvert import ArrayConstant, Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float
from kconvert_schemas.dims import Dim

from .operands import (
    apply,
    axis_of,
    flattened,
    given,
    kind,
    known,
    reshaped,
    sizes,
    sliced,
    tensor,
    weak,
    without_axes,
)
from .positions import arange

KeyPart = Any


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that pick or replace elements."""
    register("keras.ops.GetItem", get_item, arguments=("x", "key"))
    register("keras.ops.Take", take, arguments=("x", "indices"))
    register("keras.ops.TakeAlongAxis", take_along_axis, arguments=("x", "indices"))
    register("keras.ops.Where", where, arguments=("condition", "x1", "x2"))
    register("keras.ops.Select", select, arguments=("condlist", "choicelist", "default"))
    register("keras.ops.Slice", slice_, arguments=("inputs", "start_indices"))
    register("keras.ops.SliceUpdate", slice_update, arguments=("inputs", "start_indices", "updates"))
    register("keras.ops.Scatter", scatter, arguments=("indices", "values"))
    register("keras.ops.ScatterUpdate", scatter_update, arguments=("inputs", "indices", "updates"))


def get_item(call: LayerCall, emit: Emitter) -> Symbol:
    """x[key] for integers, slices, None and one Ellipsis: a slice of every axis, then a reshape if axes come or go."""
    x, key = given(call, emit), call.argument("key")
    parts = _without_ellipsis(list(key) if isinstance(key, (list, tuple)) else [key], x.rank)
    slices: list[list[int | None] | None] = []
    kept: list[int | None] = []  # axes of the sliced tensor that stay; None for a new axis
    for part in parts:
        if part is None:
            kept.append(None)
            continue
        if isinstance(part, slice):
            kept.append(len(slices))
        slices.append(_as_slice(part))
    y: Symbol = emit.op("slice", x, slices=slices) if any(slices) else x.with_mask(None)
    if kept == list(range(x.rank)):
        return y
    dims = sizes(y)
    return reshaped(emit, y, [1 if axis is None else dims[axis] for axis in kept])


def _without_ellipsis(parts: list[KeyPart], rank: int) -> list[KeyPart]:
    """Put whole slices where the Ellipsis stands, or at the end if there is none."""
    wrong = [part for part in parts if not _is_key(part)]
    if wrong:
        raise Unsupported(f"it is indexed with {wrong[0]!r:.60}; integers, slices, None and ... are converted")
    spots = [i for i, part in enumerate(parts) if part is ...]
    missing = rank - sum(part is not None and part is not ... for part in parts)
    if len(spots) > 1 or missing < 0:
        raise Unsupported(f"its key does not fit a tensor with {rank} axes")
    spot = spots[0] if spots else len(parts)
    return [*parts[:spot], *[slice(None)] * missing, *parts[spot + 1 :]]


def _is_key(part: KeyPart) -> bool:
    if isinstance(part, slice):
        return all(n is None or _is_int(n) for n in (part.start, part.stop, part.step))
    return part is None or part is ... or _is_int(part)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _as_slice(part: int | slice) -> list[int | None] | None:
    """One entry of the op `slice`; an integer takes a slice of one element."""
    if isinstance(part, int):
        return [part, part + 1 if part != -1 else None, None]
    bounds = [part.start, part.stop, part.step]
    return bounds if any(bound is not None for bound in bounds) else None


def take(call: LayerCall, emit: Emitter) -> Symbol:
    """x at indices along an axis, or of all its elements; negative indices count from the end."""
    x, axis = given(call, emit), call.argument("axis", None)
    indices = given(call, emit, "indices")
    if axis is None:
        return emit.op("take", flattened(emit, x), indices, axis=0)
    return emit.op("take", x, indices, axis=axis_of(axis, x.rank))


def take_along_axis(call: LayerCall, emit: Emitter) -> Symbol:
    """x at indices of the same rank, whose other axes broadcast with those of x."""
    x, indices = given(call, emit), tensor(emit, call.argument("indices"), "int64")
    axis = call.argument("axis", None)
    if axis is None:
        return emit.op("take_along_axis", flattened(emit, x), indices, axis=0)
    return emit.op("take_along_axis", x, indices, axis=axis_of(axis, x.rank))


def where(call: LayerCall, emit: Emitter) -> Symbol:
    """x1 where the condition is not 0, else x2."""
    values = [call.argument("x1", None), call.argument("x2", None)]
    if values == [None, None]:  # Keras gives the first of the indices that `nonzero` would give
        found = emit.op("argwhere", tensor(emit, call.argument("condition"), "bool"))
        return without_axes(emit, sliced(emit, found, 1, 0, 1), [1])
    if None in values:
        raise Unsupported("it is called with one of x1 and x2; both, or none, are needed")
    return emit.op("where", tensor(emit, call.argument("condition"), "bool"), *weak(emit, values))


def select(call: LayerCall, emit: Emitter) -> Symbol:
    """The choice that belongs to the first condition that holds, else the default."""
    conditions, choices = (call.argument(name) for name in ("condlist", "choicelist"))
    if not isinstance(conditions, list) or not isinstance(choices, list) or len(conditions) != len(choices):
        raise Unsupported("it needs a list of conditions and a list of as many choices")
    found = [tensor(emit, choice) for choice in choices]
    default = call.argument("default", 0)
    dtypes = {choice.dtype for choice in found}
    adapts = isinstance(default, int) or (isinstance(default, float) and all(map(is_float, dtypes)))
    if len(dtypes if adapts else dtypes | {kind(default)}) > 1:
        raise Unsupported("its choices and its default have several dtypes; cast them to one")
    y = tensor(emit, default, found[0].dtype)
    for condition, choice in reversed(list(zip(conditions, found, strict=True))):
        y = emit.op("where", tensor(emit, condition, "bool"), choice, y)
    return y


def _starts(call: LayerCall, rank: int) -> list[int] | None:
    """Return the start indices; None where they are computed."""
    starts = call.argument("start_indices")
    starts = starts.value if isinstance(starts, ArrayConstant) else starts
    if isinstance(starts, Symbol) or (isinstance(starts, list) and any(isinstance(n, Symbol) for n in starts)):
        return None
    if not isinstance(starts, (list, tuple)) or not all(map(_is_int, starts)) or len(starts) != rank:
        raise Unsupported("its start indices must be whole numbers, one for each axis")
    return list(starts)


def _computed_starts(call: LayerCall, emit: Emitter, rank: int) -> list[Symbol]:
    """Return the start indices as a vector of one element for each axis."""
    starts = call.argument("start_indices")
    if isinstance(starts, Symbol):
        starts = reshaped(emit, starts, [rank])
        return [emit.cast(sliced(emit, starts, 0, i, i + 1), "int64") for i in range(rank)]
    if len(starts) != rank:
        raise Unsupported(f"it has {len(starts)} start indices for {rank} axes")
    return [reshaped(emit, tensor(emit, start, "int64"), [1]) for start in starts]


def slice_(call: LayerCall, emit: Emitter) -> Symbol:
    """`shape` elements from `start_indices` on; -1 takes all that are left."""
    x = given(call, emit, "inputs")
    shape = call.config.ints("shape")
    starts = _starts(call, x.rank)
    if starts is None:
        return _taken(emit, x, _computed_starts(call, emit, x.rank), shape)
    slices: list[list[int | None] | None] = []
    for start, length, size in zip(starts, shape, x.shape, strict=True):
        if start < 0 or (size is not None and start + max(length, 0) > size):
            raise Unsupported(f"it takes {length} elements from {start} on of an axis of {size}")
        slices.append([start, None if length == -1 else start + length, None])
    y: Symbol = emit.op("slice", x, slices=slices)
    dims: list[Dim] = [dim if length == -1 else length for length, dim in zip(shape, sizes(y), strict=True)]
    return y if dims == list(y.shape) else reshaped(emit, y, dims)  # fails when running where an axis is too short


def _taken(emit: Emitter, x: Symbol, starts: list[Symbol], shape: list[int]) -> Symbol:
    """Return the elements from computed places on, axis by axis."""
    for axis, (start, length) in enumerate(zip(starts, shape, strict=True)):
        if length == -1:
            raise Unsupported("how many elements it takes depends on its start indices; give them in `shape`")
        inside = apply(emit, "greater_equal", start, 0)  # a negative start is an error, not counted from the end
        start = apply(emit, "where", inside, start, 2**31)
        x = emit.op("take", x, emit.op("add", tensor(emit, list(range(length)), "int64"), start), axis=axis)
    return x


def slice_update(call: LayerCall, emit: Emitter) -> Symbol:
    """inputs with `updates` written from `start_indices` on."""
    x, updates = given(call, emit, "inputs"), tensor(emit, call.argument("updates"))
    starts = _starts(call, x.rank)
    if starts is None or (None in (*x.shape, *updates.shape) and any(starts)):
        computed = (
            _computed_starts(call, emit, x.rank)
            if starts is None
            else [emit.constant([start], "int64") for start in starts]
        )
        return _updated(emit, x, updates, computed)
    pads = []
    for start, size, length in zip(starts, x.shape, updates.shape, strict=True):
        if size is None and length is None and start == 0:
            pads.append([0, 0])
            continue
        size, length = known(size, "the sizes of its inputs"), known(length, "the sizes of its updates")
        start = min(max(start, 0), size - length)
        pads.append([start, size - start - length])
    inside = emit.op("full", updates, shape=sizes(updates, "like"), value=True, dtype="bool")
    zero: Any = False if updates.dtype == "bool" else 0
    written = emit.op("pad", updates, pads=pads, value=zero)
    return emit.op("where", emit.op("pad", inside, pads=pads, value=False), written, x)


def _updated(emit: Emitter, x: Symbol, updates: Symbol, starts: list[Symbol]) -> Symbol:
    """Write `updates` from computed places on, which are moved so that they lie inside."""
    inside: Any = None
    for axis, start in enumerate(starts):
        places, own = (emit.cast(arange(emit, y, axis), "int64") for y in (x, updates))
        most = [apply(emit, "add", emit.op("max", one, keepdims=True), 1) for one in (places, own)]
        start = emit.op("minimum", apply(emit, "maximum", start, 0), emit.op("subtract", *most))
        places = emit.op("subtract", places, start)
        within = emit.op("logical_and", apply(emit, "greater_equal", places, 0), emit.op("less", places, most[1]))
        updates = emit.op("take", updates, apply(emit, "where", within, places, 0), axis=axis)
        within = reshaped(emit, within, [-1, *[1] * (x.rank - axis - 1)])
        inside = within if inside is None else emit.op("logical_and", inside, within)
    return emit.op("where", inside, updates, x)


def scatter(call: LayerCall, emit: Emitter) -> Symbol:
    """Zeros of `shape` to which `values` are added at `indices`."""
    values = given(call, emit, "values")
    zeros = emit.op("full", shape=call.config.ints("shape"), value=0, dtype=values.dtype)
    return emit.op("scatter", zeros, given(call, emit, "indices"), values, reduction="add")


def scatter_update(call: LayerCall, emit: Emitter) -> Symbol:
    """inputs with `updates` put, added, multiplied, ... at `indices`."""
    x, indices = given(call, emit, "inputs"), given(call, emit, "indices")
    updates = call.argument("updates")
    updates = updates if isinstance(updates, Symbol) else tensor(emit, updates, x.dtype)
    reduction = call.argument("reduction", None)
    if reduction not in (None, "add", "max", "min", "mul"):
        raise Unsupported(f"its reduction {reduction!r:.40} is not known")
    return emit.op("scatter", x, indices, updates, reduction=reduction or "set")
