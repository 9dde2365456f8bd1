"""Convolution by im2col: windows copied into rows of a matrix, one product for each block of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied, product
from .geometry import bands, convolution, neighbourhood
from .site import Site, Work, in_blocks
from .tape import Block

COLUMNS = 1 << 19
"""Elements of the matrix of windows that is held at a time by one thread."""
SHORT = 12
"""Elements side by side in a window below which copying it is slow."""
LEAST = 256
"""Rows of a block at least: fewer do not pay for packing the weights."""


def _cost(site: Site) -> Cost | None:
    conv = convolution(site)
    if conv is None or conv.groups > 1:
        return None
    return product(conv.positions, conv.depth, conv.filters) + copied(conv.positions * conv.depth)


@candidate("conv", "im2col", _cost)
def im2col(site: Site) -> Call:
    """Blocks of places: their windows, the product, the tail."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    depth, filters = conv.depth, conv.filters
    blocks = bands(conv, COLUMNS, depth, site.threads, LEAST)

    side_by_side = conv.windows[-1] * conv.channels
    turned = side_by_side <= SHORT and conv.places[-1] > side_by_side

    def prepare(arrays: Sequence[Array]) -> Work:
        x, weights = arrays[0], arrays[1].reshape(depth, filters)

        def work(do: Do, out: Array, block: Block) -> None:
            windows = neighbourhood(do, x, conv, block, conv.strides, conv.windows)
            columns = _turned(do, windows, out.ndim - 1, depth) if turned else _columns(do, windows, depth)
            do(np.matmul, columns, weights, out=out.reshape(-1, filters))

        return work

    return in_blocks(site, blocks, prepare)


def _columns(do: Do, windows: Array, depth: int) -> Array:
    """Windows (batch, places..., windows..., channels) as the rows of a matrix."""
    columns = do.scratch("columns", windows.shape, windows.dtype)
    do(np.copyto, columns, windows)
    return columns.reshape(-1, depth)


def _turned(do: Do, windows: Array, places: int, depth: int) -> Array:
    """The same matrix column by column: what is copied in one go is a row of places, not of a window."""
    turned = np.moveaxis(windows, range(places), range(-places, 0))
    columns = do.scratch("columns", turned.shape, windows.dtype)
    do(np.copyto, columns, turned)
    return columns.reshape(depth, -1).T
