"""Pooling: the largest or the mean in each window, one spatial axis after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel
from .windows import pads_of


@kernel("max_pool")
def max_pool(x: Array, *, pool_size: list[int], strides: list[int], padding: str, data_format: str) -> Array:
    """Largest element of each window, for each channel; what lies outside x is not looked at.

    An axis too short for one window gives an axis of size 0, as in TensorFlow.
    """
    for step in steps_of(x, pool_size, strides, padding, data_format):
        x = combine(np.maximum, x, step)
    return x


@kernel("avg_pool")
def avg_pool(x: Array, *, pool_size: list[int], strides: list[int], padding: str, data_format: str) -> Array:
    """Mean of the elements of x in each window, for each channel; what lies outside x does not count."""
    for step in steps_of(x, pool_size, strides, padding, data_format):
        x = combine(np.add, x, step)
        x /= step.counts(x.dtype).reshape([-1 if axis == step.axis else 1 for axis in range(x.ndim)])
    return x


@dataclass(frozen=True, slots=True)
class Step:
    """Pooling along one axis: position i looks at the elements from i stride - before, `window` of them."""

    axis: int
    size: int
    window: int
    stride: int
    before: int
    length: int

    def counts(self, dtype: np.dtype[Any]) -> Array:
        """Return how many elements of the axis each window holds."""
        starts = np.arange(self.length) * self.stride - self.before
        return (np.minimum(starts + self.window, self.size) - np.maximum(starts, 0)).astype(dtype)

    def index(self, part: slice) -> tuple[slice, ...]:
        """Return the index that applies `part` to the axis."""
        return (*[slice(None)] * self.axis, part)

    def taps(self) -> range:
        """Return the elements of a window that lie inside the axis for some position, however wide the window is."""
        first = self.before - (self.length - 1) * self.stride
        return range(max(first, 0), min(self.window, self.before + self.size))

    def tap(self, index: int) -> tuple[slice, slice]:
        """Return the positions whose element number `index` is inside the axis, and these elements."""
        offset = index - self.before
        first = max(-(offset // self.stride), 0)
        stop = max(min(self.length, (self.size - 1 - offset) // self.stride + 1), first)
        begin = first * self.stride + offset
        return slice(first, stop), slice(begin, begin + (stop - first) * self.stride, self.stride)


def steps_of(x: Array, pool_size: list[int], strides: list[int], padding: str, data_format: str) -> list[Step]:
    """Return how each spatial axis of x is pooled, the first axis first."""
    first = 1 if data_format == "channels_last" else 2
    sizes = x.shape[first : first + len(pool_size)]
    steps = []
    for i, (before, after) in enumerate(pads_of(sizes, pool_size, strides, padding)):
        length = max((sizes[i] + before + after - pool_size[i]) // strides[i] + 1, 0)
        steps.append(Step(first + i, sizes[i], pool_size[i], strides[i], before, length))
    return steps


def combine(combine: np.ufunc, x: Array, step: Step) -> Array:
    """Combine the elements of each window; the element at `before` is inside x for every position."""
    y = x[step.index(step.tap(step.before)[1])].copy()
    for index in step.taps():
        positions, elements = step.tap(index)
        if index != step.before and positions.start < positions.stop:
            out = y[step.index(positions)]
            combine(out, x[step.index(elements)], out=out)
    return y
