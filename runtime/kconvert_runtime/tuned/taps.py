"""Convolution to few filters: first the products of all elements of the window, then their sums.

One product over the channels gives for each element of the window its part of all results: as many columns as there are
elements and filters. Each part stands as far from where it belongs as its element is from the first, which is the same
for all places, so that long rows are added up. Nothing is copied as often as windows overlap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.windows import extent, within
from ..steps import Call
from .candidates import candidate
from .costs import CALL, Cost, copied, gathered, product
from .geometry import Convolution, bands, convolution, region
from .site import Site, Work, in_blocks
from .tape import RATE, Block

PARTS = 1 << 18
"""Elements of the products that are held at a time by one thread."""
MOST = 4
"""Filters at most."""


def _convolution(site: Site) -> Convolution | None:
    conv = convolution(site)
    fits = conv is not None and conv.groups == 1 and all(n == 1 for n in conv.strides) and conv.filters <= MOST
    return conv if fits else None


def _cost(site: Site) -> Cost | None:
    conv = _convolution(site)
    if conv is None:
        return None
    places = conv.batch * math.prod(size + sum(pad) for size, pad in zip(conv.sizes, conv.pads, strict=True))
    width = math.prod(conv.windows) * conv.filters
    sums = Cost(rest=3 * CALL + places * width / RATE)
    return (
        product(places, conv.channels, width)
        + sums
        + copied(places * conv.channels)
        + gathered(conv.positions * conv.filters, 1)
    )


@candidate("conv", "by taps", _cost)
def by_taps(site: Site) -> Call:
    """Bands of rows: what they read, the product, the sums, and those of them that are results in their order."""
    conv = _convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    windows, filters = conv.windows, conv.filters
    across = math.prod(size + sum(pad) for size, pad in zip(conv.sizes[1:], conv.pads[1:], strict=True))
    elements = PARTS * math.prod(conv.places[1:]) // max(across * math.prod(windows), 1)
    blocks = bands(conv, elements, filters, site.threads)

    ready = None if site.constants[1] is None else _turned(site.constants[1])

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            weights = _turned(do.contents(arrays[1])) if ready is None else ready
            values = region(do, x, conv, block, conv.strides, windows)
            rows = do.reshaped("rows", values, (-1, conv.channels))
            parts = do.scratch("parts", (len(weights), len(rows)), x.dtype)
            do(np.matmul, weights, rows.T, out=parts)
            sums = do.scratch("sums", (filters, len(rows)), x.dtype)
            length = len(rows) - _far(conv, values.shape[1:-1])
            do(np.add.reduce, _shifted(parts, conv, values.shape[1:-1], length), axis=tuple(range(len(windows))),
               out=sums[:, :length])  # fmt: skip
            found = np.moveaxis(sums.reshape(filters, *values.shape[:-1]), 0, -1)
            do(np.copyto, out, found[within([slice(0, n) for n in out.shape[1:-1]])])

        return work

    return in_blocks(site, blocks, prepare)


def _turned(kernel: Array) -> Array:
    """Kernel (windows..., channels, filters) -> (windows... filters, channels)."""
    return np.moveaxis(kernel, -2, -1).reshape(-1, kernel.shape[-2])


def _steps(sizes: Sequence[int]) -> list[int]:
    """How far neighbours along each axis are from each other, in an array of these sizes."""
    return [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]


def _far(conv: Convolution, sizes: Sequence[int]) -> int:
    """How far the last element of a window is from the first."""
    spans = [extent(window, dilation) - 1 for window, dilation in zip(conv.windows, conv.dilations, strict=True)]
    return sum(span * step for span, step in zip(spans, _steps(sizes), strict=True))


def _shifted(parts: Array, conv: Convolution, sizes: Sequence[int], length: int) -> Array:
    """Parts (windows... filters, places) -> a view (windows..., filters, places): those of a sum at the same place."""
    item, row = parts.strides[1], parts.strides[0] * conv.filters
    strides = [row * math.prod(conv.windows[i + 1 :]) + step * dilation * item
               for i, (step, dilation) in enumerate(zip(_steps(sizes), conv.dilations, strict=True))]  # fmt: skip
    return as_strided(parts, (*conv.windows, conv.filters, length), (*strides, *parts.strides))
