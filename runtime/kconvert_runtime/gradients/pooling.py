"""Gradients of pooling: window by window where they lie side by side, else one spatial axis after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.pooling import Step, combine, steps_of
from ..registry import KERNELS, pair, vjp
from ..scratch import scratch
from .shared import each_part
from .sums import Gradients

ELEMENTS = 1 << 17
"""Elements of the result that are worked on at a time, so that they stay in the cache."""
ALL = 3
"""Spatial axes of the pool in which all elements that are as large as the largest get the whole gradient."""
TAPS = 16
"""Elements of a window up to which each is looked at by itself."""


@vjp("max_pool")
def max_pool(
    g: Array, y: Array, x: Array, *, pool_size: list[int], strides: list[int], padding: str, data_format: str
) -> Gradients:
    """g to the first largest element of each window, in the order of its rows; in 3D to each that is as large.

    Both as TensorFlow has it. Axes are pooled from the last to the first here: so the first row wins, then the first
    element in it.
    """
    steps = steps_of(x, pool_size, strides, padding, data_format)[::-1]
    inputs = [x]
    for step in steps:
        inputs.append(combine(np.maximum, inputs[-1], step))
    for i in range(len(steps) - 1, -1, -1):
        g = _to_largest(g, inputs[i + 1], inputs[i], steps[i], len(steps) == ALL)
    return (g,)


def _to_largest(g: Array, y: Array, x: Array, step: Step, every: bool) -> Array:
    result = np.zeros_like(x)
    free = np.ones(y.shape, bool)
    for index in step.taps():
        positions, elements = (step.index(part) for part in step.tap(index))
        hit = free[positions] & (x[elements] == y[positions])
        result[elements] += np.where(hit, g[positions], 0)
        if not every:
            free[positions] &= ~hit
    return result


@pair("max_pool")
def max_pool_pair(wanted: Sequence[bool], x: Array, **attrs: Any) -> tuple[Array, Callable[[Array], Gradients]]:
    """As kernel and VJP; faster for windows that lie side by side."""
    steps = steps_of(x, attrs["pool_size"], attrs["strides"], attrs["padding"], attrs["data_format"])
    if not _side_by_side(x, steps):
        y = KERNELS["max_pool"](x, **attrs)
        return y, lambda g: max_pool(g, y, x, **attrs)
    pooled = _Pooled(x, steps)
    return pooled.y, pooled.back


def _side_by_side(x: Array, steps: Sequence[Step]) -> bool:
    small = math.prod(step.window for step in steps) <= TAPS
    apart = all(step.window == step.stride and not step.before for step in steps)
    return bool(x.size) and small and apart and all(step.length * step.window <= step.size for step in steps)


class _Pooled:
    """Windows that lie side by side: an element of x is in one of them, or in none at its end."""

    def __init__(self, x: Array, steps: Sequence[Step]) -> None:
        self._x, self._steps = x, steps
        axes = {step.axis: step for step in steps}
        self._shape = [axes[i].length if i in axes else size for i, size in enumerate(x.shape)]
        self._whole = all(step.length * step.window == step.size for step in steps)
        self.y = np.empty(self._shape, x.dtype)
        each_part(len(x), x.size, self._forward)

    def _taps(self, x: Array) -> list[Array]:
        """Return a view of each tap of all windows, in the order of the rows of a window."""
        taps = []
        for index in np.ndindex(*(step.window for step in self._steps)):
            where = [slice(None)] * x.ndim
            for i, step in zip(index, self._steps, strict=True):
                where[step.axis] = slice(i, i + step.length * step.window, step.window)
            taps.append(x[tuple(where)])
        return taps

    def _forward(self, part: slice) -> None:
        first, *rest = self._taps(self._x)
        for block in self._blocks(part):
            out = self.y[block]
            np.copyto(out, first[block])
            for tap in rest:
                np.maximum(out, tap[block], out=out)

    def back(self, g: Array) -> Gradients:
        """g to the first largest element of each window, in 3D to each."""
        result = (np.empty_like if self._whole else np.zeros_like)(self._x)
        sources, targets = self._taps(self._x), self._taps(result)

        def run(part: slice) -> None:
            for block in self._blocks(part):
                shape = self.y[block].shape
                free, hit = scratch("free", shape, bool), scratch("hit", shape, bool)
                free[...] = True
                for source, target in zip(sources, targets, strict=True):
                    np.equal(source[block], self.y[block], out=hit)
                    hit &= free
                    np.multiply(g[block], hit, out=target[block])
                    if len(self._steps) != ALL:
                        free ^= hit

        each_part(len(g), self._x.size, run)
        return (result,)

    def _blocks(self, part: slice) -> Sequence[slice]:
        rows = max(ELEMENTS // max(math.prod(self._shape[1:]), 1), 1)
        return [slice(i, min(i + rows, part.stop)) for i in range(part.start, part.stop, rows)]


@vjp("avg_pool")
def avg_pool(
    g: Array, y: Array, x: Array, *, pool_size: list[int], strides: list[int], padding: str, data_format: str
) -> Gradients:
    """g over the number of elements of x in the window, to each of them."""
    for step in steps_of(x, pool_size, strides, padding, data_format)[::-1]:
        shape = [-1 if axis == step.axis else 1 for axis in range(x.ndim)]
        share = g / step.counts(x.dtype).reshape(shape)
        g = np.zeros([step.size if axis == step.axis else size for axis, size in enumerate(g.shape)], x.dtype)
        for index in step.taps():
            positions, elements = (step.index(part) for part in step.tap(index))
            g[elements] += share[positions]
    return (g,)
