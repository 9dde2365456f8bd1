"""Convolution with a window of one element: a matrix product over the channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.windows import within
from ..steps import Call
from .candidates import candidate
from .costs import Cost, product
from .geometry import convolution
from .matmul import rows_for
from .site import Site, Work, in_blocks, row_blocks
from .tape import Block


def _cost(site: Site) -> Cost | None:
    conv = convolution(site)
    if conv is None or conv.groups > 1 or math.prod(conv.windows) > 1 or any(map(any, conv.pads)):
        return None
    return product(conv.positions, conv.channels, conv.filters)


@candidate("conv", "pointwise", _cost)
def pointwise(site: Site) -> Call:
    """Blocks of places, each finished while it is in cache."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    channels, filters, shape = conv.channels, conv.filters, site.shape
    every = within([slice(None, None, stride) for stride in conv.strides])
    blocks = list(row_blocks(shape, rows_for(channels, filters), site.threads))

    def prepare(arrays: Sequence[Array]) -> Work:
        x, weights = arrays[0][every], arrays[1].reshape(channels, filters)

        def work(do: Do, out: Array, block: Block) -> None:
            rows = do.reshaped("rows", x[block], (-1, channels))
            do(np.matmul, rows, weights, out=out.reshape(-1, filters))

        return work

    return in_blocks(site, blocks, prepare)
