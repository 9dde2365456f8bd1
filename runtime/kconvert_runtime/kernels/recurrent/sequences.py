"""What the recurrent kernels share: projecting the inputs, the loop over time, masks.

Inside a kernel time comes first, (time, batch, units): the rows of one step then lie together. Where two
directions run in one loop (`both.py`), an axis of 2 stands before the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from ...registry import KERNELS

States: TypeAlias = tuple[Array, ...]
Activation: TypeAlias = "Callable[[Array], Array] | None"
Step: TypeAlias = Callable[[Array, States, Array], States]
"""step(projected input, states, out) -> new states. Writes the output, which is the first state, to `out`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell made ready to run: the weights and the bias that project its inputs, its step, how many states it has."""

    kernel: Array
    bias: Array | None
    step: Step
    states: int


Packed: TypeAlias = Callable[[tuple[int, ...]], Cell]
"""Weights arranged for a cell, which is made of them for states (*lead, units)."""


BLOCK = 1 << 18
"""Elements of a block of projected inputs: one large product, yet still in the cache when its steps are run."""


def projected(x: Array, kernel: Array, bias: Array | None, backwards: bool) -> Iterator[Array]:
    """Yield x_t kernel + bias, (batch, width), for each time step of x (batch, time, features).

    Many steps are projected in one product. What is yielded may be written to.
    """
    batch, time, features = x.shape
    width = kernel.shape[1]
    x = time_major(x, backwards)
    length = max(1, BLOCK // max(1, batch * width))
    for start in range(0, time, length):
        block = x[start : start + length]
        z = np.matmul(block.reshape(len(block) * batch, features), kernel)
        if bias is not None:
            z += bias
        yield from z.reshape(len(block), batch, width)


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
    packed: Packed, x: Array, units: int, mask: Array | None, states: Sequence[Array | None], *,
    go_backwards: bool = False, zero_output_for_mask: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """Run a cell over x (batch, time, n) from `states`, None where they are zeros; returns the outputs of its op."""
    made = packed((x.shape[0],))
    steps = projected(x, made.kernel, made.bias, go_backwards)
    started = tuple(initial(state, x, units) for state in states)
    return recurrent(
        x, steps, made.step, started, mask,
        go_backwards=go_backwards, zero_output_for_mask=zero_output_for_mask, from_zeros=states[0] is None,
    )  # fmt: skip


def recurrent(
    x: Array, steps: Iterable[Array], step: Step, states: States, mask: Array | None, *,
    go_backwards: bool, zero_output_for_mask: bool, from_zeros: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """Run a cell over a sequence; returns the outputs of a recurrent op: sequence, last, states.

    from_zeros: the first state starts as zeros. Raises ValueError for a sequence without steps, as Keras does.
    """
    arranged = arranged_mask(mask, 3, go_backwards)
    return tuple(
        y.swapaxes(0, 1) if i == 0 else y
        for i, y in enumerate(outputs_of(steps, step, states, arranged, x.shape[1], zero_output_for_mask, from_zeros))
    )


def outputs_of(
    steps: Iterable[Array], step: Step, states: States, mask: Array | None, time: int, zero_output_for_mask: bool,
    from_zeros: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """Run a cell; returns the sequence (time first), the last output, the states."""
    if not time:
        raise ValueError("the sequence has no time steps")
    sequence = np.empty((time, *states[0].shape), states[0].dtype)
    final = run(steps, step, states, mask, sequence)
    outputs = masked_outputs(sequence, mask, zero_output_for_mask, not from_zeros)
    # copies, so that the last step alone does not keep the whole sequence in memory
    last = outputs[-1].copy()
    h = last if outputs is sequence else final[0].copy()
    return outputs, last, h, *final[1:]


def is_op(activation: Any, op: str) -> bool:
    """Tell whether an activation is the kernel of `op`, without attributes of its own."""
    return getattr(activation, "func", activation) is KERNELS[op] and not getattr(activation, "keywords", None)


def apply(activation: Activation, x: Array) -> Array:
    """Return the activation of x, x itself for None."""
    return x if activation is None else activation(x)
