"""Products with a matrix of weights, by blocks of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..parallel import workers
from ..products import columns as columns_of
from ..products import multiply
from ..steps import Call
from .candidates import candidate
from .costs import FEW, PRODUCT, Cost, across, product
from .site import Site, Work, column_blocks, in_blocks, row_blocks, rows_and_columns
from .tail import on_whole
from .tape import Block
from .weights import factors


def rows_for(depth: int, width: int) -> int:
    """Rows of a block: enough to make one product worth packing its weights, few enough to stay in cache."""
    return max(PRODUCT // max(depth + width, 1), 192)


def _cost(site: Site, *, columns: bool) -> Cost | None:
    x, weights = site.shape_of(0), site.shape_of(1)
    if len(weights) != 2 or len(x) < 2:
        return None
    count = math.prod(x[:-1])
    if columns and count > FEW:
        return None
    cost = product(count, *weights)
    return across(workers(), cost) if columns else cost


def products(site: Site, *, columns: bool) -> Call:
    """Blocks of rows, each finished while it is in cache; or of columns."""
    *_, depth = site.shape_of(0)
    shape, width = site.shape, site.shape[-1]
    blocks = (column_blocks(shape, site.threads) if columns
              else list(row_blocks(shape, rows_for(depth, width), site.threads)))  # fmt: skip
    cut = site.alone and shape[0] > 1 and columns_of(depth, width) < width
    if len(blocks) == 1 and len(shape) == 2 and not cut:
        return _whole(site)
    weights = factors(site, "rows", lambda matrix: matrix, blocks)

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            some, part = rows_and_columns(block, shape)
            rows = do.reshaped("rows", x[some], (-1, depth))
            multiply(do, rows, weights(arrays, part), out.reshape(-1, out.shape[-1]), alone=site.alone)

        return work

    return in_blocks(site, blocks, prepare)


def _whole(site: Site) -> Call:
    """One call for all: small models consist of such, so nothing stands between it and the tail."""
    if site.tail is None:
        return lambda do, y, x, weights: do(np.matmul, x, weights, out=y)
    finish = on_whole(site.tail, site.operands, site.shape)

    def run(do: Do, y: Array, x: Array, weights: Array, *extras: Array) -> None:
        do(np.matmul, x, weights, out=y)
        finish(do, y, extras)

    return run


for _name, _columns in ("rows", False), ("columns", True):
    candidate("matmul", _name, partial(_cost, columns=_columns))(partial(products, columns=_columns))
