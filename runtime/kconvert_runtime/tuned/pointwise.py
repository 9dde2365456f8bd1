"""Convolution with a window of one element: a matrix product over the channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.windows import within
from ..parallel import workers
from ..products import multiply
from ..steps import Call
from .candidates import candidate
from .costs import FEW, Cost, across, product
from .geometry import convolution
from .matmul import rows_for
from .site import Site, Work, column_blocks, in_blocks, row_blocks, rows_and_columns
from .tape import Block
from .weights import factors


def _cost(site: Site, *, columns: bool) -> Cost | None:
    conv = convolution(site)
    if conv is None or conv.groups > 1 or math.prod(conv.windows) > 1 or any(map(any, conv.pads)):
        return None
    if columns and conv.positions > FEW:
        return None
    cost = product(conv.positions, conv.channels, conv.filters)
    return across(workers(), cost) if columns else cost


def pointwise(site: Site, *, columns: bool) -> Call:
    """Blocks of places, each finished while it is in cache; or of filters."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    channels, filters, shape = conv.channels, conv.filters, site.shape
    every = within([slice(None, None, stride) for stride in conv.strides])
    blocks = (column_blocks(shape, site.threads) if columns
              else list(row_blocks(shape, rows_for(channels, filters), site.threads)))  # fmt: skip

    weights = factors(site, "rows", lambda kernel: kernel.reshape(channels, filters), blocks)

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0][every]

        def work(do: Do, out: Array, block: Block) -> None:
            places, some = rows_and_columns(block, shape)
            rows = do.reshaped("rows", x[places], (-1, channels))
            multiply(do, rows, weights(arrays, some), out.reshape(-1, out.shape[-1]), alone=site.alone)

        return work

    return in_blocks(site, blocks, prepare)


for _name, _columns in ("pointwise", False), ("pointwise by filters", True):
    candidate("conv", _name, partial(_cost, columns=_columns))(partial(pointwise, columns=_columns))
