"""The walk back through time: steps are run again, with what they need kept, then gone through from the last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from kconvert_schemas.check import unary_call
from kconvert_schemas.dtypes import Array

from ...kernels.recurrent.projection import arranged_mask, time_major
from ...kernels.recurrent.sequences import initial
from ...plan import find_kernel
from ..find import find_vjp
from ..sums import fitted

States: TypeAlias = tuple[Array, ...]


class Activation:
    """An activation named by an attribute of kind `unary` (None: none), and its gradient."""

    def __init__(self, named: Any) -> None:
        self._named = named is not None
        if self._named:
            spec, attrs = unary_call(named)
            self._kernel = partial(find_kernel(spec.name), **attrs)
            self._vjp = partial(find_vjp(spec.name), **attrs)

    def __call__(self, x: Array) -> Array:
        """Return the activation of x."""
        return self._kernel(x) if self._named else x

    def back(self, g: Array, y: Array, x: Array) -> Array:
        """Return the gradient of x for g, that of y."""
        return self._vjp(g, y, x)[0] if self._named else g


class Cell(Protocol):
    """A cell in both directions. It collects the gradients of its own weights in `gradients`."""

    gradients: list[Array]

    def step(self, z: Array, states: States) -> tuple[States, Any]:
        """Return the new states for the projected input z, and what `back` needs."""

    def back(self, g: States, z: Array, states: States, kept: Any) -> tuple[Array, States]:
        """Return the gradients of z and of the states, for those of the new states."""


def through_time(
    cell: Cell, g: Sequence[Array], x: Array, kernel: Array, bias: Array | None, mask: Array | None,
    states: Sequence[Array | None], units: int, *, go_backwards: bool, zero_output_for_mask: bool,
) -> tuple[Array, Array, Array, list[Array | None]]:  # fmt: skip
    """Return the gradients of x, the kernel, its bias (width), and the given initial states.

    g: the gradients of the sequence, the last output and the final states. Shapes and masks are those of
    `kernels/recurrent/sequences.py`.
    """
    steps = time_major(x, go_backwards)
    z = steps @ kernel if bias is None else steps @ kernel + bias
    arranged = None if mask is None else arranged_mask(mask, go_backwards)
    start = tuple(initial(state, x, units) for state in states)
    before, kept = _run(cell, z, start, arranged)
    by_z, by_states = _back(cell, g, z, before, kept, arranged, zero_output_for_mask)
    by_x = by_z @ kernel.T
    rows = np.ascontiguousarray(steps).reshape(-1, x.shape[-1])
    by_kernel = rows.T @ by_z.reshape(-1, by_z.shape[-1])
    by_initial = [None if s is None else fitted(by, s) for s, by in zip(states, by_states, strict=True)]
    return time_major_back(by_x, go_backwards), by_kernel, by_z.sum(axis=(0, 1)), by_initial


def time_major_back(x: Array, backwards: bool) -> Array:
    """(time, batch, ...) -> (batch, time, ...)."""
    return (x[::-1] if backwards else x).swapaxes(0, 1)


def _run(cell: Cell, z: Array, states: States, mask: Array | None) -> tuple[list[States], list[Any]]:
    before, kept = [], []
    for step in range(len(z)):
        before.append(states)
        new, held = cell.step(z[step], states)
        kept.append(held)
        if mask is not None:
            new = tuple(np.where(mask[step], fresh, stale) for fresh, stale in zip(new, states, strict=True))
        states = new
    return before, kept


def _back(
    cell: Cell, g: Sequence[Array], z: Array, before: list[States], kept: list[Any], mask: Array | None, zero: bool
) -> tuple[Array, States]:
    by_sequence, by_last, *by_final = g
    shown = None if mask is None else (mask if zero else np.logical_or.accumulate(mask, axis=0))
    by_z, by_states = np.empty_like(z), tuple(by_final)
    for step in range(len(z) - 1, -1, -1):
        by_y = by_sequence[:, step] + by_last if step == len(z) - 1 else by_sequence[:, step]
        by_y = by_y if shown is None else np.where(shown[step], by_y, 0)
        by_states = (by_states[0] + by_y, *by_states[1:])
        stale: States = ()
        if mask is not None:
            stale = tuple(np.where(mask[step], 0, by).astype(by.dtype) for by in by_states)
            by_states = tuple(np.where(mask[step], by, 0).astype(by.dtype) for by in by_states)
        by_z[step], by_states = cell.back(by_states, z[step], before[step], kept[step])
        if stale:
            by_states = tuple(by + kept_by for by, kept_by in zip(by_states, stale, strict=True))
    return by_z, by_states
