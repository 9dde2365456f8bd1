"""What the recurrent kernels share: projecting the inputs, the loop over time, masks, both directions in one loop.

Inside a kernel time comes first, then the gates, then the directions, of which there are one or two, then the batch:
what one call of NumPy works on at a step then lies together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from ... import blas
from ...parallel import ahead
from ...registry import KERNELS

States: TypeAlias = tuple[Array, ...]
Activation: TypeAlias = "Callable[[Array], Array] | None"
Step: TypeAlias = Callable[[Array, States, Array], States]
"""step(projected input (gates, directions, batch, units), states, out) -> new states (directions, batch, units).

Writes the output, which is the first state, to `out`.
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell made ready to run.

    kernel: what projects its inputs, (gates, directions, features + 1, units); the last row is the bias. states: how
    many it has.
    """

    kernel: Array
    step: Step
    states: int


Packed: TypeAlias = Callable[[int], Cell]
"""Weights arranged for a cell, which is made of them for so many rows at a time."""


BLOCK = 1 << 18
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


def with_bias(kernel: Array, bias: Array | None) -> Array:
    """Put a bias (directions, width) under a kernel (directions, features, width), as its last row."""
    row = np.zeros_like(kernel[:, :1]) if bias is None else bias[:, None]
    return np.concatenate([kernel, row], axis=1)


def projected(x: Array, kernel: Array, backwards: Sequence[bool], shared: bool) -> Iterator[Array]:
    """Yield x_t kernel + bias, (gates, directions, batch, units), for each time step of x (batch, time, features).

    Many steps are projected in one product; if `shared`, on another core while the steps before are run.
    """
    batch, time, features = x.shape
    gates, directions, _, units = kernel.shape
    ways = [time_major(x, backward) for backward in backwards]
    length = max(1, BLOCK // max(1, gates * directions * batch * units))

    def project(start: int) -> Array:
        count = min(length, time - start)
        rows = np.empty((count, batch, features + 1), x.dtype)
        rows[..., features] = 1
        block = np.empty((gates, directions, count, batch, units), x.dtype)
        for direction, way in enumerate(ways):
            rows[..., :features] = way[start : start + count]
            out = block[:, direction].reshape(gates, count * batch, units)
            np.matmul(rows.reshape(count * batch, features + 1), kernel[:, direction], out=out)
        return block

    starts = range(0, time, length)
    for block in ahead(project, starts) if shared else map(project, starts):
        for step in range(block.shape[2]):
            yield block[:, :, step]


def time_major(x: Array, backwards: bool) -> Array:
    """(batch, time, ...) -> a view (time, batch, ...), from the last step if `backwards`."""
    return x.swapaxes(0, 1)[::-1] if backwards else x.swapaxes(0, 1)


def run(steps: Iterable[Array], step: Step, states: States, mask: Array | None, sequence: Array) -> States:
    """Fill `sequence` (time, batch, units) with the first state after each step; returns the final states.

    mask (time, batch, units or 1): where it is False the states of the step before are kept.
    """
    for z, out, kept in zip(steps, sequence, frozen(mask, len(sequence)), strict=True):
        new = step(z, states, out)
        if kept is not None:
            freeze(new, states, kept)
        states = new
    return states


def frozen(mask: Array | None, time: int) -> Sequence[Array | None]:
    """For each step return where states are kept, None for a step at which none is."""
    if mask is None:
        return [None] * time
    kept = ~mask
    found = np.asarray(kept.any(axis=tuple(range(1, kept.ndim))))
    return [rows if some else None for rows, some in zip(kept, found.tolist(), strict=True)]


def freeze(new: States, old: States, kept: Array) -> None:
    """Write the old states over the new ones where `kept`."""
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


def run_cell(
    packed: Packed, x: Array, mask: Array | None, states: Sequence[Array | None], *,
    backwards: Sequence[bool] = (False,), zero_output_for_mask: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """Run a cell over x (batch, time, n), in one loop for each of `backwards`; returns the outputs of its op for each.

    states: where the only direction starts, None for zeros; two directions both start from zeros.
    Raises ValueError for a sequence without steps, as Keras does.
    """
    batch, time, _ = x.shape
    if not time:
        raise ValueError("the sequence has no time steps")
    cell = packed(batch)
    gates, directions, _, units = cell.kernel.shape
    started = tuple(np.repeat(initial(state, x, units)[None], directions, axis=0) for state in states)
    sequence = np.empty((time, directions, batch, units), x.dtype)
    arranged = _masks(mask, backwards)
    small = gates * directions * batch * units * units < LARGE
    with blas.single_threaded() if small else nullcontext():
        steps = projected(x, cell.kernel, backwards, small)
        final = run(steps, cell.step, started, arranged, sequence)
    outputs = masked_outputs(sequence, arranged, zero_output_for_mask, states[0] is not None)
    # copies, so that the last step alone does not keep the whole sequence in memory
    last = outputs[-1].copy()
    ends = (last, last if outputs is sequence else final[0].copy(), *final[1:])
    return tuple(
        array
        for direction in range(directions)
        for array in (outputs[:, direction].swapaxes(0, 1), *(end[direction] for end in ends))
    )


def _masks(mask: Array | None, backwards: Sequence[bool]) -> Array | None:
    """(batch, time, ...) -> (time, directions, batch, ...)."""
    if mask is None:
        return None
    return np.stack([np.asarray(arranged_mask(mask, 3, backward)) for backward in backwards], axis=1)


def is_op(activation: Any, op: str) -> bool:
    """Tell whether an activation is the kernel of `op`, without attributes of its own."""
    return getattr(activation, "func", activation) is KERNELS[op] and not getattr(activation, "keywords", None)


def apply(activation: Activation, x: Array) -> Array:
    """Return the activation of x, x itself for None."""
    return x if activation is None else activation(x)
