"""scan in both directions: the runs of its body are kept, then gone through from the last."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.recurrent.projection import time_major
from ..registry import pair, vjp
from .sums import Gradients
from .walk import BodyGradient, Run


@pair("scan")
def scan_pair(
    wanted: Any, x: Array, mask: Array | None = None, *states: Array, body: BodyGradient, go_backwards: bool,
    zero_output_for_mask: bool,
) -> Any:  # fmt: skip
    """As the kernel; back to x and the initial states. `body` collects the gradients of the weights it uses."""
    if not x.shape[1]:
        raise ValueError("the sequence has no time steps")
    steps = time_major(x, go_backwards)
    masks = [None] * len(steps) if mask is None else list(time_major(mask, go_backwards))
    runs, outputs, final = _forward(body, steps, masks, states, zero_output_for_mask)
    sequence = np.stack(outputs, axis=1)
    results = (sequence, outputs[-1], *final)

    def back(*g: Array | None) -> Gradients:
        by_sequence, by_output, *by_states = [
            np.zeros_like(y) if one is None else one for one, y in zip(g, results, strict=True)
        ]
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
                by_states, stale = [fresh for fresh, _ in pairs], [old for _, old in pairs]
            by_x[i], *by_old = body.back(runs.pop(), [by_output, *by_states])
            by_states = [old + rest for old, rest in zip(by_old, stale, strict=True)]
            by_output = by_before
        by_inputs = (by_x[::-1] if go_backwards else by_x).swapaxes(0, 1)
        return by_inputs, None, *by_states

    return results, back


@vjp("scan")
def scan(g: tuple[Array, ...], y: Any, *inputs: Any, **attrs: Any) -> Gradients:
    """Gradients of x and of the initial states, running the body once more."""
    found: Gradients = scan_pair(None, *inputs, **attrs)[1](*g)
    return found


def _forward(
    body: BodyGradient, steps: Array, masks: list[Array | None], states: tuple[Array, ...], zero: bool
) -> tuple[list[Run], list[Array], tuple[Array, ...]]:
    runs: list[Run] = []
    outputs: list[Array] = []
    for x, m in zip(steps, masks, strict=True):
        run, (y, *new) = body.run(x, *states)
        runs.append(run)
        if m is not None:
            before = np.zeros_like(y) if zero or not outputs else outputs[-1]
            y = np.where(_aligned(m, y), y, before)
            new = [np.where(_aligned(m, fresh), fresh, stale) for fresh, stale in zip(new, states, strict=True)]
        outputs.append(y)
        states = tuple(new)
    return runs, outputs, states


def _aligned(mask: Array, array: Array) -> Array:
    return mask.reshape(*mask.shape, *[1] * (array.ndim - mask.ndim))


def _split(mask: Array, g: Array) -> tuple[Array, Array]:
    """Return what goes to the new value, and to the old one."""
    chosen = _aligned(mask, g)
    return np.where(chosen, g, 0).astype(g.dtype), np.where(chosen, 0, g).astype(g.dtype)
