"""The loop over time that the recurrent kernels share, in one direction or both at once, with masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Calls, Do, at_once
from ...parallel import places
from .cells import Cell, Packed
from .projection import Block, arranged_mask, projecting, steps_at_once

LARGE = 1 << 24
"""Multiplications of a step from which on BLAS' own threads are worth it."""


def run_cell(
    packed: Packed, x: Array, mask: Array | None, states: Sequence[Array | None], *,
    backwards: Sequence[bool] = (False,), zero_output_for_mask: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """Run a cell over x (batch, time, n), in one loop for each of `backwards`; returns the outputs of its op for each.

    states: where the only direction starts, None for zeros; two directions both start from zeros.
    Raises ValueError for a sequence without steps, as Keras does.
    """
    batch, time = x.shape[:2]
    cell = packed(batch)
    shapes = [(batch, time, cell.units), *[(batch, cell.units)] * (1 + len(states))]
    outputs = [np.empty(shape, x.dtype) for _ in backwards for shape in shapes]
    fill_cell(at_once, cell, outputs, x, mask, states, backwards=backwards, zero_output_for_mask=zero_output_for_mask)
    return tuple(outputs)


def fill_cell(
    do: Do, cell: Cell, outputs: Sequence[Array | None], x: Array, mask: Array | None, states: Sequence[Array | None],
    *, backwards: Sequence[bool], zero_output_for_mask: bool, table: Array | None = None,
) -> None:  # fmt: skip
    """Do what `run_cell` does, into given arrays.

    outputs: for each direction those of the op: the sequence (batch, time, units), the last of it, the final states;
    None for what is not needed. table: as in `projecting`.
    """
    batch, time = x.shape[:2]
    if not time:
        raise ValueError("the sequence has no time steps")
    gates, directions, _, width = cell.kernel.shape
    each = len(outputs) // directions
    sequences, lasts, *finals = (outputs[i::each] for i in range(each))
    small = gates * directions * batch * width * cell.units < LARGE
    steps, ahead = steps_at_once(time, gates * directions * batch * width), places()
    rows = max(min(time, ahead * steps), 2) if any(out is not None for out in sequences) else 2
    h = do.scratch("h", (rows, directions, batch, cell.units), cell.kernel.dtype)
    scales = [cell.scale, *[1] * len(cell.states)]
    for state, place, scale in zip(states, (h[-1], *cell.states), scales, strict=True):
        _write(do, 0 if state is None else state, scale, place)
    known: dict[Any, Calls] = {}

    def use(do: Do, block: Block) -> None:
        do.again(known, block.key, lambda do: _run(do, cell, block, h))
        first, count = block.start % rows, len(block.inputs)
        for direction, out in enumerate(sequences):
            if out is not None:
                done = h[first : first + count, direction]
                _write(do, done.swapaxes(0, 1), 1 / cell.scale, out[:, block.start : block.start + count])

    def loop(do: Do) -> None:
        make = projecting(x, mask, cell.kernel, backwards, steps, ahead, small, table)
        do.ahead(make, use, range(0, time, steps), ahead, shared=small)

    if small:
        do.in_one_thread(loop)
    else:
        loop(do)
    end = h[(time - 1) % rows]
    for targets, state, scale in zip((lasts, *finals), (end, end, *cell.states), (cell.scale, *scales), strict=True):
        for target, one in zip(targets, state, strict=True):
            if target is not None:
                _write(do, one, 1 / scale, target)
    if mask is not None and (zero_output_for_mask or states[0] is not None):
        _hide(do, sequences, lasts, mask, backwards, zero_output_for_mask)


def _write(do: Do, values: Any, scale: float, out: Array) -> None:
    """Write values, so many times as large as they are."""
    if scale == 1:
        do(np.copyto, out, values)
    else:
        do(np.multiply, values, out.dtype.type(scale), out=out)


def _run(do: Do, cell: Cell, block: Block, h: Array) -> None:
    """Run the steps of a block. h: that after each step (rows, directions, batch, units), row 0 after the last row."""
    kept, some, rows = block.kept, block.some, len(h)
    saved = [] if kept is None else [do.scratch(f"saved{i}", c.shape, c.dtype) for i, c in enumerate(cell.states)]
    for i, inputs in enumerate(block.inputs):
        before, after = h[(block.start + i - 1) % rows], h[(block.start + i) % rows]
        if kept is not None and saved:
            do(_save, some, i, saved, cell.states)
        cell.step(do, inputs, before, after)
        if kept is not None:
            do(_keep, some, i, kept[i], (after, *cell.states), (before, *saved))


def _save(some: Sequence[bool], step: int, saved: Sequence[Array], states: Sequence[Array]) -> None:
    """Copy the states, if any is kept at this step."""
    if some[step]:
        for copy, state in zip(saved, states, strict=True):
            np.copyto(copy, state)


def _keep(some: Sequence[bool], step: int, kept: Array, new: Sequence[Array], old: Sequence[Array]) -> None:
    """Write the old states over the new ones where `kept`, if any is at this step."""
    if some[step]:
        for fresh, stale in zip(new, old, strict=True):
            np.copyto(fresh, stale, where=kept)


def _hide(
    do: Do, sequences: Sequence[Array | None], lasts: Sequence[Array | None], mask: Array, backwards: Sequence[bool],
    zero: bool,
) -> None:  # fmt: skip
    """Do what `masked_outputs` does, in place."""
    for sequence, last, backward in zip(sequences, lasts, backwards, strict=True):
        shown = arranged_mask(mask, backward)
        hidden = do.scratch("hidden", shown.shape, bool)
        if not zero:
            do(np.logical_or.accumulate, shown, axis=0, out=hidden)
        do(np.logical_not, shown if zero else hidden, out=hidden)
        if sequence is not None:
            do(np.copyto, sequence.swapaxes(0, 1), 0, where=hidden)
        if last is not None:
            do(np.copyto, last, 0, where=hidden[-1])


def masked_outputs(sequence: Array, mask: Array | None, zero: bool, repeat_zeros: bool) -> Array:
    """Return the outputs of a sequence of first states: where masked, 0 if `zero`, else the output before.

    The state before is the output before, except at the start: there outputs are 0 until the first step that
    is not masked, which `repeat_zeros` asks for (an initial state of zeros does it by itself).
    """
    if mask is None or not (zero or repeat_zeros):
        return sequence
    shown = mask if zero else np.logical_or.accumulate(mask, axis=0)
    return np.where(shown, sequence, sequence.dtype.type(0))


def initial(state: Array | None, x: Array, units: int) -> Array:
    """Return an initial state (batch, units), zeros if none is given. It is never written to."""
    shape = (x.shape[0], units)
    if state is None:
        return np.zeros(shape, x.dtype)
    return state if state.shape == shape else np.broadcast_to(state, shape)
