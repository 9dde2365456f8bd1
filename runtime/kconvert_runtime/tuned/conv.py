"""Convolution by im2col: windows copied into rows of a matrix, one product for each block of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..scratch import scratch
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied, product
from .geometry import bands, convolution, neighbourhood
from .site import Site, Work, in_blocks
from .tape import Block

COLUMNS = 1 << 19
"""Elements of the matrix of windows that is held at a time by one thread."""
LEAST = 256
"""Rows of a block at least: fewer do not pay for packing the weights."""


def _cost(site: Site) -> Cost | None:
    conv = convolution(site)
    if conv is None or conv.groups > 1:
        return None
    return product(conv.positions, conv.depth, conv.filters) + copied(conv.positions * (conv.depth + conv.filters))


@candidate("conv", "im2col", _cost)
def im2col(site: Site) -> Call:
    """Blocks of places: their windows, the product, the tail."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    depth, filters = conv.depth, conv.filters
    blocks = bands(conv, COLUMNS, depth, site.threads, LEAST)

    def prepare(arrays: Sequence[Array]) -> Work:
        x, weights = arrays[0], arrays[1].reshape(depth, filters)

        def work(out: Array, block: Block) -> None:
            windows = neighbourhood(x, conv, block, conv.strides, conv.windows)
            columns = scratch("columns", windows.shape, x.dtype)
            np.copyto(columns, windows)
            np.matmul(columns.reshape(-1, depth), weights, out=out.reshape(-1, filters))

        return work

    return in_blocks(site, blocks, prepare)
