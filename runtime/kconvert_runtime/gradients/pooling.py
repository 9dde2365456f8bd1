"""Gradients of pooling, one spatial axis after the other."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.pooling import Step, combine, steps_of
from ..registry import vjp
from .sums import Gradients


@vjp("max_pool")
def max_pool(
    g: Array, y: Array, x: Array, *, pool_size: list[int], strides: list[int], padding: str, data_format: str
) -> Gradients:
    """g to the first largest element of each window, in the order of its rows, as TensorFlow has it.

    Axes are pooled from the last to the first here: so the first row wins, then the first element in it.
    """
    steps = steps_of(x, pool_size, strides, padding, data_format)[::-1]
    inputs = [x]
    for step in steps:
        inputs.append(combine(np.maximum, inputs[-1], step))
    for i in range(len(steps) - 1, -1, -1):
        g = _to_first(g, inputs[i + 1], inputs[i], steps[i])
    return (g,)


def _to_first(g: Array, y: Array, x: Array, step: Step) -> Array:
    result = np.zeros_like(x)
    free = np.ones(y.shape, bool)
    for index in step.taps():
        positions, elements = (step.index(part) for part in step.tap(index))
        hit = free[positions] & (x[elements] == y[positions])
        result[elements] += np.where(hit, g[positions], 0)
        free[positions] &= ~hit
    return result


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
