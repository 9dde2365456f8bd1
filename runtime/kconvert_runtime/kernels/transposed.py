"""Transposed convolution: a matrix product, whose columns are added up where their windows lie."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.ops.windows import transposed_count

from ..registry import kernel
from .windows import blocks, extent, within

COLUMNS = 1 << 19
"""Most elements of the columns that are held at a time."""


@kernel("conv_transpose")
def conv_transpose(
    x: Array, kernel: Array, *, strides: list[int], padding: str, output_padding: list[int] | None,
    dilation_rate: list[int], data_format: str,
) -> Array:  # fmt: skip
    """Spread each element of x over a window: kernel (spatial..., filters, channels).

    y[b, i strides + k dilation_rate - front, f] = sum over i, k, c of x[b, i, c] kernel[k, f, c].
    """
    last = x if data_format == "channels_last" else np.moveaxis(x, 1, -1)
    whole, kept = [], []
    for i, (size, stride) in enumerate(zip(last.shape[1:-1], strides, strict=True)):
        span = extent(kernel.shape[i], dilation_rate[i])
        outside = output_padding[i] if output_padding else None
        length, front = transposed_count(size, span, stride, padding, outside)
        stop = front + (length or 0)
        whole.append(max((size - 1) * stride + span, stop))
        kept.append(slice(front, stop))
    y = spread(last, kernel, strides, dilation_rate, whole)[within(kept)]
    return y if data_format == "channels_last" else np.moveaxis(y, -1, 1)


def spread(x: Array, kernel: Array, strides: Sequence[int], dilations: Sequence[int], sizes: Sequence[int]) -> Array:
    """Return an array (batch, sizes..., filters) to which each element of `x` has added its window."""
    *windows, filters, channels = kernel.shape
    weights = kernel.reshape(math.prod(windows) * filters, channels).T
    y = np.zeros((x.shape[0], *sizes, filters), x.dtype)
    if x.size == 0:
        return y
    x = np.ascontiguousarray(x)
    for block in blocks(x.shape[:-1], weights.shape[1], COLUMNS):
        values = x[block]
        columns = (values.reshape(-1, channels) @ weights).reshape(*values.shape[:-1], *windows, filters)
        first = [part.start for part in block[1:]] + [0] * (x.ndim - 1 - len(block))
        for index in np.ndindex(*windows):
            steps = zip(first, values.shape[1:-1], index, strides, dilations, strict=True)
            there = (block[0], *(_reached(*step) for step in steps))
            tap = (..., *index, slice(None))
            y[there] += columns[tap]
    return y


def _reached(first: int, count: int, tap: int, stride: int, dilation: int) -> slice:
    """Return where tap number `tap` of `count` elements from the `first` on goes along an axis."""
    start = first * stride + tap * dilation
    return slice(start, start + (count - 1) * stride + 1, stride)
