"""Transposed convolution whose windows lie side by side: one product, whose columns are put where they belong."""

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
from .geometry import put
from .site import Site, Work, in_blocks
from .tape import Block
from .transposed import axes_of, bands_of, places_of
from .weights import factors

ELEMENTS = 1 << 17
"""Elements of the result that are worked on at a time."""


def _cost(site: Site) -> Cost | None:
    attrs, x, y = site.node.attrs, site.shape_of(0), site.shape
    *windows, filters, channels = site.shape_of(1)
    strides = list(attrs["strides"])
    if attrs["data_format"] != "channels_last" or windows != strides or 0 in (*x, *y):
        return None
    whole = [size * stride for size, stride in zip(x[1:-1], strides, strict=True)]
    if any(n != 1 for n in attrs["dilation_rate"]) or whole != list(y[1:-1]):
        return None
    return product(math.prod(x[:-1]), channels, math.prod(windows) * filters) + gathered(math.prod(y), y[-1])


@candidate("conv_transpose", "side by side", _cost)
def side_by_side(site: Site) -> Call:
    """Bands of rows: each element of x gives a window of the result."""
    _, *sizes, channels = site.shape_of(0)
    *windows, filters, _ = site.shape_of(1)
    width = math.prod(windows) * filters
    axes = axes_of(site)
    assert axes is not None  # noqa: S101  (the cost is None then)
    in_rows = site.constants[1] is not None

    def turned(kernel: Array) -> Array:
        weights = kernel.reshape(width, channels).T
        return np.ascontiguousarray(weights) if in_rows else weights

    weights = factors(site, "side by side", turned)
    blocks = bands_of(site, axes, ELEMENTS // (width * math.prod(sizes[1:])))

    def prepare(arrays: Sequence[Array]) -> Work:
        x, factor = arrays[0], weights(arrays, slice(None))

        def work(do: Do, out: Array, block: Block) -> None:
            values = x[places_of(block, axes)]
            places = values.shape[:-1]
            columns = do.scratch("columns", (math.prod(places), width), out.dtype)
            multiply(do, do.reshaped("rows", values, (-1, channels)), factor, columns, alone=site.alone)
            put(do, out, columns.reshape(*places, *windows, filters))

        return work

    return in_blocks(site, blocks, prepare)
