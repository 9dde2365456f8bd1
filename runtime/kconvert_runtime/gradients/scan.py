"""The gradient of scan: the body is run again step by step, each run kept, then gone through from the last."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.recurrent.sequences import time_major
from ..registry import vjp
from .sums import Gradients
from .walk import BodyGradient, Run


@vjp("scan")
def scan(
    g: tuple[Array, ...], y: Any, x: Array, mask: Array | None = None, *states: Array, body: BodyGradient,
    go_backwards: bool, zero_output_for_mask: bool,
) -> Gradients:  # fmt: skip
    """Gradients of x and of the initial states; `body` collects those of the weights it uses, over all steps."""
    steps = time_major(x, go_backwards)
    masks = [None] * len(steps) if mask is None else list(time_major(mask, go_backwards))
    runs = _forward(body, steps, masks, states)
    by_sequence, by_last, *by_states = g
    by_output = by_last
    by_x = np.empty(steps.shape, x.dtype)
    for i in range(len(runs) - 1, -1, -1):
        by_output = by_output + by_sequence[:, i]
        by_before = np.zeros_like(by_output)
        stale = [np.zeros_like(by) for by in by_states]
        m = masks[i]
        if m is not None:
            by_output, kept = _split(m, by_output)
            by_before = by_before if zero_output_for_mask or i == 0 else kept
            pairs = [_split(m, by) for by in by_states]
            by_states, stale = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        by_step, *by_old = body.back(runs[i], [by_output, *by_states])
        by_x[i] = by_step
        by_states = [old + rest for old, rest in zip(by_old, stale, strict=True)]
        by_output = by_before
    by_inputs = (by_x[::-1] if go_backwards else by_x).swapaxes(0, 1)
    return by_inputs, None, *by_states


def _forward(body: BodyGradient, steps: Array, masks: list[Array | None], states: tuple[Array, ...]) -> list[Run]:
    runs = []
    for x, m in zip(steps, masks, strict=True):
        run, (_, *new) = body.run(x, *states)
        runs.append(run)
        if m is not None:
            new = [np.where(_aligned(m, fresh), fresh, stale) for fresh, stale in zip(new, states, strict=True)]
        states = tuple(new)
    return runs


def _aligned(mask: Array, array: Array) -> Array:
    return mask.reshape(*mask.shape, *[1] * (array.ndim - mask.ndim))


def _split(mask: Array, g: Array) -> tuple[Array, Array]:
    """Return what goes to the new value, and to the old one."""
    chosen = _aligned(mask, g)
    return np.where(chosen, g, 0).astype(g.dtype), np.where(chosen, 0, g).astype(g.dtype)
