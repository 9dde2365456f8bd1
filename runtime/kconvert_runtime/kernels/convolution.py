"""Convolution: as a matrix product where the window is one element, else by im2col in blocks, or tap by tap."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..registry import kernel
from .windows import blocks, extent, padded, pads_of, patches, within

COLUMNS = 1 << 19
"""Most elements of the im2col matrix that are held at a time: 2 MB of float32, which stays in the cache."""
PLANE = 1 << 15
"""Elements of the result that a depthwise convolution works on at a time."""


@kernel("conv")
def conv(
    x: Array, kernel: Array, *,
    strides: list[int], padding: str, dilation_rate: list[int], groups: int, data_format: str,
) -> Array:  # fmt: skip
    """Cross-correlation of x (batch, spatial..., channels) with kernel (spatial..., channels / groups, filters).

    y[b, i, f] = sum over k, c of x[b, i strides + k dilation_rate - pad, c] kernel[k, c, f], with 0 outside x.
    Raises InputError where not one window fits.
    """
    if data_format == "channels_first":
        last = np.moveaxis(x, 1, -1)
        return np.moveaxis(_conv(last, kernel, strides, padding, dilation_rate, groups), -1, 1)
    return _conv(x, kernel, strides, padding, dilation_rate, groups)


def _conv(
    x: Array, kernel: Array, strides: Sequence[int], padding: str, dilations: Sequence[int], groups: int
) -> Array:
    windows = kernel.shape[:-2]
    spans = [extent(window, dilation) for window, dilation in zip(windows, dilations, strict=True)]
    for size, span in zip(x.shape[1:-1], spans, strict=True):
        if size < span and padding == "valid":
            raise InputError(f"a window of {span} does not fit into {size} elements")
    pads = pads_of(x.shape[1:-1], spans, strides, padding)
    if groups == 1 and math.prod(windows) == 1:
        return pointwise(x, kernel, strides)
    if groups > 1 and kernel.shape[-2] == 1:
        return depthwise(padded(x, pads), kernel, strides, dilations)
    return im2col(padded(x, pads), kernel, strides, dilations, groups)


def pointwise(x: Array, kernel: Array, strides: Sequence[int]) -> Array:
    """Convolve with a window of one element: a matrix product over the channels. A window of 1 is never padded."""
    if any(stride > 1 for stride in strides):
        x = x[within([slice(None, None, stride) for stride in strides])]
    rows = np.ascontiguousarray(x).reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return (rows @ kernel.reshape(kernel.shape[-2:])).reshape(*x.shape[:-1], kernel.shape[-1])


def im2col(x: Array, kernel: Array, strides: Sequence[int], dilations: Sequence[int], groups: int) -> Array:
    """Convolve padded `x` by one matrix product (one for each group) of its windows with the kernel, block by block."""
    *windows, channels, filters = kernel.shape
    depth = math.prod(windows) * channels
    weights = kernel.reshape(depth, groups, filters // groups).transpose(1, 0, 2)
    view = patches(x, windows, strides, dilations)
    places = view.shape[: 1 + len(windows)]
    y = np.empty((*places, filters), x.dtype)
    for block in blocks(places, depth * groups, COLUMNS):
        columns = _columns(view[block], depth, groups)
        out = y[block].reshape(columns.shape[1], groups, filters // groups).transpose(1, 0, 2)
        np.matmul(columns, weights, out=out)
    return y


def _columns(view: Array, depth: int, groups: int) -> Array:
    """Copy windows (batch, positions..., windows..., channels) to a matrix (positions, depth) for each group."""
    rank = (view.ndim - 2) // 2
    count = math.prod(view.shape[: 1 + rank])
    if groups == 1:
        return view.reshape(1, count, depth)
    split = view.reshape(*view.shape[:-1], groups, view.shape[-1] // groups)
    return np.moveaxis(split, -2, 0).reshape(groups, count, depth)


def depthwise(x: Array, kernel: Array, strides: Sequence[int], dilations: Sequence[int]) -> Array:
    """Convolve each channel of padded `x` alone: one multiplication and one addition for each tap of the window.

    Kernel (spatial..., 1, channels multiplier): several filters of one channel stand side by side.
    """
    windows, filters = kernel.shape[:-2], kernel.shape[-1]
    if filters > x.shape[-1]:
        x = np.repeat(x, filters // x.shape[-1], axis=-1)
    view = patches(x, windows, strides, dilations)
    places = view.shape[: 1 + len(windows)]
    y = np.empty((*places, filters), x.dtype)
    taps = [np.tile(tap, (places[-1], 1)) for tap in kernel.reshape(-1, filters)]
    for block in blocks(places, filters, PLANE):
        out, values = y[block], view[block]
        product = np.empty_like(out)
        for number, index in enumerate(np.ndindex(*windows)):
            tap, reads = taps[number][: out.shape[-2]], (..., *index, slice(None))
            if number == 0:
                np.multiply(values[reads], tap, out=out)
            else:
                out += np.multiply(values[reads], tap, out=product)
    return y
