"""scan: any step, given as a subgraph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kconvert_schemas.dtypes import Array

from ...registry import kernel
from .projection import time_major

Body = Callable[..., tuple[Array, ...]]


@kernel("scan")
def scan(
    x: Array, mask: Array | None = None, *states: Array, body: Body, go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """Run body(x_t, states) -> (y, states) along axis 1 of x; returns the sequence of y, the last y, the states."""
    if not x.shape[1]:
        raise ValueError("the sequence has no time steps")
    outputs: list[Array] = []
    steps = time_major(x, go_backwards)
    masks = [None] * len(steps) if mask is None else time_major(mask, go_backwards)
    for x_t, m in zip(steps, masks, strict=True):
        y, *new = body(x_t, *states)
        if m is not None:
            before = np.zeros_like(y) if zero_output_for_mask or not outputs else outputs[-1]
            y = _where(m, y, before)
            new = [_where(m, fresh, stale) for fresh, stale in zip(new, states, strict=True)]
        outputs.append(y)
        states = tuple(new)
    return np.stack(outputs, axis=1), outputs[-1], *states


def _where(mask: Array, new: Array, old: Array) -> Array:
    """Return new where mask, else old; the mask's axes are the first of `new`."""
    chosen = np.where(mask.reshape(*mask.shape, *[1] * (new.ndim - mask.ndim)), new, old)
    if chosen.shape != new.shape:
        raise ValueError(f"the mask {list(mask.shape)} does not fit {list(new.shape)} at a step")
    return chosen
