"""Gradients of convolution and transposed convolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.ops.windows import transposed_count

from ..kernels.windows import extent, pads_of, within
from ..registry import KERNELS, pair, vjp
from .shared import Tail, gram, product
from .sums import Gradients
from .windows import Windows

Back = Callable[[Array], Gradients]


@vjp("conv")
def conv(g: Array, y: Array, x: Array, kernel: Array, **attrs: Any) -> Gradients:
    """x: g spread by the kernel; kernel: the windows of x times g."""
    return Conv(x, kernel, **attrs).back(g, (True, True))


@pair("conv")
def conv_pair(wanted: Sequence[bool], x: Array, kernel: Array, **attrs: Any) -> tuple[Array, Back]:
    """As kernel and VJP, without the gradients that nobody wants."""
    made = Conv(x, kernel, **attrs)
    return made.forward(), lambda g: made.back(g, wanted)


class Conv:
    """One convolution of x with a kernel."""

    def __init__(
        self, x: Array, kernel: Array, *, strides: list[int], padding: str, dilation_rate: list[int], groups: int,
        data_format: str,
    ) -> None:  # fmt: skip
        self._x, self._kernel, self._first = x, kernel, data_format == "channels_first"
        self._attrs = {
            "strides": strides, "padding": padding, "dilation_rate": dilation_rate, "groups": groups,
            "data_format": data_format,
        }  # fmt: skip
        sizes = x.shape[2:] if self._first else x.shape[1:-1]
        windows = kernel.shape[:-2]
        spans = [extent(*step) for step in zip(windows, dilation_rate, strict=True)]
        self._pads = pads_of(sizes, spans, strides, padding)
        whole = [size + sum(pad) for size, pad in zip(sizes, self._pads, strict=True)]
        places = [(size - span) // stride + 1 for size, span, stride in zip(whole, spans, strides, strict=True)]
        self._windows = Windows(tuple(places), windows, tuple(strides), tuple(dilation_rate), groups, self._pads)
        self._sizes = tuple(sizes)
        self._pointwise = groups == 1 and set(windows) <= {1} and set(strides) <= {1}

    def forward(self, tail: Tail | None = None) -> Array:
        """Return the convolution, and do `tail` to it."""
        if self._first or self._windows.groups > 1 or min(self._windows.places, default=1) < 1:
            y = np.asarray(KERNELS["conv"](self._x, self._kernel, **self._attrs))
            if tail is not None:
                tail(y)
            return y
        if self._pointwise:
            found = product(_rows(self._x), self._kernel.reshape(self._kernel.shape[-2:]), tail)
            return found.reshape(*self._x.shape[:-1], self._kernel.shape[-1])
        return self._windows.correlate(self._x, self._kernel, tail)

    def back(self, g: Array, wanted: Sequence[bool]) -> Gradients:
        """Return the gradients of x and of the kernel, where they are wanted."""
        x, g = (np.moveaxis(a, 1, -1) if self._first else a for a in (self._x, g))
        by_x = by_kernel = None
        if self._pointwise:
            rows, matrix = _rows(g), self._kernel.reshape(self._kernel.shape[-2:])
            by_x = product(rows, matrix.T).reshape(x.shape) if wanted[0] else None
            by_kernel = gram(_rows(x), rows).reshape(self._kernel.shape) if wanted[1] else None
        else:
            if wanted[0]:
                by_x = self._by_x(g)
            if wanted[1]:
                by_kernel = self._windows.by_kernel(x, g, self._kernel)
        return np.moveaxis(by_x, -1, 1) if self._first and by_x is not None else by_x, by_kernel

    def _by_x(self, g: Array) -> Array:
        """g spread by the kernel; where windows lie one by one, and filters are few, g convolved with it turned."""
        windows, channels = self._windows, self._kernel.shape[-2]
        plain = windows.groups == 1 and set(windows.strides) <= {1} and self._kernel.shape[-1] <= 4 * channels
        if not plain or 0 in g.shape:
            return windows.spread(g, self._kernel, self._sizes)
        spans = [extent(*step) for step in zip(windows.windows, windows.dilations, strict=True)]
        pads = [(span - 1 - a, span - 1 - b) for span, (a, b) in zip(spans, self._pads, strict=True)]
        turned = np.flip(self._kernel, tuple(range(len(spans)))).swapaxes(-1, -2)
        over = Windows(self._sizes, windows.windows, windows.strides, windows.dilations, pads=pads)
        return over.correlate(g, np.ascontiguousarray(turned))


def _rows(x: Array) -> Array:
    """(..., channels) -> (places, channels)."""
    return np.ascontiguousarray(x).reshape(x.size // max(x.shape[-1], 1), x.shape[-1])


@vjp("conv_transpose")
def conv_transpose(
    g: Array, y: Array, x: Array, kernel: Array, *, strides: list[int], padding: str,
    output_padding: list[int] | None, dilation_rate: list[int], data_format: str,
) -> Gradients:  # fmt: skip
    """x: the convolution of g with the kernel; kernel: the windows of g times x."""
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
    windows = Windows(last.shape[1:-1], kernel.shape[:-2], tuple(strides), tuple(dilation_rate))
    by_last, by_kernel = windows.correlate(spread, kernel), windows.by_kernel(spread, last, kernel)
    return np.moveaxis(by_last, -1, 1) if first else by_last, by_kernel
