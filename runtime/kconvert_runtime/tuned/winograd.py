"""Convolution with fewer multiplications (Winograd; Lavin and Gray, arXiv:1509.09308).

A tile of m results along an axis needs m + r - 1 products for each pair of channels instead of m r, where r is the
window; with two axes, that saves twice. The transforms are products with one small matrix, the Kronecker product of
those for the axes, so three matrix products do it all. Axes with a window of one element have tiles of one result.
Three spatial axes would ask for too much of the transforms: along the first one, windows are copied side by side, as
if they were more channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.windows import extent, patches
from ..parallel import workers
from ..steps import Call
from .candidates import candidate
from .costs import FEW, Cost, across, gathered, product
from .geometry import Convolution, convolution, put, region
from .products import multiply
from .site import Site, Work, column_blocks, in_blocks, row_blocks, rows_and_columns
from .tape import Block

TILES = 1 << 19
"""Elements of transformed tiles that one thread holds at a time."""
LEAST = 64
"""Tiles of a block at least: fewer do not pay for reading the weights again."""
SIZES = (2, 4)
"""Results of a tile along one axis."""

POINTS: dict[int, tuple[float, ...]] = {
    3: (0, 1),
    4: (0, 1, -1),
    5: (0, 2 / 3, -2 / 3, 4 / 3),
    6: (0, 2 / 3, -2 / 3, 4 / 3, -4 / 3),
    7: (0, 1 / 2, -1 / 2, 1, -1, 2),
    8: (0, 1 / 2, -1 / 2, 1, -1, 2, -2),
}
"""Where the polynomials of the method are evaluated, besides infinity, for so many elements that a tile reads: chosen
such that little is lost by rounding, for six elements a third of what it is with the usual 0, 1, -1, 2 and -2."""
READ = {1: 8, 2: 6}
"""Elements that a tile reads along an axis at most, by the number of axes it has: more would lose too much."""


def transforms(m: int, window: int) -> tuple[Array, Array, Array]:
    """Return the matrices for one axis, of n = m + window - 1 points: of the input, (n, n), the kernel and the output.

    out = output ((kernel k) (input d)) convolves n elements d with weights k (Cook and Toom's algorithm).
    """
    size = m + window - 1
    if size == 1:
        return np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1))
    points = np.array(POINTS[size])
    others = [np.delete(points, i) for i in range(len(points))]
    output, kernel, input_ = np.zeros((m, size)), np.zeros((size, window)), np.zeros((size, size))
    output[:, :-1], output[-1, -1] = np.vander(points, m, increasing=True).T, 1
    kernel[:-1], kernel[-1, -1] = np.vander(points, window, increasing=True), 1
    kernel[:-1] /= np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])[:, None]
    for row, zeros in enumerate([*others, points]):
        coefficients = np.poly(zeros)[::-1]
        input_[row, : len(coefficients)] = coefficients
    return input_, kernel, output


@dataclass(frozen=True, slots=True)
class Tiling:
    """How tiles cover the result: `tiles` results along each axis, with `windows` as far as the method goes.

    Along the first of three axes a tile has one result, and a window of one: that of `conv` there is `deep`.
    """

    conv: Convolution
    tiles: tuple[int, ...]
    windows: tuple[int, ...]

    @property
    def reach(self) -> tuple[int, ...]:
        """Elements along each axis that a tile is computed from."""
        return tuple(m + window - 1 for m, window in zip(self.tiles, self.windows, strict=True))

    @property
    def deep(self) -> int:
        """Elements of the windows that are copied side by side."""
        return math.prod(self.conv.windows) // math.prod(self.windows)

    @property
    def depth(self) -> int:
        """Elements that each transformed element of the result is a sum of."""
        return self.deep * self.conv.channels

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles along each axis."""
        return tuple(-(-places // m) for places, m in zip(self.conv.places, self.tiles, strict=True))

    @property
    def block(self) -> int:
        """Tiles along the first axis that are worked on at a time."""
        each = math.prod(self.reach) * (self.depth + self.conv.filters)
        return max(-(-max(TILES // each, LEAST) // math.prod(self.counts[1:])), 1)

    def read(self, do: Do, x: Array, band: Block) -> Array:
        """Return what a band of tiles is computed from: a view (batch, tiles..., reach..., channels).

        Where windows are copied side by side, there are not tiles but all elements along the first axis.
        """
        conv = self.conv
        steps = [m * stride for m, stride in zip(self.tiles, conv.strides, strict=True)]
        spans = [m + window - 1 for m, window in zip(self.tiles, conv.windows, strict=True)]
        pads = []
        for count, step, span, dilation, size, pad in zip(
            self.counts, steps, spans, conv.dilations, conv.sizes, conv.pads, strict=True
        ):
            pads.append((pad[0], (count - 1) * step + extent(span, dilation) - size - pad[0]))
        values = region(do, x, replace(conv, pads=pads), band, steps, spans)
        return patches(values, self.reach, self.tiles, [1] * len(spans))


def _tiling(site: Site, m: int) -> Tiling | None:
    conv = convolution(site)
    if conv is None or conv.groups > 1 or site.constants[1] is None or site.outputs[0].dtype != "float32":
        return None
    deep = len(conv.places) > 2
    windows = ((1,) if deep else ()) + conv.windows[deep:]
    tiling = Tiling(conv, tuple(m if window > 1 else 1 for window in windows), windows)
    read = [reach for reach in tiling.reach if reach > 1]
    gaps = any(n != 1 for n in (*conv.strides[deep:], *conv.dilations[deep:]))
    return tiling if read and max(read) <= READ[len(read)] and not gaps else None


def _cost(site: Site, m: int, *, columns: bool) -> Cost | None:
    tiling = _tiling(site, m)
    if tiling is None:
        return None
    conv, area, results = tiling.conv, math.prod(tiling.reach), math.prod(tiling.tiles)
    beside = math.prod(tiling.counts[1:])
    tiles = conv.batch * tiling.counts[0] * beside
    one = product(tiles, tiling.depth, conv.filters, tiling.block * beside)
    work = replace(one * area, rest=one.rest)
    elements = conv.sizes[0] if tiling.deep > 1 else tiling.counts[0]
    given, taken = conv.batch * elements * beside * conv.channels, tiles * conv.filters
    there = product(given, area, area) + gathered(area * given, conv.channels)
    back = product(taken, area, results) + gathered(results * taken, conv.filters)
    if tiling.deep > 1:
        there += gathered(area * tiles * tiling.depth, conv.channels)
    if not columns:
        return work + there + back
    return across(workers(), work + back, Cost(rest=there.products + there.rest)) if tiles <= FEW else None


def winograd(site: Site, m: int, *, columns: bool) -> Call:
    """Blocks of rows of tiles, or of filters: transform, multiply, transform back, the tail."""
    tiling, kernel = _tiling(site, m), site.constants[1]
    assert tiling is not None and kernel is not None  # noqa: S101  (the cost is None then)
    first, length = tiling.tiles[0], site.shape[1]
    there, turn, back = _matrices(tiling)
    weights = _turned(kernel, tiling, turn)
    if columns:
        blocks = column_blocks(site.shape, site.threads)
    else:
        bands = row_blocks((site.shape[0], tiling.counts[0], 1), tiling.block, site.threads)
        blocks = [(band[0], *(slice(cut.start * first, min(cut.stop * first, length)) for cut in band[1:]))
                  for band in bands]  # fmt: skip

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            places, some = rows_and_columns(block, site.shape)
            band = (places[0], *(slice(cut.start // first, -(-cut.stop // first)) for cut in places[1:2]))
            windows = tiling.read(do, x, band)
            values = _product(do, windows, there, alone=site.alone)
            rows = _beside(do, values, tiling) if tiling.deep > 1 else values
            put(do, out, _results(do, rows, weights[..., some], back, tiling, alone=site.alone))

        return work

    return in_blocks(site, blocks, prepare)


def _matrices(tiling: Tiling) -> tuple[Array, Array, Array]:
    """Return the transforms of the input (float32), the kernel (float64) and the output (float32)."""
    each = [transforms(m, window) for m, window in zip(tiling.tiles, tiling.windows, strict=True)]
    there, turn, back = (reduce(np.kron, matrices) for matrices in zip(*each, strict=True))
    return there.astype(np.float32), turn, back.astype(np.float32)


def _turned(kernel: Array, tiling: Tiling, turn: Array) -> Array:
    """Kernel (windows..., channels, filters) -> transformed (area, depth, filters)."""
    area, window = turn.shape
    taps = np.moveaxis(kernel.reshape(tiling.deep, window, -1), 1, 0).astype(np.float64)
    return (turn @ taps.reshape(window, -1)).astype(np.float32).reshape(area, tiling.depth, -1)


def _product(do: Do, windows: Array, there: Array, *, alone: bool) -> Array:
    """Windows (batch, tiles..., reach..., channels) -> transformed (area, batch, tiles..., channels)."""
    rank = windows.ndim // 2 - 1
    windows = np.moveaxis(windows, range(1 + rank, 1 + 2 * rank), range(rank))
    tiles = do.scratch("tiles", windows.shape, windows.dtype)
    do(np.copyto, tiles, windows)
    values = do.scratch("values", (len(there), *windows.shape[rank:]), windows.dtype)
    multiply(do, tiles.reshape(len(there), -1).T, there.T, values.reshape(len(there), -1).T, alone=alone)
    return values


def _beside(do: Do, values: Array, tiling: Tiling) -> Array:
    """Transformed (area, batch, elements, tiles..., channels) -> (area, batch, places, tiles..., depth)."""
    area, batch, length, *beside, channels = values.shape
    conv = tiling.conv
    windows = patches(values.reshape(area * batch, length, -1), conv.windows[:1], conv.strides[:1], conv.dilations[:1])
    places, deep = windows.shape[1:3]
    rows = do.scratch("columns", (area, batch, places, *beside, deep * channels), values.dtype)
    parts = rows.reshape(area * batch, places, -1, deep, channels)
    do(np.copyto, parts, np.moveaxis(windows.reshape(area * batch, places, deep, -1, channels), 2, 3))
    return rows


def _results(do: Do, rows: Array, weights: Array, back: Array, tiling: Tiling, *, alone: bool) -> Array:
    """Transformed (area, batch, tiles..., depth) -> a view (batch, tiles..., results of a tile..., filters)."""
    area, *places, depth = rows.shape
    filters, rank = weights.shape[-1], len(tiling.tiles)
    products = do.scratch("products", (area, math.prod(places), filters), rows.dtype)
    multiply(do, rows.reshape(area, -1, depth), weights, products, alone=alone)
    results = do.scratch("tiles", (*tiling.tiles, *places, filters), rows.dtype)
    multiply(do, products.reshape(area, -1).T, back.T, results.reshape(len(back), -1).T, alone=alone)
    return np.moveaxis(results, range(rank), range(1 + rank, 1 + 2 * rank))


for _m in SIZES:
    for _name, _columns in (f"winograd{_m}", False), (f"winograd{_m} by filters", True):
        candidate("conv", _name, partial(_cost, m=_m, columns=_columns))(partial(winograd, m=_m, columns=_columns))
