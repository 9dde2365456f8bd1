"""3x3 convolution with fewer multiplications (Winograd; Lavin and Gray, arXiv:1509.09308).

A tile of m x m results needs (m + 2)^2 products for each pair of channels instead of 9 m^2. Both transforms are
products with one small matrix, the Kronecker square of the one for one axis, so three matrix products do it all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..parallel import workers
from ..steps import Call
from .candidates import candidate
from .costs import CALL, FEW, FLOPS, Cost, across, copied, gathered, product
from .geometry import Convolution, convolution, neighbourhood
from .site import Site, Work, column_blocks, in_blocks, row_blocks, rows_and_columns
from .tape import Block

TILES = 1 << 19
"""Elements of transformed tiles that one thread holds at a time."""
LEAST = 64
"""Tiles of a block at least: fewer do not pay for reading the weights again."""

POINTS = {2: (0, 1, -1), 4: (0, 2 / 3, -2 / 3, 4 / 3, -4 / 3)}
"""Where the polynomials of the method are evaluated, besides infinity: for tiles of 4 such that rounding is a third of
what it is with the usual 0, 1, -1, 2 and -2."""


def transforms(m: int) -> tuple[Array, Array, Array]:
    """Return the matrices for one axis: of the input (m + 2, m + 2), the kernel (m + 2, 3), the output (m, m + 2).

    out = output ((kernel k) (input d)) convolves m + 2 elements d with 3 weights k (Cook and Toom's algorithm).
    """
    points, size = np.array(POINTS[m]), m + 2
    others = [np.delete(points, i) for i in range(len(points))]
    output, kernel, input_ = np.zeros((m, size)), np.zeros((size, 3)), np.zeros((size, size))
    output[:, :-1], output[-1, -1] = np.vander(points, m, increasing=True).T, 1
    kernel[:-1], kernel[-1, -1] = np.vander(points, 3, increasing=True), 1
    kernel[:-1] /= np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])[:, None]
    for row, zeros in enumerate([*others, points]):
        coefficients = np.poly(zeros)[::-1]
        input_[row, : len(coefficients)] = coefficients
    return input_, kernel, output


@dataclass(frozen=True, slots=True)
class Tiling:
    """How m x m tiles cover the result: `rows` x `columns` of them, each read from `reach` x `reach` elements."""

    conv: Convolution
    m: int

    @property
    def reach(self) -> int:
        """Elements along one axis that a tile of results reads."""
        return self.m + 2

    @property
    def rows(self) -> int:
        """Tiles one above the other."""
        return -(-self.conv.places[0] // self.m)

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return -(-self.conv.places[1] // self.m)

    @property
    def block(self) -> int:
        """Rows of tiles that are worked on at a time."""
        each = self.reach**2 * (self.conv.channels + self.conv.filters)
        return max(-(-max(TILES // each, LEAST) // self.columns), 1)


def _tiling(site: Site, m: int) -> Tiling | None:
    conv = convolution(site)
    fits = conv is not None and conv.windows == (3, 3) and conv.plain and conv.groups == 1
    return Tiling(conv, m) if conv is not None and fits and site.constants[1] is not None else None


def _cost(site: Site, m: int, *, columns: bool) -> Cost | None:
    tiling = _tiling(site, m)
    if tiling is None or site.outputs[0].dtype != "float32":
        return None
    conv, area = tiling.conv, tiling.reach**2
    tiles = conv.batch * tiling.rows * tiling.columns
    one = product(tiles, conv.channels, conv.filters, tiling.block * tiling.columns)
    work = Cost(one.products * area, one.rest, one.packing * area)
    given, taken = tiles * conv.channels, tiles * conv.filters
    there = Cost(2.0 * area * area * given / FLOPS, CALL) + gathered(area * given, conv.channels)
    back = Cost(2.0 * area * m * m * taken / FLOPS, CALL) + gathered(m * m * taken, conv.filters)
    work += copied(area * max(given, taken))  # products of few channels take longer than others
    if not columns:
        return work + there + back
    return across(workers(), work + back, Cost(rest=there.products + there.rest)) if tiles <= FEW else None


def winograd(site: Site, m: int, *, columns: bool) -> Call:
    """Blocks of rows of tiles, or of filters: transform, multiply, transform back, the tail."""
    tiling = _tiling(site, m)
    assert tiling is not None  # noqa: S101  (the cost is None then)
    conv, area = tiling.conv, tiling.reach**2
    there, turn, back = (np.kron(one, one) for one in transforms(m))
    there, back = there.astype(np.float32), back.astype(np.float32)
    kernel = np.asarray(site.constants[1], np.float64).reshape(9, -1)
    weights = (turn @ kernel).astype(np.float32).reshape(area, conv.channels, conv.filters)
    height, width = conv.places
    exact = height % m == 0 and width % m == 0
    pads = [
        (before, tiles * m + 2 - size - before)
        for (before, _), tiles, size in zip(conv.pads, (tiling.rows, tiling.columns), conv.sizes, strict=True)
    ]
    covered = replace(conv, pads=pads)
    if columns:
        blocks = column_blocks(site.shape, site.threads)
    else:
        bands = row_blocks((conv.batch, tiling.rows, 1), tiling.block, site.threads)
        blocks = [(band[0], *(slice(cut.start * m, min(cut.stop * m, height)) for cut in band[1:])) for band in bands]

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            places, some = rows_and_columns(block, site.shape)
            band = (places[0], *(slice(cut.start // m, -(-cut.stop // m)) for cut in places[1:2]))
            windows = neighbourhood(do, x, covered, band, (m, m), (tiling.reach, tiling.reach))
            result = _transformed(do, windows, there, weights[..., some], back)
            shape = (*windows.shape[:3], out.shape[-1])
            result = result.reshape(m, m, *shape).transpose(2, 3, 0, 4, 1, 5)
            if exact:
                do(np.copyto, out.reshape(result.shape), result)
            else:
                whole = do.scratch("whole", result.shape, result.dtype)
                do(np.copyto, whole, result)
                whole = whole.reshape(shape[0], shape[1] * m, shape[2] * m, shape[3])
                do(np.copyto, out, whole[:, : out.shape[1], :width])

        return work

    return in_blocks(site, blocks, prepare)


def _transformed(do: Do, windows: Array, there: Array, weights: Array, back: Array) -> Array:
    """Tiles (batch, rows, columns, reach, reach, channels) -> results (m m, batch rows columns filters)."""
    area, channels, filters = weights.shape
    windows = np.moveaxis(windows, (3, 4), (0, 1))
    count = math.prod(windows.shape[2:5])
    tiles = do.scratch("tiles", windows.shape, windows.dtype)
    do(np.copyto, tiles, windows)
    values = do.scratch("values", (area, count, channels), windows.dtype)
    do(np.matmul, there, tiles.reshape(area, -1), out=values.reshape(area, -1))
    products = do.scratch("products", (area, count, filters), windows.dtype)
    do(np.matmul, values, weights, out=products)
    results = do.scratch("tiles", (len(back), count * filters), windows.dtype)
    do(np.matmul, back, products.reshape(area, -1), out=results)
    return results


for _m in POINTS:
    for _name, _columns in (f"winograd{_m}", False), (f"winograd{_m} by filters", True):
        candidate("conv", _name, partial(_cost, m=_m, columns=_columns))(partial(winograd, m=_m, columns=_columns))
