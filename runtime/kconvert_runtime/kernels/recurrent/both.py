"""Two directions of one sequence in one loop: half the calls of NumPy, each on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ...parallel import for_each
from . import gru, lstm, simple_rnn
from .sequences import BLOCK, Cell, Packed, arranged_mask, outputs_of, time_major

LARGE = 1 << 21
"""Multiplications from which on it pays to project the two directions on two cores."""
CELLS: dict[str, Callable[..., Packed]] = {"lstm": lstm.pack, "gru": gru.pack, "simple_rnn": simple_rnn.pack}


def both(
    op: str, x: Array, mask: Array | None, forward: Sequence[Array | None], backward: Sequence[Array | None], *,
    zero_output_for_mask: bool, **attrs: object,
) -> tuple[Array, ...]:  # fmt: skip
    """Return what `op` gives over x, then what it gives over x from its end.

    forward, backward: kernel, recurrent kernel and bias of each direction. The states start as zeros.
    """
    stacked = [None if f is None or b is None else np.stack([f, b]) for f, b in zip(forward, backward, strict=True)]
    kernel, recurrent_kernel, bias = stacked
    assert kernel is not None and recurrent_kernel is not None  # noqa: S101  (the ops require them)
    batch, time, units = x.shape[0], x.shape[1], recurrent_kernel.shape[-2]
    made = CELLS[op](kernel, recurrent_kernel, bias, **attrs)((2, batch))
    states = tuple(np.zeros((2, batch, units), x.dtype) for _ in range(made.states))
    masks = [arranged_mask(mask, 3, backwards) for backwards in (False, True)]
    arranged = None if masks[0] is None or masks[1] is None else np.stack([masks[0], masks[1]], axis=1)
    outputs = outputs_of(_projected(x, made), made.step, states, arranged, time, zero_output_for_mask, True)
    sequence, *rest = outputs
    return tuple(
        result
        for direction in (0, 1)
        for result in (sequence[:, direction].swapaxes(0, 1), *(state[direction] for state in rest))
    )


def _projected(x: Array, cell: Cell) -> Iterator[Array]:
    """Yield (2, batch, width): the first step from the start and from the end, then the next."""
    batch, time, features = x.shape
    width = cell.kernel.shape[-1]
    length = max(1, BLOCK // max(1, 2 * batch * width))
    ways = [time_major(x, False), time_major(x, True)]
    for start in range(0, time, length):
        count = min(length, time - start)
        block = np.empty((count, 2, batch, width), x.dtype)

        def project(direction: int, start: int = start, count: int = count, block: Array = block) -> None:
            rows = ways[direction][start : start + count].reshape(count * batch, features)
            block[:, direction] = np.matmul(rows, cell.kernel[direction]).reshape(count, batch, width)
            if cell.bias is not None:
                block[:, direction] += cell.bias[direction]

        if count * batch * features * width > LARGE:
            for_each(project, (0, 1))
        else:
            project(0)
            project(1)
        yield from block
