"""Convolution line by line: windows are copied along the last axis only.

The lines of a window, one for each of its places along the other axes, lie in the same matrix, some rows of places
further on. So each gives a product with its weights, of the same rows moved on, and the products are added up: fewer
copies than of whole windows, which pays where there are few channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.windows import extent, patches, within
from ..products import multiply
from ..steps import Call
from .candidates import candidate
from .costs import CALL, Cost, gathered, product
from .geometry import Convolution, convolution, region
from .site import Site, Work, in_blocks, row_blocks
from .tape import RATE, Block
from .weights import factors

COLUMNS = 1 << 17
"""Elements of the matrix of lines that is held at a time by one thread."""


def _convolution(site: Site) -> Convolution | None:
    conv = convolution(site)
    fits = conv is not None and conv.groups == 1 and len(conv.places) > 1 and all(n == 1 for n in conv.strides[:-1])
    return conv if fits and conv is not None and math.prod(conv.windows[:-1]) > 1 else None


def _rows(conv: Convolution) -> int:
    """Places along the first axis of a block."""
    each = math.prod(conv.places[1:]) * conv.windows[-1] * conv.channels
    return min(max(COLUMNS // each, 1), conv.places[0])


def _around(conv: Convolution) -> list[int]:
    """How many more places than results there are along all axes but the last."""
    return [extent(window, dilation) - 1 for window, dilation in zip(conv.windows[:-1], conv.dilations, strict=False)]


def _cost(site: Site) -> Cost | None:
    conv = _convolution(site)
    if conv is None:
        return None
    rows, lines, depth = _rows(conv), math.prod(conv.windows[:-1]), conv.windows[-1] * conv.channels
    blocks = conv.batch * -(-conv.places[0] // rows)
    sizes = [rows, *conv.places[1:-1]]
    places = blocks * math.prod(n + more for n, more in zip(sizes, _around(conv), strict=True)) * conv.places[-1]
    counted = places * rows // (rows + _around(conv)[0])
    # of the first axis no more places are multiplied than there are results
    work = product(counted, depth, conv.filters, counted // blocks) * lines
    sums = (lines - 1) * counted * conv.filters / RATE
    copies = gathered(places * depth, depth)
    if len(conv.places) > 2:
        copies += gathered(conv.positions * conv.filters, conv.places[-1] * conv.filters)
    return work + copies + Cost(rest=sums + CALL * blocks * lines)


@candidate("conv", "by lines", _cost)
def by_lines(site: Site) -> Call:
    """Bands of one row of the batch: their lines, a product for each line of the window, the sums, the tail."""
    conv = _convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    windows, filters, depth = conv.windows, conv.filters, conv.windows[-1] * conv.channels
    blocks = list(row_blocks((conv.batch, conv.places[0], 1), _rows(conv), site.threads))
    ones = (1,) * (len(windows) - 1)
    strides, line = (*ones, conv.strides[-1]), (*ones, windows[-1])

    factor = factors(site, "lines", lambda kernel: kernel.reshape(-1, depth, filters))

    def prepare(arrays: Sequence[Array]) -> Work:
        x, weights = arrays[0], factor(arrays, slice(None))

        def work(do: Do, out: Array, block: Block) -> None:
            values = region(do, x, conv, block, conv.strides, windows)
            lines = patches(values, line, strides, conv.dilations)
            columns = do.scratch("columns", lines.shape, x.dtype)
            do(np.copyto, columns, lines)
            rows = columns.reshape(-1, depth)
            moves = _moves(conv, columns.shape[1 : len(windows) + 1])
            length = len(rows) - moves[-1]
            direct = length * filters == out.size
            sums = out.reshape(-1, filters) if direct else do.scratch("sums", (len(rows), filters), x.dtype)[:length]
            part = do.scratch("part", (length, filters), x.dtype)
            for i, move in enumerate(moves):
                multiply(do, rows[move : move + length], weights[i], part if i else sums, alone=site.alone)
                if i:
                    do(np.add, sums, part, out=sums)
            if not direct:
                found = do.scratch("sums", (*columns.shape[: len(windows) + 1], filters), x.dtype)
                do(np.copyto, out, found[within([slice(0, n) for n in out.shape[1:-1]])])

        return work

    return in_blocks(site, blocks, prepare)


def _moves(conv: Convolution, places: Sequence[int]) -> list[int]:
    """For each line of the window, how many rows after the first it begins, in an array of lines at these places."""
    steps = [math.prod(places[i + 1 :]) * dilation for i, dilation in enumerate(conv.dilations[:-1])]
    return [sum(n * step for n, step in zip(index, steps, strict=True)) for index in np.ndindex(*conv.windows[:-1])]
