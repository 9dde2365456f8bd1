"""Sliding windows over the spatial axes of arrays with channels last: padding, views, blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from kconvert_schemas.dtypes import Array

Pads = list[tuple[int, int]]


def same_pads(size: int, window: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after an axis that gives ceil(size / stride) windows, the odd element after."""
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def pads_of(sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int], padding: str) -> Pads:
    """Return the padding of each spatial axis."""
    if padding == "same":
        return [same_pads(*step) for step in zip(sizes, windows, strides, strict=True)]
    return [(0, 0)] * len(sizes)


def extent(window: int, dilation: int) -> int:
    """Return how many elements a window spans."""
    return (window - 1) * dilation + 1


def padded(x: Array, pads: Pads) -> Array:
    """Return `x` (batch, spatial..., channels) with zeros around its spatial axes, in C order."""
    if not any(map(any, pads)):
        return np.ascontiguousarray(x)
    sizes = [size + sum(pad) for size, pad in zip(x.shape[1:-1], pads, strict=True)]
    result = np.zeros((x.shape[0], *sizes, x.shape[-1]), x.dtype)
    inner = [slice(pad[0], pad[0] + size) for size, pad in zip(x.shape[1:-1], pads, strict=True)]
    result[within(inner)] = x
    return result


def within(spatial: Sequence[slice]) -> tuple[slice, ...]:
    """Return the index that applies slices to the spatial axes."""
    return (slice(None), *spatial)


def patches(x: Array, windows: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Array:
    """Return a read-only view (batch, positions..., windows..., channels) of the windows of `x`."""
    spans = [extent(window, dilation) for window, dilation in zip(windows, dilations, strict=True)]
    steps = zip(x.shape[1:-1], spans, strides, strict=True)
    positions = [(size - span) // stride + 1 for size, span, stride in steps]
    by_axis = x.strides[1:-1]
    outer = [n * stride for n, stride in zip(by_axis, strides, strict=True)]
    inner = [n * dilation for n, dilation in zip(by_axis, dilations, strict=True)]
    return as_strided(
        x,
        (x.shape[0], *positions, *windows, x.shape[-1]),
        (x.strides[0], *outer, *inner, x.strides[-1]),
        writeable=False,
    )


def blocks(shape: Sequence[int], cost: int, limit: int) -> Iterator[tuple[slice, ...]]:
    """Cut an array of `shape`, each element of which costs `cost`, into blocks that cost at most `limit`.

    Yields indices of blocks, in order; a block is contiguous in C order, and has at least one element.
    """
    if 0 in shape:
        return
    axis = len(shape)
    while axis > 1 and cost * shape[axis - 1] <= limit:
        axis -= 1
        cost *= shape[axis]
    step = max(limit // max(cost, 1), 1)
    for outer in np.ndindex(*shape[: axis - 1]):
        for start in range(0, shape[axis - 1], step):
            yield (*(slice(i, i + 1) for i in outer), slice(start, min(start + step, shape[axis - 1])))
