"""Convolution by im2col: windows copied into rows of a matrix, one product for each block of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.windows import patches
from ..parallel import workers
from ..products import multiply
from ..steps import Call
from .candidates import candidate
from .costs import FEW_COPIED, Cost, across, gathered, product
from .geometry import Convolution, bands, convolution, region
from .site import Site, Work, column_blocks, in_blocks, rows_and_columns
from .tape import Block
from .weights import factors

COLUMNS = 1 << 19
"""Elements of the matrix of windows that is held at a time by one thread."""
SHORT = 12
"""Elements side by side in a window below which copying it is slow."""
LEAST = 256
"""Rows of a block at least: fewer do not pay for packing the weights."""


def _cost(site: Site, *, columns: bool) -> Cost | None:
    conv = convolution(site)
    if conv is None or conv.groups > 1:
        return None
    if columns and conv.positions > FEW_COPIED:
        return None
    cost, copies = product(conv.positions, conv.depth, conv.filters), gathered(conv.positions * conv.depth, _run(conv))
    return across(workers(), cost, copies) if columns else cost + copies


def _run(conv: Convolution) -> int:
    """Elements that are copied in one go: of a row of the window, or, where that is short, of a row of places."""
    row = conv.windows[-1] * conv.channels if conv.dilations[-1] == 1 else conv.channels
    return conv.places[-1] if conv.windows[-1] * conv.channels <= SHORT and conv.places[-1] > row else row


def im2col(site: Site, *, columns: bool) -> Call:
    """Blocks of places, or of filters: the windows, the product, the tail."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    depth, filters, shape = conv.depth, conv.filters, site.shape
    blocks = column_blocks(shape, site.threads) if columns else bands(conv, COLUMNS, depth, site.threads, LEAST)
    turned = _run(conv) > conv.windows[-1] * conv.channels

    weights = factors(site, "rows", lambda kernel: kernel.reshape(depth, filters), blocks)

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            places, some = rows_and_columns(block, shape)
            values = region(do, x, conv, places[:2], conv.strides, conv.windows)
            rows = (_turned if turned else _rows)(do, values, conv)
            multiply(do, rows, weights(arrays, some), out.reshape(-1, out.shape[-1]), alone=site.alone)

        return work

    return in_blocks(site, blocks, prepare)


def _rows(do: Do, values: Array, conv: Convolution) -> Array:
    """Values (batch, spatial..., channels) -> their windows as the rows of a matrix."""
    windows = patches(values, conv.windows, conv.strides, conv.dilations)
    columns = do.scratch("columns", windows.shape, windows.dtype)
    do(np.copyto, columns, windows)
    return columns.reshape(-1, conv.depth)


def _turned(do: Do, values: Array, conv: Convolution) -> Array:
    """The same matrix column by column: what is copied in one go is a row of places, not of a window."""
    if conv.strides[-1] == 1 and conv.channels > 1:  # with each channel apart, rows of places lie in one piece
        planes = np.moveaxis(values, -1, 0)
        apart = do.scratch("planes", planes.shape, values.dtype)
        do(np.copyto, apart, planes)
        values = np.moveaxis(apart, 0, -1)
    windows = patches(values, conv.windows, conv.strides, conv.dilations)
    places = len(conv.places) + 1
    turned = np.moveaxis(windows, range(places), range(-places, 0))
    columns = do.scratch("columns", turned.shape, windows.dtype)
    do(np.copyto, columns, turned)
    return columns.reshape(conv.depth, -1).T


for _name, _across in ("im2col", False), ("im2col by filters", True):
    candidate("conv", _name, partial(_cost, columns=_across))(partial(im2col, columns=_across))
