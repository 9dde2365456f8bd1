"""Convolution of each channel alone: one multiplication and one addition for each element of the window.

`einsum` does both in one pass. Its innermost loop is over the last spatial axis and the channels together, which lie
side by side; where windows are apart from each other along that axis, the places that they share are first put so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..steps import Call
from .candidates import candidate
from .costs import CALL, Cost, copied
from .geometry import Convolution, bands, convolution, region
from .site import Site, Work, in_blocks
from .tape import Block

PLANE = 1 << 18
"""Elements of the result that are worked on at a time."""
RATE = 6e9
"""Multiplications with additions a second of an einsum."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _cost(site: Site) -> Cost | None:
    conv = convolution(site)
    if conv is None or conv.groups != conv.channels:
        return None
    sums = math.prod(conv.windows) * conv.positions * conv.filters
    return copied(math.prod(site.shape_of(0)) * (2 if any(map(any, conv.pads)) else 1)) + Cost(rest=CALL + sums / RATE)


@candidate("conv", "depthwise", _cost)
def depthwise(site: Site) -> Call:
    """Bands of rows, which stay in cache from the first element of the window to the tail."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    blocks = bands(conv, PLANE, conv.filters, site.threads)
    kernel, repeats = site.constants[1], conv.filters // conv.channels
    across = conv.places[-1] if len(conv.places) > 1 else min(conv.places[-1], max(PLANE // conv.filters, 1))
    prepared = None if kernel is None else parts_of(conv, kernel, across)

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            parts = prepared or parts_of(conv, do.contents(arrays[1]), across)
            values = region(do, x, conv, block, conv.strides, conv.windows)
            sums(do, parts, repeated(do, values, repeats), out)

        return work

    return in_blocks(site, blocks, prepare)


def repeated(do: Do, values: Array, repeats: int) -> Array:
    """Return values (..., channels) with each channel as often side by side as it has filters."""
    if repeats == 1:
        return values
    result = do.scratch("repeated", (*values.shape, repeats), values.dtype)
    do(np.copyto, result, values[..., None])
    return result.reshape(*values.shape[:-1], -1)


def sums(do: Do, parts: Sequence[Part], values: Array, out: Array) -> None:
    """Fill out (batch..., places..., filters) with what the parts give for values (batch..., spatial..., filters)."""
    parts[0].sum(do, values, out)
    for part in parts[1:]:
        more = do.scratch("part", out.shape, out.dtype)
        part.sum(do, values, more)
        do(np.add, out, more, out=out)


@dataclass(frozen=True, slots=True)
class Part:
    """The elements of the window that stand, along the last axis, at `first` plus a multiple of the stride.

    Among the positions that are that far from each other they begin at `offset` and are `step` apart.
    rows: their weights (batch..., windows..., members, places along the last axis times channels), where the last axes
    of the batch may have weights of their own.
    """

    conv: Convolution
    first: int
    offset: int
    step: int
    rows: Array

    def sum(self, do: Do, values: Array, out: Array) -> None:
        """Sum the products of `values` (batch..., spatial..., channels) with the weights into out."""
        stride, channels = self.conv.strides[-1], values.shape[-1]
        if stride > 1:
            every = values[..., self.first :: stride, :]
            values = do.scratch("every", every.shape, values.dtype)
            do(np.copyto, values, every)
        elif not values.flags.c_contiguous:
            some, values = values, do.scratch("every", values.shape, values.dtype)
            do(np.copyto, values, some)
        length = out.shape[-2] * channels
        rows = self.rows[..., :length]
        item, rank = values.itemsize, len(self.conv.windows)
        batch = values.ndim - 1 - rank
        steps = values.strides[batch:-2]
        outer = [n * stride for n, stride in zip(steps, self.conv.strides[:-1], strict=True)]
        inner = [n * dilation for n, dilation in zip(steps, self.conv.dilations[:-1], strict=True)]
        windows = as_strided(
            values[..., self.offset :, :],
            (*out.shape[:-2], length, *rows.shape[-1 - rank : -1]),
            (*values.strides[:batch], *outer, item, *inner, self.step * channels * item),
        )
        places, window = LETTERS[: out.ndim - 1], LETTERS[-rank:]
        own, last = places[batch - (rows.ndim - 1 - rank) : batch], places[-1]
        equation = f"{places}{window},{own}{window}{last}->{places}"
        do(np.einsum, equation, windows, rows, out=out.reshape(windows.shape[: out.ndim - 1]))


def parts_of(conv: Convolution, kernel: Array, across: int) -> list[Part]:
    """Return parts whose sums add up to the convolution. kernel: (batch..., windows..., 1, filters), as in Part."""
    stride, dilation = conv.strides[-1], conv.dilations[-1]
    taps = [j * dilation for j in range(conv.windows[-1])]
    parts = []
    for first in sorted({tap % stride for tap in taps}):
        members = [j for j, tap in enumerate(taps) if tap % stride == first]
        offsets = [taps[j] // stride for j in members]
        rows = np.tile(kernel[..., members, 0, :], across)
        parts.append(Part(conv, first, offsets[0], offsets[1] - offsets[0] if len(members) > 1 else 1, rows))
    return parts
