"""Convolution in groups: several at a time as one product with zeros between them, as BLAS is slow on few columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..products import multiply
from ..steps import Call
from .candidates import candidate
from .costs import Cost, gathered, product
from .geometry import Convolution, bands, convolution, neighbourhood
from .site import Site, Work, in_blocks
from .tape import Block
from .weights import factors

COLUMNS = 1 << 18
"""Elements of the matrix of windows that is held at a time by one thread."""
LEAST = 256
"""Rows of a block at least: fewer do not pay for packing the weights."""


def _parts(conv: Convolution) -> tuple[int, Cost]:
    """Return into how many parts the groups are put, and what that costs: the cheapest."""
    options = [n for n in range(1, conv.groups + 1) if conv.groups % n == 0]
    costs = {n: _cost_of(conv, n) for n in options}
    best = min(options, key=lambda n: costs[n].alone(1))
    return best, costs[best]


def _cost_of(conv: Convolution, parts: int) -> Cost:
    depth, width = math.prod(conv.windows) * conv.channels // parts, conv.filters // parts
    one = product(conv.positions, depth, width) + gathered(conv.positions * depth, conv.channels // parts)
    return one * parts


def _cost(site: Site) -> Cost | None:
    conv = convolution(site)
    return None if conv is None or conv.groups == 1 else _parts(conv)[1]


@candidate("conv", "groups together", _cost)
def grouped(site: Site) -> Call:
    """Blocks of places: for each part the windows of its channels, the product; then the tail."""
    conv = convolution(site)
    assert conv is not None  # noqa: S101  (the cost is None then)
    parts, _ = _parts(conv)
    channels, filters = conv.channels // parts, conv.filters // parts
    depth = math.prod(conv.windows) * channels
    blocks = bands(conv, COLUMNS, depth, site.threads, LEAST)
    factor = factors(site, ("groups", conv.groups, parts), lambda kernel: _merged(conv, kernel, parts))

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            if site.constants[1] is None:
                do.contents(arrays[1])
            weights = factor(arrays, slice(None))
            windows = neighbourhood(do, x, conv, block, conv.strides, conv.windows)
            rows = out.reshape(-1, conv.filters)
            for part in range(parts):
                some = windows[..., part * channels : (part + 1) * channels]
                columns = do.scratch("columns", some.shape, some.dtype)
                do(np.copyto, columns, some)
                place = rows[:, part * filters : (part + 1) * filters]
                multiply(do, columns.reshape(-1, depth), weights[part], place, alone=site.alone)

        return work

    return in_blocks(site, blocks, prepare)


def _merged(conv: Convolution, kernel: Array, parts: int) -> Array:
    """Kernel (windows..., channels / groups, filters) -> (parts, depth, filters / parts), 0 between groups."""
    together = conv.groups // parts
    channels, filters = conv.channels // conv.groups, conv.filters // conv.groups
    taps = kernel.reshape(-1, channels, parts, together, filters)
    merged = np.zeros((parts, len(taps), together, channels, together, filters), kernel.dtype)
    for group in range(together):
        merged[:, :, group, :, group] = np.moveaxis(taps[:, :, :, group], 2, 0)
    return merged.reshape(parts, len(taps) * together * channels, together * filters)
