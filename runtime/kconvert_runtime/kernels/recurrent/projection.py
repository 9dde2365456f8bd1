"""The inputs of a recurrent cell, projected many steps at a time, while the steps before are run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Do
from ...products import multiply

BLOCK = 1 << 18
"""Elements of a block at most: large products, and few turns between cores, yet in cache when its steps are run."""
STEPS = 1 << 8
"""Steps of a block at most."""


@dataclass(frozen=True, slots=True)
class Block:
    """Steps made ready, from `start` on. Blocks with the same key lie in the same memory.

    inputs: (steps, gates, directions, batch, units). kept: where a mask keeps the state at a step, (steps, directions,
    batch, 1 or units); None without a mask. some: whether it keeps any at a step, filled when the block is made.
    """

    start: int
    key: tuple[int, int]
    inputs: Array
    kept: Array | None
    some: list[bool]


def steps_at_once(time: int, elements: int) -> int:
    """Return how many steps a block has, of so many elements each."""
    return max(1, min(time, STEPS, BLOCK // max(1, elements)))


def projecting(
    x: Array, mask: Array | None, kernel: Array, backwards: Sequence[bool], steps: int, places: int, alone: bool,
    table: Array | None = None,
) -> Callable[[Do, int], Block]:  # fmt: skip
    """Return a function (do, start) that makes a block of `steps` steps of x (batch, time, features), or what is left.

    mask: (batch, time), or (batch, time, 1 or units). kernel: of a `Cell`. places: how many, in which blocks lie in
    turn. alone: whether BLAS keeps to one thread. table: as `table_of` makes it; x (batch, time) then says which of its
    entries is the input of each step.
    """
    ways = [time_major(x, backward) for backward in backwards]
    masks = [] if mask is None else [arranged_mask(mask, backward) for backward in backwards]
    found: list[list[bool]] = [[] for _ in range(places)]
    gates, directions, _, units = kernel.shape

    def make(do: Do, start: int) -> Block:
        count, place = min(steps, x.shape[1] - start), start // steps % places
        some = slice(start, start + count)
        inputs = do.handed_on(f"block{place}", (count, gates, directions, len(x), units), kernel.dtype)
        if table is None:
            inputs = _project(do, [way[some] for way in ways], kernel, inputs, alone, place)
        else:
            _look_up(do, [way[some] for way in ways], table, inputs, place)
        if not masks:
            return Block(start, (place, count), inputs, None, [])
        kept = do.handed_on(f"kept{place}", (count, directions, *masks[0].shape[1:]), bool)
        for direction, side in enumerate(masks):
            do(np.logical_not, side[some], out=kept[:, direction])
        do(_find, found[place], kept)
        return Block(start, (place, count), inputs, kept, found[place])

    return make


def _project(do: Do, ways: Sequence[Array], kernel: Array, out: Array, alone: bool, place: int) -> Array:
    """Multiply steps (steps, batch, features) of all directions with the kernel, whose last row is the bias.

    Returns the result (steps, gates, directions, batch, units), which has the memory of `out`.
    """
    count, gates, _, batch, units = out.shape
    if batch > 1:  # BLAS writes the rows of a product at equal distances only
        out = np.moveaxis(out.reshape(gates, len(ways), count, batch, units), 2, 0)
    depth = kernel.shape[2]
    rows = do.scratch(f"rows{place}", (count, batch, depth), ways[0].dtype)
    do(np.copyto, rows[..., -1], 1)
    for direction, way in enumerate(ways):
        do(np.copyto, rows[..., :-1], way)
        each = np.moveaxis(out[:, :, direction], 0, 1).reshape(gates, count * batch, units)
        multiply(do, rows.reshape(count * batch, depth), kernel[:, direction], each, alone=alone)
    return out


def _look_up(do: Do, ways: Sequence[Array], table: Array, out: Array, place: int) -> None:
    """Write what the table has for the entries (steps, batch) of all directions to `out`."""
    gates, directions, count, units = table.shape
    firsts = np.arange(gates * directions).reshape(gates, directions, 1) * count
    entries = do.scratch(f"entries{place}", out.shape[:-1], np.int64)
    for direction, way in enumerate(ways):
        do(np.add, way[:, None], firsts[:, direction], out=entries[:, :, direction])
    do(np.take, table.reshape(-1, units), entries, axis=0, out=out, mode="wrap")  # "raise" would copy it


def _find(some: list[bool], kept: Array) -> None:
    some[:] = np.asarray(kept.any(axis=tuple(range(1, kept.ndim)))).tolist()


def table_of(entries: Array, kernel: Array) -> Array:
    """Entries (count, features), each projected as the input of a cell: (gates, directions, count, units)."""
    return np.matmul(entries, kernel[:, :, :-1]) + kernel[:, :, -1:]


def time_major(x: Array, backwards: bool) -> Array:
    """(batch, time, ...) -> a view (time, batch, ...), from the last step if `backwards`."""
    return x.swapaxes(0, 1)[::-1] if backwards else x.swapaxes(0, 1)


def arranged_mask(mask: Array, backwards: bool) -> Array:
    """(batch, time) or (batch, time, n) -> (time, batch, 1 or n), from the last step if `backwards`."""
    return time_major(mask.reshape(*mask.shape, *[1] * (3 - mask.ndim)), backwards)
