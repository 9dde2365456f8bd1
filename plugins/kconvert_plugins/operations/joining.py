"""Joining and splitting (keras/src/ops/numpy.py and core.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from ..bounds import counted
from .operands import (
    Lower,
    axis_of,
    documented,
    expanded,
    flattened,
    given,
    join,
    kind,
    known,
    register_table,
    reshaped,
    sizes,
    sliced,
    strong,
    tensor,
    without_axes,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that join and split."""
    register_table(register, ("xs",), JOINS)
    register("keras.ops.Stack", stack, arguments=("x",))
    register("keras.ops.Append", append, arguments=("x1", "x2"))
    register("keras.ops.Meshgrid", meshgrid, arguments=VARIADIC)
    register_table(register, ("x",), SPLITS)


VARIADIC = tuple(f"x{i}" for i in range(52))
"""Names for the arguments of operations that take any number of tensors."""


def _tensors(call: LayerCall, emit: Emitter, name: str) -> list[Symbol]:
    """Return a list of tensors in their common dtype; one dtype is left as it is."""
    values = call.argument(name)
    if not isinstance(values, (list, tuple)) or not values:
        raise Unsupported("it must be called with a list of tensors")
    kinds = {kind(value) for value in values}
    dtype = join(*kinds) if len(kinds) > 1 else next(iter(kinds))
    return [tensor(emit, value, dtype) for value in values]


def concatenate(call: LayerCall, emit: Emitter) -> Symbol:
    """Tensors joined along an axis."""
    found = _tensors(call, emit, "xs")
    return _joined(emit, found, axis_of(call.argument("axis", 0), found[0].rank))


def _joined(emit: Emitter, found: Sequence[Symbol], axis: int) -> Symbol:
    return emit.op("concatenate", *found, axis=axis)


def stack(call: LayerCall, emit: Emitter) -> Symbol:
    """Tensors joined along a new axis."""
    found = _tensors(call, emit, "x")
    axis = axis_of(call.argument("axis", 0), found[0].rank + 1)
    return _joined(emit, [expanded(emit, x, [axis]) for x in found], axis)


def hstack(call: LayerCall, emit: Emitter) -> Symbol:
    """Tensors joined along axis 1, along axis 0 where they have only that."""
    found = _tensors(call, emit, "xs")
    return _joined(emit, found, min(1, found[0].rank - 1))


def vstack(call: LayerCall, emit: Emitter) -> Symbol:
    """Tensors joined along axis 0."""
    return _joined(emit, _tensors(call, emit, "xs"), 0)


def dstack(call: LayerCall, emit: Emitter) -> Symbol:
    """Tensors joined along axis 2, with axes before and after up to three."""
    new = {0: [0, 1, 2], 1: [0, 2], 2: [2]}
    return _joined(emit, [expanded(emit, x, new.get(x.rank, [])) for x in _tensors(call, emit, "xs")], 2)


def append(call: LayerCall, emit: Emitter) -> Symbol:
    """x2 behind x1 along an axis, or all elements of both."""
    found = strong(emit, [call.argument("x1"), call.argument("x2")])
    axis = call.argument("axis", None)
    if axis is None:
        return _joined(emit, [flattened(emit, x) for x in found], 0)
    return _joined(emit, found, axis_of(axis, found[0].rank))


def meshgrid(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """Each tensor repeated along the axes of the others; 'xy' has the second one's axis first."""
    found = [flattened(emit, tensor(emit, value)) for value in call.arguments.values()]
    if len({x.dtype for x in found}) > 1:
        raise Unsupported("its inputs have several dtypes; cast them to one")
    order = list(range(len(found)))
    if call.argument("indexing", "xy") == "xy" and len(order) > 1:
        order[:2] = [1, 0]
    grids = [expanded(emit, x, [i for i in order if i != axis]) for x, axis in zip(found, order, strict=True)]
    ones = [emit.op("full", grid, shape=sizes(grid, "like"), value=1, dtype=grid.dtype) for grid in grids]
    return [_filled(emit, grid, [one for j, one in enumerate(ones) if j != i]) for i, grid in enumerate(grids)]


def _filled(emit: Emitter, grid: Symbol, ones: Sequence[Symbol]) -> Symbol:
    for one in ones:
        grid = emit.op("multiply", grid, one)
    return grid


def _split(axis: int | None = None) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        along = axis_of(call.argument("axis", 0) if axis is None else min(axis, x.rank - 1), x.rank)
        where = call.config["indices_or_sections"]
        return _sections(emit, x, along, where) if isinstance(where, int) else _pieces(emit, x, along, list(where))

    return documented(lower, "Pieces along an axis: a number of equal ones, or cut at indices.")


def _sections(emit: Emitter, x: Symbol, axis: int, count: int) -> list[Symbol]:
    """Return equal pieces; where the size is unknown, by way of an axis for the pieces."""
    size = x.shape[axis]
    if size is not None:
        if size % count:
            raise Unsupported(f"an axis of {size} does not split into {count} equal pieces")
        return _pieces(emit, x, axis, [size // count * i for i in range(1, counted(count))])
    shape = sizes(x)
    parts = reshaped(emit, x, [*shape[:axis], count, -1, *shape[axis + 1 :]])
    return [without_axes(emit, sliced(emit, parts, axis, i, i + 1), [axis]) for i in range(counted(count))]


def _pieces(emit: Emitter, x: Symbol, axis: int, cuts: Sequence[int]) -> list[Symbol]:
    """Return the pieces between `cuts`, which must not fall."""
    size = x.shape[axis]
    ends = [0, *cuts]
    falls = any(not isinstance(cut, int) or cut < before for before, cut in zip(ends, cuts, strict=False))
    if falls or (size is not None and ends[-1] > size):
        raise Unsupported(f"an axis of {size} cannot be cut at {list(cuts)}")
    return [sliced(emit, x, axis, start, stop) for start, stop in zip(ends, [*cuts, None], strict=True)]


def array_split(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """Pieces whose sizes differ by one at most, the larger ones first."""
    x, count = given(call, emit), call.config.int("indices_or_sections")
    axis = axis_of(call.argument("axis", 0), x.rank)
    size, more = divmod(known(x.shape[axis], "the size of the axis that it splits"), count)
    return _pieces(emit, x, axis, [size * i + min(i, more) for i in range(1, counted(count))])


def unstack(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The entries along an axis."""
    x = given(call, emit)
    axis, count = axis_of(call.argument("axis", 0), x.rank), call.argument("num", None)
    size = x.shape[axis]
    count = known(size, "how many entries there are") if count is None else count
    if size not in (None, count):
        raise Unsupported(f"an axis of {size} does not have {count} entries")
    if size is None:
        x = reshaped(emit, x, [count if i == axis else dim for i, dim in enumerate(sizes(x))])
    return [without_axes(emit, sliced(emit, x, axis, i, i + 1), [axis]) for i in range(counted(count))]


JOINS: dict[str, Lower] = {"Concatenate": concatenate, "Hstack": hstack, "Vstack": vstack, "Dstack": dstack}
SPLITS: dict[str, Lower] = {
    "Split": _split(),
    "Vsplit": _split(0),
    "Hsplit": _split(1),
    "Dsplit": _split(2),
    "ArraySplit": array_split,
    "Unstack": unstack,
}
