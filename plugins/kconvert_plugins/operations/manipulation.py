"""Shapes and the order of elements (keras/src/ops/numpy.py)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dims import Dim

from ..bounds import counted
from .operands import (
    Lower,
    axes_of,
    axis_of,
    documented,
    expanded,
    flattened,
    given,
    moved,
    permuted,
    register_table,
    reshaped,
    sizes,
    sliced,
    tensor,
    without_axes,
)
from .positions import arange


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that move elements."""
    register_table(register, ("x",), MOVES)
    register("keras.ops.Rot90", rot90, arguments=("array",))
    register("keras.ops.Pad", pad, arguments=("x", "constant_values"))
    register("keras.ops.Rearrange", rearrange, arguments=("tensor", "pattern"))


def reshape(call: LayerCall, emit: Emitter) -> Symbol:
    """The same elements in `newshape`, of which one size may be -1."""
    return reshaped(emit, given(call, emit), list(call.config.ints("newshape")))


def ravel(call: LayerCall, emit: Emitter) -> Symbol:
    """All elements in one axis."""
    return flattened(emit, given(call, emit))


def transpose(call: LayerCall, emit: Emitter) -> Symbol:
    """The axes in the order `axes`, backwards for None."""
    x = given(call, emit)
    axes = call.argument("axes", None)
    return permuted(emit, x, axes_of(axes, x.rank) if axes else range(x.rank)[::-1])


def swapaxes(call: LayerCall, emit: Emitter) -> Symbol:
    """Two axes in each other's place."""
    x = given(call, emit)
    first, second = (axis_of(call.config[name], x.rank) for name in ("axis1", "axis2"))
    order = list(range(x.rank))
    order[first], order[second] = second, first
    return x if first == second else permuted(emit, x, order)


def moveaxis(call: LayerCall, emit: Emitter) -> Symbol:
    """Axes `source` at the places `destination`."""
    x = given(call, emit)
    source, destination = (axes_of(call.config[name], x.rank) for name in ("source", "destination"))
    return moved(emit, x, source, destination)


def expand_dims(call: LayerCall, emit: Emitter) -> Symbol:
    """New axes of size 1 at the places `axis` of the result."""
    x, axis = given(call, emit), call.config["axis"]
    count = len(axis) if isinstance(axis, (list, tuple)) else 1
    return expanded(emit, x, axes_of(axis, x.rank + count))


def squeeze(call: LayerCall, emit: Emitter) -> Symbol:
    """Without the axes of size 1: those named, or all."""
    x, axis = given(call, emit), call.argument("axis", None)
    if axis is None and None in x.shape[1:]:  # a batch is taken to be more than one sample
        raise Unsupported(f"which axes of {x.type} have the size 1 shows only when it runs; name them")
    axes = [i for i, size in enumerate(x.shape) if size == 1] if axis is None else axes_of(axis, x.rank)
    wrong = [i for i in axes if x.shape[i] != 1]
    if wrong:
        raise Unsupported(f"axis {wrong[0]} of {x.type} is not known to have the size 1")
    return without_axes(emit, x, axes)


def _flip(axis: int | None = None) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        return emit.op("flip", x, axes=axes_of(call.argument("axis", None) if axis is None else axis, x.rank))

    return documented(lower, f"Backwards along {'axes' if axis is None else f'axis {axis}'}.")


def rot90(call: LayerCall, emit: Emitter) -> Symbol:
    """The plane of two axes turned k times by 90 degrees.

    Twice turned planes that are not square are reshaped in between, as Keras does on TensorFlow.
    """
    x = given(call, emit, "array")
    turns = call.config.int("k", 1) % 4
    plane = axes_of(call.argument("axes", (0, 1)), x.rank)
    if len(plane) != 2 or plane[0] == plane[1]:
        raise Unsupported(f"its axes {plane} are not two different ones")
    if turns == 0:
        return x
    order = [axis for axis in range(x.rank) if axis not in plane] + plane
    y = start = permuted(emit, x, order)
    for _ in range(turns):
        y = _quarter_turn(emit, y)
        if turns == 2 and (None in x.shape or y.shape != start.shape):
            y = reshaped(emit, y, sizes(start, "like"), start)
    return permuted(emit, y, [order.index(axis) for axis in range(x.rank)])


def _quarter_turn(emit: Emitter, x: Symbol) -> Symbol:
    turned = emit.op("flip", x, axes=[x.rank - 1])
    return permuted(emit, turned, [*range(x.rank - 2), x.rank - 1, x.rank - 2])


def repeat(call: LayerCall, emit: Emitter) -> Symbol:
    """Each element along an axis (or of all elements) repeated, all as often or each by its own count."""
    x, axis = given(call, emit), call.argument("axis", None)
    x = flattened(emit, x) if axis is None else x
    axis = 0 if axis is None else axis_of(axis, x.rank)
    repeats = call.config.ints("repeats")
    if len(repeats) == 1:
        return repeated(emit, x, axis, repeats[0], inner=True)
    if x.shape[axis] is None:
        x = reshaped(emit, x, [len(repeats) if i == axis else n for i, n in enumerate(sizes(x))])
    if x.shape[axis] != len(repeats):
        raise Unsupported(f"it has {len(repeats)} repeats for an axis of {x.shape[axis]}")
    counted(sum(repeats))
    return emit.op("take", x, tensor(emit, [i for i, n in enumerate(repeats) for _ in range(n)]), axis=axis)


def tile(call: LayerCall, emit: Emitter) -> Symbol:
    """The whole repeated along its axes, the last counts for the last axes."""
    x = given(call, emit)
    repeats = call.config.ints("repeats")
    x = expanded(emit, x, range(len(repeats) - x.rank)) if len(repeats) > x.rank else x.with_mask(None)
    for axis, times in enumerate(repeats, start=x.rank - len(repeats)):
        x = x if times == 1 else repeated(emit, x, axis, times, inner=False)
    return x


def repeated(emit: Emitter, x: Symbol, axis: int, times: int, inner: bool) -> Symbol:
    """Return `x` with each element along an axis (inner) or the whole axis repeated."""
    wide = expanded(emit, x, [axis + inner])
    shape = sizes(wide)
    shape[axis + inner] = times
    wide = emit.op("broadcast_to", wide, shape=shape)
    merged, size = sizes(wide), x.shape[axis]
    merged[axis : axis + 2] = [f"x.{axis}*x.{axis + 1}" if size is None else size * times]
    return reshaped(emit, wide, merged)


def broadcast_to(call: LayerCall, emit: Emitter) -> Symbol:
    """x in `shape` by the rules of broadcasting."""
    return emit.op("broadcast_to", given(call, emit), shape=call.config.ints("shape"))


def roll(call: LayerCall, emit: Emitter) -> Symbol:
    """Elements moved along axes, from the end back to the start; over all elements for no axis."""
    x, axis = given(call, emit), call.argument("axis", None)
    shifts = call.config.ints("shift")
    if axis is None:
        return reshaped(emit, _rolled(emit, flattened(emit, x), 0, sum(shifts)), sizes(x, "like"), x)
    axes = axes_of(axis, x.rank)
    if len(axes) != len(shifts):
        raise Unsupported(f"it has {len(shifts)} shifts for {len(axes)} axes")
    y = x
    for one, shift in zip(axes, shifts, strict=True):
        y = _rolled(emit, y, one, shift)
    return y.with_mask(None)


def _rolled(emit: Emitter, x: Symbol, axis: int, shift: int) -> Symbol:
    size = x.shape[axis]
    if size is None:
        places = emit.op("subtract", arange(emit, x, axis), emit.constant(shift, "int32"))
        count = emit.op("sum", emit.op("full", x, shape=[f"like.{axis}"], value=1, dtype="int32"))
        return emit.op("take", x, emit.op("mod", places, count), axis=axis)
    shift = shift % size if size else 0
    if shift == 0:
        return x
    parts = sliced(emit, x, axis, size - shift, None), sliced(emit, x, axis, None, size - shift)
    return emit.op("concatenate", *parts, axis=axis)


def pad(call: LayerCall, emit: Emitter) -> Symbol:
    """x with elements around it: constant, reflected without the edge, or with it (symmetric)."""
    x = given(call, emit)
    mode = call.config.str("mode", "constant").lower()
    value = call.argument("constant_values", None)
    if mode not in ("constant", "reflect", "symmetric"):
        raise Unsupported(f"its mode {mode!r:.40} is not known")
    if isinstance(value, Symbol) or not isinstance(value, (int, float, type(None))):
        raise Unsupported("its constant_values must be one number")
    default: Any = False if x.dtype == "bool" else 0
    return emit.op("pad", x, pads=_pads(call, x.rank), mode=mode, value=default if value is None else value)


def _pads(call: LayerCall, rank: int) -> list[list[int]]:
    width = call.config["pad_width"]
    if isinstance(width, int):
        return [[width, width]] * rank
    if isinstance(width, (list, tuple)) and width and isinstance(width[0], int):
        width = [width]
    pairs = [[pair[0], pair[-1]] for pair in width]
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank:
        raise Unsupported(f"its pad_width has {len(pairs)} entries for {rank} axes")
    return pairs


def rearrange(call: LayerCall, emit: Emitter) -> Symbol:
    """Axes split, moved and merged by a pattern such as 'b (h p) c -> b h (p c)'."""
    x = given(call, emit, "tensor")
    left, right = (_groups(side) for side in re.split(r"\s*->\s*", call.argument("pattern")))
    lengths = {name: value for name, value in call.arguments.items() if name not in ("tensor", "pattern")}
    names, order = list(chain.from_iterable(left)), list(chain.from_iterable(right))
    if len(left) != x.rank or sorted(names) != sorted(order):
        raise Unsupported("its pattern does not fit the tensor")
    split: dict[str, Dim] = {}
    for axis, group in enumerate(left):
        split.update(_split_sizes(group, lengths, sizes(x)[axis], x.shape[axis]))
    y = x if len(names) == x.rank else reshaped(emit, x, [split[name] for name in names])
    y = permuted(emit, y, [names.index(name) for name in order])
    return y if len(right) == y.rank else reshaped(emit, y, _merged(y, right))


def _groups(side: str) -> list[list[str]]:
    return [re.findall(r"\w+", group) for group in re.findall(r"\w+|\(.*?\)", side)]


def _split_sizes(names: Sequence[str], lengths: dict[str, Any], dim: Dim, size: int | None) -> dict[str, Dim]:
    if len(names) == 1:
        return {names[0]: dim}
    found: dict[str, Dim] = {name: lengths[name] for name in names if name in lengths}
    left = [name for name in names if name not in found]
    product = 1
    for length in found.values():
        if not isinstance(length, int):
            raise Unsupported("the lengths of its axes must be whole numbers")
        product *= length
    if len(left) > 1 or (size is not None and left and size % product):
        raise Unsupported(f"an axis of {size} does not split into {', '.join(names)}")
    for name in left:
        found[name] = -1 if size is None else size // product
    return found


def _merged(y: Symbol, groups: Sequence[Sequence[str]]) -> list[Dim]:
    """Sizes after merging groups of neighbouring axes."""
    dims: list[Dim] = []
    axis = 0
    for group in groups:
        parts = [f"x.{i}" if y.shape[i] is None else str(y.shape[i]) for i in range(axis, axis + len(group))]
        dims.append("*".join(parts) if len(parts) > 1 else sizes(y)[axis])
        axis += len(group)
    return dims


MOVES: dict[str, Lower] = {
    "Reshape": reshape,
    "Ravel": ravel,
    "Transpose": transpose,
    "Swapaxes": swapaxes,
    "Moveaxis": moveaxis,
    "ExpandDims": expand_dims,
    "Squeeze": squeeze,
    "Flip": _flip(),
    "Flipud": _flip(0),
    "Fliplr": _flip(1),
    "Repeat": repeat,
    "Tile": tile,
    "BroadcastTo": broadcast_to,
    "Roll": roll,
}
