"""What the recurrent kernels share: projecting the inputs, the loop over time, masks, both directions in one loop.

Inside a kernel time comes first, then the gates, then the directions, of which there are one or two, then the batch:
what one call of NumPy works on at a step then lies together. For a single row in one direction the gates come side by
side, after the batch: one product then gives them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Do, at_once
from ...parallel import PLACES
from ...products import arranged, multiply
from ...registry import KERNELS

States: TypeAlias = tuple[Array, ...]
Activation: TypeAlias = "Callable[[Array], Array] | None"
Step: TypeAlias = "Callable[[Do, Array, States, Array], States]"
"""step(do, projected input (gates, directions, batch, units), states, out) -> new states (directions, batch, units).

Leaves the states as they are, and writes the output, which is the first state, to `out`.
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell made ready to run.

    kernel: what projects its inputs, (gates, directions, features + 1, units) or (1, directions, features + 1,
    gates units); the last row is the bias. units, states: how many it has.
    """

    kernel: Array
    step: Step
    units: int
    states: int


Packed: TypeAlias = Callable[[int], Cell]
"""Weights arranged for a cell, which is made of them for so many rows at a time."""


BLOCK = 1 << 17
"""Elements of a block of projected inputs: one large product, yet still in the cache when its steps are run."""
LARGE = 1 << 24
"""Multiplications of a step from which on BLAS' own threads are worth it."""


def stacked(weights: Sequence[Sequence[Array | None]]) -> tuple[Any, Any, Any]:
    """Return the kernels, recurrent kernels and biases of all directions, with an axis for the direction first."""
    kernel, recurrent_kernel, bias = zip(*weights, strict=True)
    return np.stack(kernel), np.stack(recurrent_kernel), None if bias[0] is None else np.stack(bias)


def by_gate(weights: Array, gates: int) -> Array:
    """(directions, rows, gates units) -> (gates, directions, rows, units)."""
    return np.stack(np.split(weights, gates, axis=-1))


def side_by_side(weights: Array) -> Array:
    """(gates, directions, rows, units) -> (1, directions, rows, gates units)."""
    gates, directions, rows, units = weights.shape
    return np.ascontiguousarray(weights.transpose(1, 2, 0, 3)).reshape(1, directions, rows, gates * units)


def gates_of(values: Array, gates: int) -> Array:
    """(gates, directions, batch, units), or a view of (1, directions, batch, gates units) so."""
    if len(values) == gates:
        return values
    _, directions, batch, width = values.shape
    return values.reshape(directions, batch, gates, width // gates).transpose(2, 0, 1, 3)


def product_with(weights: Array, batch: int) -> Callable[[Do, Array, Array], None]:
    """Return a function (do, states (directions, batch, units), out) that multiplies with weights, arranged for it."""
    factor = arranged(weights) if batch > 1 else weights
    return lambda do, states, out: multiply(do, states, factor, out, alone=False)


def with_bias(kernel: Array, bias: Array | None) -> Array:
    """Put a bias (directions, width) under a kernel (directions, features, width), as its last row."""
    row = np.zeros_like(kernel[:, :1]) if bias is None else bias[:, None]
    return np.concatenate([kernel, row], axis=1)


def projected(
    do: Do, x: Array, kernel: Array, backwards: Sequence[bool], use: Callable[[Do, int, Array], object], shared: bool,
    table: Array | None = None,
) -> None:  # fmt: skip
    """Call use(do, t, x_t kernel + bias (gates, directions, batch, units)) for each time step of x (batch, time, n).

    Many steps are projected in one product; if `shared`, on another core while the steps before are run. With a
    `table` (`table_of`), x (batch, time) says which of its entries is x_t.
    """
    batch, time = x.shape[:2]
    gates, directions, depth, units = kernel.shape
    ways = [time_major(x, backward) for backward in backwards]
    firsts = np.arange(gates * directions).reshape(gates, directions) * (0 if table is None else table.shape[2])
    length = max(1, BLOCK // max(1, gates * directions * batch * units))

    def project(do: Do, start: int) -> tuple[int, Array]:
        count = min(length, time - start)
        place = start // length % PLACES
        block = do.handed_on(f"block{place}", (count, gates, directions, batch, units), kernel.dtype)
        if table is not None:
            entries = do.scratch(f"entries{place}", block.shape[:-1], np.int64)
            for direction, way in enumerate(ways):
                do(np.add, way[start : start + count, None], firsts[:, direction, None], out=entries[:, :, direction])
            do(np.take, table.reshape(-1, units), entries, axis=0, out=block, mode="wrap")  # "raise" would copy it
            return start, block
        if batch > 1:  # BLAS writes the rows of a product at equal distances only
            block = np.moveaxis(block.reshape(gates, directions, count, batch, units), 2, 0)
        rows = do.scratch(f"rows{place}", (count, batch, depth), x.dtype)
        do(np.copyto, rows[..., -1], 1)
        for direction, way in enumerate(ways):
            do(np.copyto, rows[..., :-1], way[start : start + count])
            out = np.moveaxis(block[:, :, direction], 0, 1).reshape(gates, count * batch, units)
            multiply(do, rows.reshape(count * batch, depth), kernel[:, direction], out, alone=shared)
        return start, block

    def use_all(do: Do, made: tuple[int, Array]) -> None:
        start, block = made
        for i, z in enumerate(block):
            use(do, start + i, z)

    do.ahead(project, use_all, range(0, time, length), shared=shared)


def table_of(entries: Array, kernel: Array) -> Array:
    """Entries (count, features), each projected as the input of a cell: (gates, directions, count, units)."""
    return np.matmul(entries, kernel[:, :, :-1]) + kernel[:, :, -1:]


def time_major(x: Array, backwards: bool) -> Array:
    """(batch, time, ...) -> a view (time, batch, ...), from the last step if `backwards`."""
    return x.swapaxes(0, 1)[::-1] if backwards else x.swapaxes(0, 1)


def frozen(mask: Array | None, time: int) -> Sequence[Array | None]:
    """For each step return where states are kept, None for a step at which none is."""
    if mask is None:
        return [None] * time
    kept = ~mask
    found = np.asarray(kept.any(axis=tuple(range(1, kept.ndim))))
    return [rows if some else None for rows, some in zip(kept, found.tolist(), strict=True)]


def freeze(some: Sequence[Any], t: int, kept: Array, new: States, old: States) -> None:
    """Write the old states over the new ones where `kept`, if any is at this step."""
    if some[t] is not None:
        for fresh, stale in zip(new, old, strict=True):
            np.copyto(fresh, stale, where=kept)


def arranged_mask(mask: Array | None, rank: int, backwards: bool) -> Array | None:
    """(batch, time, ...) -> (time, batch, ..., 1...) with `rank` axes."""
    if mask is None:
        return None
    return time_major(mask.reshape(*mask.shape, *[1] * (rank - mask.ndim)), backwards)


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


def tanh_cells(outer: Array, inner: Array, step: Callable[[Array, int], Step], states: int) -> Packed:
    """Return what makes cells of weights (gates, directions, rows, units) for the inputs, and for the state.

    step: makes the step of the latter, and of a number of rows.
    """

    @cache
    def arranged(one_row: bool) -> tuple[Array, Array]:
        return (side_by_side(outer), side_by_side(inner)) if one_row else (outer, inner)

    def cell(batch: int) -> Cell:
        first, then = arranged(batch == 1 and outer.shape[1] == 1)
        return Cell(first, step(then, batch), inner.shape[-1], states)

    return cell


def run_cell(
    packed: Packed, x: Array, mask: Array | None, states: Sequence[Array | None], *,
    backwards: Sequence[bool] = (False,), zero_output_for_mask: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """Run a cell over x (batch, time, n), in one loop for each of `backwards`; returns the outputs of its op for each.

    states: where the only direction starts, None for zeros; two directions both start from zeros.
    Raises ValueError for a sequence without steps, as Keras does.
    """
    cell = packed(len(x))
    shape = (x.shape[1], len(backwards), len(x), cell.units)
    sequence = np.empty(shape, x.dtype)
    one = [np.empty(shape[2:], x.dtype) for _ in range(1 + cell.states)]
    outputs = [(None, *map(np.empty_like, one)) for _ in backwards]
    fill_cell(at_once, cell, [array for some in outputs for array in some], x, mask, states, sequence,
              backwards=backwards, zero_output_for_mask=zero_output_for_mask)  # fmt: skip
    return tuple(array for direction, (_, *ends) in enumerate(outputs)
                 for array in (sequence[:, direction].swapaxes(0, 1), *ends))  # fmt: skip


def fill_cell(
    do: Do, cell: Cell, outputs: Sequence[Array | None], x: Array, mask: Array | None, states: Sequence[Array | None],
    sequence: Array, *, backwards: Sequence[bool], zero_output_for_mask: bool, table: Array | None = None,
) -> None:  # fmt: skip
    """Do what `run_cell` does, into given arrays.

    outputs: for each direction those of the op: the sequence (batch, time, units), the last of it, the final states;
    None for what is not needed. sequence (time, directions, batch, units) is filled with the outputs of all steps.
    table: as in `projected`.
    """
    batch, time = x.shape[:2]
    if not time:
        raise ValueError("the sequence has no time steps")
    gates, directions, _, width = cell.kernel.shape
    units = cell.units
    ends = [*_started(do, states, (directions, batch, units), cell.kernel.dtype)]
    arranged, kept, some = _masks(do, mask, backwards)

    def step(do: Do, t: int, z: Array) -> None:
        new = cell.step(do, z, tuple(ends), sequence[t])
        if kept is not None:
            do(freeze, some, t, kept[t], new, tuple(ends))
        ends[:] = new

    small = gates * directions * batch * width * units < LARGE
    if small:
        do.in_one_thread(lambda do: projected(do, x, cell.kernel, backwards, step, True, table))
    else:
        projected(do, x, cell.kernel, backwards, step, False, table)
    each = len(outputs) // directions
    for direction in range(directions):
        _, _, *finals = outputs[direction * each : (direction + 1) * each]
        _copied(do, finals, [end[direction] for end in ends])
    if arranged is not None:
        _show(do, sequence, arranged, zero_output_for_mask, states[0] is not None)
    for direction in range(directions):
        shown = sequence[:, direction]
        _copied(do, outputs[direction * each :][:2], [shown.swapaxes(0, 1), shown[-1]])


def _copied(do: Do, targets: Sequence[Array | None], arrays: Sequence[Array]) -> None:
    for target, array in zip(targets, arrays, strict=True):
        if target is not None:
            do(np.copyto, target, array)


def _started(do: Do, states: Sequence[Array | None], shape: tuple[int, ...], dtype: Any) -> Iterator[Array]:
    """Initial states, the same for all directions."""
    for i, state in enumerate(states):
        start = do.scratch(f"state{i}", shape, dtype)
        do(np.copyto, start, 0 if state is None else state)
        yield start


def _masks(
    do: Do, mask: Array | None, backwards: Sequence[bool]
) -> tuple[Array | None, Array | None, list[Array | None]]:
    """(batch, time, ...) -> (time, directions, batch, ...): the mask, its opposite, and whether some step has any."""
    if mask is None:
        return None, None, []
    sides = [arranged_mask(mask, 3, backward) for backward in backwards]
    shape = (len(sides[0]), len(sides), *sides[0].shape[1:])  # type: ignore[arg-type,union-attr]
    arranged, kept = (do.scratch(name, shape, bool) for name in ("mask", "kept"))
    for direction, side in enumerate(sides):
        do(np.copyto, arranged[:, direction], side)
    do(np.logical_not, arranged, out=kept)
    some: list[Array | None] = []
    do(_find, some, arranged)
    return arranged, kept, some


def _find(some: list[Array | None], mask: Array) -> None:
    some[:] = frozen(mask, len(mask))


def _show(do: Do, sequence: Array, mask: Array, zero: bool, repeat_zeros: bool) -> None:
    """Do what `masked_outputs` does, in place."""
    if zero or repeat_zeros:
        hidden = do.scratch("hidden", mask.shape, bool)
        if not zero:
            do(np.logical_or.accumulate, mask, axis=0, out=hidden)
        do(np.logical_not, mask if zero else hidden, out=hidden)
        do(np.copyto, sequence, 0, where=hidden)


def is_op(activation: Any, op: str) -> bool:
    """Tell whether an activation is the kernel of `op`, without attributes of its own."""
    return getattr(activation, "func", activation) is KERNELS[op] and not getattr(activation, "keywords", None)


def apply(activation: Activation, x: Array) -> Array:
    """Return the activation of x, x itself for None."""
    return x if activation is None else activation(x)
