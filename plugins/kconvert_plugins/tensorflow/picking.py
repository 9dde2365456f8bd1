"""Functions that pick, place and pad elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, Extent, LayerCall, Register, Symbol, Unsupported, hookimpl

from ..operations.operands import axes_of, expanded, moved, number_like, reshaped, sizes, sliced, tensor
from .binding import Function, axis, dtype, given, number, operation, plain, register_functions, value, whole
from .extents import counting, known, shape


@hookimpl
def register_layers(register: Register) -> None:
    """Register the functions that pick elements."""
    register_functions(register, FUNCTIONS)


def get_item(call: LayerCall, emit: Emitter) -> Symbol:
    """x[key]; a bound may be the size of an axis."""
    x = given(call, emit, "tensor")
    key = call.get("slice_spec")
    parts = list(key) if isinstance(key, (list, tuple)) else [key]
    parts, cuts = _plain_key([_part(part) for part in parts], x)
    for along, limit in cuts:
        x = emit.op("take", x, counting(emit, limit), axis=along).with_sizes(None)
    y: Symbol = operation(emit, "GetItem", x, parts)
    return y.with_sizes(_picked(x, parts))


def _part(part: Any) -> Any:
    """Return one entry of a key, with sizes that are known in place of tensors."""
    if isinstance(part, dict) and part.keys() == {"start", "stop", "step"}:
        part = slice(part["start"], part["stop"], part["step"])
    if isinstance(part, slice):
        return slice(*(_bound(bound) for bound in (part.start, part.stop, part.step)))
    if isinstance(part, dict) and part.get("class_name") == "__ellipsis__":
        return ...
    return _bound(part) if part is not ... else part


def _bound(bound: Any) -> Any:
    if not isinstance(bound, Symbol):
        return bound
    found = known(bound)
    if not isinstance(found, (int, Extent)):
        raise Unsupported("it is indexed with numbers that are known only when the model runs")
    return found


def _plain_key(parts: list[Any], x: Symbol) -> tuple[list[Any], list[tuple[int, Extent]]]:
    """Return a key without open bounds, and the axes of which only the first elements are to be taken."""
    cuts: list[tuple[int, Extent]] = []
    found: list[Any] = []
    for place, part in enumerate(parts):
        if not isinstance(part, slice) or not isinstance(part.stop, Extent):
            if isinstance(part, Extent) or (isinstance(part, slice) and isinstance(part.start, Extent)):
                raise Unsupported("it is indexed with the size of an axis")
            found.append(part)
            continue
        after = [p for p in parts[place + 1 :] if p is not None]
        along = sum(p is not None for p in parts[:place]) if ... not in parts[:place] else x.rank - 1 - len(after)
        if part.stop.axes != ((x, along),) or part.stop.factor != 1:
            if part.start not in (None, 0) or part.step not in (None, 1):
                raise Unsupported("it is cut at the size of an axis in another way than from 0 by 1")
            cuts.append((along, part.stop))
        found.append(slice(part.start, None, part.step))
    return found, cuts


def _picked(x: Symbol, parts: list[Any]) -> Any:
    sizes_ = known(x)
    if x.rank != 1 or not isinstance(sizes_, tuple) or len(parts) != 1 or not isinstance(parts[0], (int, slice)):
        return None
    return sizes_[parts[0]]


def slice_(call: LayerCall, emit: Emitter) -> Symbol:
    """`size` elements from `begin` on along each axis; -1 takes all that are left."""
    x = given(call, emit, "input_")
    parts: list[list[int | None] | None] = []
    for place, (start, length) in enumerate(zip(shape(call.get("begin")), shape(call.get("size")), strict=True)):
        if isinstance(length, Extent) and length.axes == ((x, place),) and length.factor == 1 and start == 0:
            parts.append(None)
            continue
        if not isinstance(start, int) or not isinstance(length, int):
            raise Unsupported("it takes as many elements as the size of another axis")
        have = x.shape[place]
        if have is not None and start + max(length, 0) > have:
            raise Unsupported(f"it takes {length} elements from {start} on of an axis of {have}")
        parts.append([start, None if length == -1 else start + length, None])
    return emit.op("slice", x, slices=parts)


def strided_slice(call: LayerCall, emit: Emitter) -> Symbol:
    """Slices with steps; masks say which bounds are left out, which axes vanish or are new."""
    x = given(call, emit, "input_")
    begin, end = (shape(call.get(name)) for name in ("begin", "end"))
    steps = shape(call.get("strides")) if call.get("strides") is not None else [1] * len(begin)
    masks = {name: whole(call, f"{name}_mask", 0) for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    key: list[Any] = []
    for i, (start, stop, step) in enumerate(zip(begin, end, steps, strict=True)):
        bit = 1 << i
        if masks["ellipsis"] & bit:
            key.append(...)
        elif masks["new_axis"] & bit:
            key.append(None)
        elif masks["shrink_axis"] & bit:
            key.append(start)
        else:
            key.append(slice(None if masks["begin"] & bit else start, None if masks["end"] & bit else stop, step))
    parts, cuts = _plain_key(key, x)
    for along, limit in cuts:
        x = emit.op("take", x, counting(emit, limit), axis=along).with_sizes(None)
    y: Symbol = operation(emit, "GetItem", x, parts)
    return y.with_sizes(_picked(x, parts))


def gather(call: LayerCall, emit: Emitter) -> Symbol:
    """x at indices along an axis; with `batch_dims` each row with its own."""
    x, indices = given(call, emit, "params"), given(call, emit, "indices")
    batch = whole(call, "batch_dims", 0)
    along = axis(call, x.rank, default=batch)
    if batch == 0:
        y: Symbol = emit.op("take", x, indices, axis=along)
        return y.with_sizes(_gathered(x, call.get("indices")))
    if batch != along or indices.rank != batch + 1:
        raise Unsupported(f"its batch_dims {batch} with axis {along} is not converted")
    places = expanded(emit, indices, range(indices.rank, x.rank)) if x.rank > indices.rank else indices
    wide = [*sizes(indices, "x")[: batch + 1], *(f"like.{i}" if n is None else n for i, n in enumerate(x.shape))][
        : batch + 1
    ] + [f"like.{i}" if n is None else n for i, n in enumerate(x.shape)][batch + 1 :]
    places = emit.op("broadcast_to", places, x, shape=wide) if x.rank > indices.rank else places
    return emit.op("take_along_axis", x, places, axis=along)


def _gathered(x: Symbol, indices: Any) -> Any:
    """Return which sizes are picked out of a vector of them."""
    sizes_, places = known(x), known(indices)
    if x.rank != 1 or not isinstance(sizes_, tuple):
        return None
    if isinstance(places, int):
        return sizes_[places]
    if not isinstance(places, tuple) or not all(isinstance(place, int) for place in places):
        return None
    return tuple(sizes_[place] for place in places)


def embedding_lookup(call: LayerCall, emit: Emitter) -> Symbol:
    """The rows of a table."""
    table = call.get("params")
    table = table[0] if isinstance(table, list) and len(table) == 1 and isinstance(table[0], Symbol) else table
    return emit.op("take", tensor(emit, table), given(call, emit, "ids"), axis=0)


def reverse(call: LayerCall, emit: Emitter) -> Symbol:
    """Backwards along axes."""
    x = given(call, emit, "tensor")
    return emit.op("flip", x, axes=axes_of(plain(call.get("axis")), x.rank))


def roll(call: LayerCall, emit: Emitter) -> Symbol:
    """Elements moved along axes; what falls out comes in on the other side."""
    x = given(call, emit, "input")
    shifts, places = plain(call.get("shift")), plain(call.get("axis"))
    for shift, place in zip(
        shifts if isinstance(shifts, (list, tuple)) else [shifts],
        places if isinstance(places, (list, tuple)) else [places],
        strict=True,
    ):
        x = operation(emit, "Roll", x, shift=shift, axis=place)
    return x


MODES = {"CONSTANT": "constant", "REFLECT": "reflect", "SYMMETRIC": "symmetric"}


def pad(call: LayerCall, emit: Emitter) -> Symbol:
    """Elements put around along each axis."""
    x = given(call, emit, "tensor")
    pads = plain(call.get("paddings"))
    mode = MODES.get(str(value(call, "mode", "CONSTANT")).upper())
    regular = isinstance(pads, (list, tuple)) and len(pads) == x.rank
    if mode is None or not regular or not all(isinstance(n, int) for pair in pads for n in pair):
        raise Unsupported("its paddings must be whole numbers in the file")
    fixed = number(call, "constant_values", 0)
    fixed = bool(fixed) if x.dtype == "bool" else fixed
    return emit.op("pad", x, pads=[list(pair) for pair in pads], mode=mode, value=fixed)


def one_hot(call: LayerCall, emit: Emitter) -> Symbol:
    """`on_value` at place x of a new axis, `off_value` elsewhere."""
    x = given(call, emit, "indices")
    on, off = number(call, "on_value", 1), number(call, "off_value", 0)
    kind = dtype(call, "dtype", "float32")
    places: Symbol = emit.op("one_hot", x, depth=whole(call, "depth"), dtype="float32")
    if (on, off) != (1, 0) or kind != "float32":
        hot = emit.cast(places, "bool")
        ends = [bool(n) if kind == "bool" else n for n in (on, off)]
        places = (
            hot
            if kind == "bool" and ends == [True, False]
            else emit.op("where", hot, emit.constant(ends[0], kind), emit.constant(ends[1], kind))
        )
    along = axis(call, places.rank)
    return moved(emit, places, [places.rank - 1], [along])


def sequence_mask(call: LayerCall, emit: Emitter) -> Symbol:
    """Whether each of `maxlen` steps lies within a length."""
    lengths = given(call, emit, "lengths")
    limit = known(call.get("maxlen"))
    if not isinstance(limit, (int, Extent)):
        raise Unsupported("its maxlen is known only when the model runs")
    steps = emit.cast(counting(emit, limit), lengths.dtype)
    inside = emit.op("less", steps, expanded(emit, lengths, [lengths.rank]))
    kind = dtype(call, "dtype", "bool")
    return inside if kind == "bool" else emit.cast(inside, kind)


def band_part(call: LayerCall, emit: Emitter) -> Symbol:
    """The elements around the diagonal, 0 elsewhere."""
    x = given(call, emit, "input")
    lower, upper = whole(call, "num_lower"), whole(call, "num_upper")
    if lower >= 0:
        x = operation(emit, "Triu", x, k=-lower)
    return operation(emit, "Tril", x, k=upper) if upper >= 0 else x


def diag(call: LayerCall, emit: Emitter) -> Symbol:
    """Vectors as the diagonals of matrices."""
    x = given(call, emit, "diagonal")
    if whole(call, "k", 0) or number(call, "padding_value", 0):
        raise Unsupported("only the main diagonal, with zeros around, is converted")
    length = x.shape[-1]
    if length is None:
        raise Unsupported("it needs to know the size of the diagonal, which the file leaves open")
    same = emit.array("diagonal", np.eye(length), x.dtype)
    return emit.op("multiply", expanded(emit, x, [x.rank]), same)


def diag_part(call: LayerCall, emit: Emitter) -> Symbol:
    """The diagonals of matrices."""
    x = given(call, emit, "input")
    return operation(emit, "Diagonal", x, offset=whole(call, "k", 0), axis1=-2, axis2=-1)


def trace(call: LayerCall, emit: Emitter) -> Symbol:
    """The sums of diagonals."""
    x = given(call, emit, "x")
    return emit.op("sum", operation(emit, "Diagonal", x, offset=0, axis1=-2, axis2=-1), axes=[-1])


def gather_nd(call: LayerCall, emit: Emitter) -> Symbol:
    """x at index tuples: by way of flat indices, for axes whose sizes are known."""
    x, indices = given(call, emit, "params"), given(call, emit, "indices")
    count = indices.shape[-1]
    if whole(call, "batch_dims", 0) or count is None:
        raise Unsupported("its batch_dims must be 0, and how many axes it indexes must be known")
    lengths = x.shape[:count]
    if None in lengths[1:]:
        raise Unsupported("it indexes axes whose sizes the file leaves open")
    flat: Symbol | None = None
    for place in range(count):
        part = reshaped(emit, sliced(emit, indices, indices.rank - 1, place, place + 1), sizes(indices)[:-1])
        if flat is not None:
            flat = emit.op("multiply", flat, number_like(emit, lengths[place] or 0, part))
        flat = part if flat is None else emit.op("add", flat, part)
    if flat is None:
        raise Unsupported("it indexes no axes")
    joined = reshaped(emit, x, [-1, *sizes(x)[count:]])
    return emit.op("take", joined, flat, axis=0)


FUNCTIONS: dict[str, Function] = {
    "getitem": (("tensor", "slice_spec", "var"), get_item),
    "slice": (("input_", "begin", "size"), slice_),
    "strided_slice": (
        ("input_", "begin", "end", "strides", "begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask",
         "shrink_axis_mask"), strided_slice),
    "gather": (("params", "indices", "axis", "batch_dims"), gather),
    "gather_nd": (("params", "indices", "batch_dims", "bad_indices_policy"), gather_nd),
    "embedding_lookup": (("params", "ids", "partition_strategy", "max_norm"), embedding_lookup),
    "reverse": (("tensor", "axis"), reverse),
    "roll": (("input", "shift", "axis"), roll),
    "pad": (("tensor", "paddings", "mode", "constant_values"), pad),
    "one_hot": (("indices", "depth", "on_value", "off_value", "axis", "dtype"), one_hot),
    "sequence_mask": (("lengths", "maxlen", "dtype"), sequence_mask),
    "band_part": (("input", "num_lower", "num_upper"), band_part),
    "diag": (("diagonal", "k", "num_rows", "num_cols", "padding_value", "align"), diag),
    "diag_part": (("input", "k", "padding_value", "align"), diag_part),
    "trace": (("x",), trace),
}  # fmt: skip
