"""Gradients of convolution and transposed convolution: one product of matrices for each tap of the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.ops.windows import transposed_count

from ..kernels.windows import extent, padded, pads_of, within
from ..registry import vjp
from .sums import Gradients


@vjp("conv")
def conv(
    g: Array, y: Array, x: Array, kernel: Array, *,
    strides: list[int], padding: str, dilation_rate: list[int], groups: int, data_format: str,
) -> Gradients:  # fmt: skip
    """x: g spread by the kernel; kernel: the elements that each tap read, times g."""
    first = data_format == "channels_first"
    last, g = (np.moveaxis(a, 1, -1) if first else a for a in (x, g))
    sizes = last.shape[1:-1]
    spans = [extent(*step) for step in zip(kernel.shape[:-2], dilation_rate, strict=True)]
    pads = pads_of(sizes, spans, strides, padding)
    inner = within([slice(pad[0], pad[0] + size) for pad, size in zip(pads, sizes, strict=True)])
    by_x, by_kernel = _taps(padded(last, pads), g, kernel, strides, dilation_rate, groups)
    by_last = by_x[inner]
    return np.moveaxis(by_last, -1, 1) if first else by_last, by_kernel


def _taps(
    x: Array, g: Array, kernel: Array, strides: Sequence[int], dilations: Sequence[int], groups: int
) -> tuple[Array, Array]:
    """Gradients of padded `x` and of the kernel."""
    by_x, by_kernel = np.zeros_like(x), np.empty_like(kernel)
    rows = _grouped(g, groups)
    for index, where in _reads(g.shape[1:-1], kernel.shape[:-2], strides, dilations):
        tap = kernel[index].reshape(kernel.shape[-2], groups, -1).transpose(1, 0, 2)
        by_tap = _grouped(x[where], groups).swapaxes(-1, -2) @ rows
        by_kernel[index] = by_tap.transpose(1, 0, 2).reshape(kernel.shape[-2:])
        spread = rows @ tap.swapaxes(-1, -2)
        by_x[where] += spread.transpose(1, 0, 2).reshape(*g.shape[:-1], x.shape[-1])
    return by_x, by_kernel


def _grouped(x: Array, groups: int) -> Array:
    """(..., channels) -> (groups, rows, channels of a group)."""
    size = x.shape[-1] // groups
    return np.ascontiguousarray(x.reshape(x.size // max(x.shape[-1], 1), groups, size).transpose(1, 0, 2))


def _reads(
    counts: Sequence[int], windows: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Yield each tap of the window and the elements that it reads for all positions."""
    for index in np.ndindex(*windows):
        starts = [i * dilation for i, dilation in zip(index, dilations, strict=True)]
        steps = zip(starts, counts, strides, strict=True)
        yield index, within([slice(a, a + max((n - 1) * s + 1, 0), s) for a, n, s in steps])


@vjp("conv_transpose")
def conv_transpose(
    g: Array, y: Array, x: Array, kernel: Array, *, strides: list[int], padding: str,
    output_padding: list[int] | None, dilation_rate: list[int], data_format: str,
) -> Gradients:  # fmt: skip
    """x: the convolution of g with the kernel; kernel: g where each tap wrote, times x."""
    first = data_format == "channels_first"
    last, g = (np.moveaxis(a, 1, -1) if first else a for a in (x, g))
    whole, kept = [], []
    for i, (size, stride) in enumerate(zip(last.shape[1:-1], strides, strict=True)):
        span = extent(kernel.shape[i], dilation_rate[i])
        length, front = transposed_count(size, span, stride, padding, output_padding[i] if output_padding else None)
        stop = front + (length or 0)
        whole.append(max((size - 1) * stride + span, stop))
        kept.append(slice(front, stop))
    spread = np.zeros((g.shape[0], *whole, g.shape[-1]), g.dtype)
    spread[within(kept)] = g
    by_last, by_kernel = np.zeros_like(last), np.empty_like(kernel)
    rows = last.reshape(-1, last.shape[-1]) if last.size else last.reshape(0, last.shape[-1])
    for index, where in _reads(last.shape[1:-1], kernel.shape[:-2], strides, dilation_rate):
        reads = spread[where].reshape(len(rows), spread.shape[-1])
        by_kernel[index] = reads.T @ rows
        by_last += (reads @ kernel[index]).reshape(last.shape)
    return np.moveaxis(by_last, -1, 1) if first else by_last, by_kernel
