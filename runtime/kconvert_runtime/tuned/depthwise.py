"""Convolution of each channel alone: one multiplication and one addition for each element of the window."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..scratch import scratch
from ..steps import Call
from .candidates import candidate
from .costs import CALL, copied
from .geometry import bands, convolution, neighbourhood
from .site import Site, Work, in_blocks
from .tape import Block

PLANE = 1 << 16
"""Elements of the result that are worked on at a time."""


def _cost(site: Site) -> float | None:
    conv = convolution(site)
    if conv is None or conv.groups != conv.channels:
        return None
    taps = math.prod(conv.windows)
    return CALL * taps + copied(conv.positions * conv.filters, 2 * taps)


@candidate("conv", "depthwise", _cost)
def depthwise(site: Site) -> Call:
    """Bands of rows, which stay in cache from the first element of the window to the tail."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    filters, shape = conv.filters, site.shape
    blocks = bands(conv, PLANE, filters)
    windows = [(..., *index, slice(None)) for index in np.ndindex(*conv.windows)]
    taps = site.constants[1]
    rows = None if taps is None else _rows(taps, shape)

    def prepare(arrays: Sequence[Array]) -> Work:
        x, weights = arrays[0], _rows(arrays[1], shape) if rows is None else rows
        if filters > conv.channels:
            x = np.repeat(x, filters // conv.channels, axis=-1)

        def work(out: Array, block: Block) -> None:
            values = neighbourhood(x, conv, block, conv.strides, conv.windows)
            across = out.shape[-2]
            product = scratch("product", out.shape, out.dtype)
            np.multiply(values[windows[0]], weights[0][:across], out=out)
            for index, row in zip(windows[1:], weights[1:], strict=True):
                np.multiply(values[index], row[:across], out=product)
                np.add(out, product, out=out)

        return work

    return in_blocks(site, blocks, prepare)


def _rows(taps: Array, shape: tuple[int, ...]) -> list[Array]:
    """Each element of the window as a row (last spatial axis, filters): NumPy's inner loop then runs over both."""
    return [np.tile(tap, (shape[-2], 1)) for tap in taps.reshape(-1, shape[-1])]
