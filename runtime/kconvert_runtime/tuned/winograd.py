"""Convolution with fewer multiplications (Winograd; Lavin and Gray, arXiv:1509.09308).

A tile of m results along an axis needs m + r - 1 products for each pair of channels instead of m r, where r is the
window; with two axes, that saves twice. The transforms are products with small matrices, one for each axis, so matrix
products do it all. Axes with a window of one element have tiles of one result.
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
from ..products import multiply
from ..steps import Call
from .candidates import candidate
from .costs import FEW_COPIED, Cost, across, gathered, product
from .geometry import Convolution, convolution, put, region
from .site import Site, Work, column_blocks, in_blocks, row_blocks, rows_and_columns
from .tape import Block
from .weights import factors

TILES = 1 << 18
"""Elements of transformed tiles that one thread holds at a time."""
LEAST = 64
"""Tiles of a block at least: fewer do not pay for reading the weights again."""
TURNED = 1 << 16
"""Elements of transformed weights that are computed at a time."""
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
    def collects(self) -> bool:
        """Whether places along the first of three axes read other elements than those in their order, one each."""
        return len(self.tiles) > 2 and (self.deep > 1 or self.conv.strides[0] > 1)

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

        Where places collect what they read, there are not tiles but all elements along the first axis.
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
    elements = conv.sizes[0] if tiling.collects else tiling.counts[0]
    given, taken = conv.batch * elements * beside * conv.channels, tiles * conv.filters
    there = gathered(area * given, conv.channels) + _transforming(tiling.reach, tiling.reach, given)
    back = gathered(results * taken, conv.filters) + _transforming(tiling.reach, tiling.tiles, taken)
    if tiling.collects:
        there += gathered(area * tiles * tiling.depth, conv.channels)
    if not columns:
        return work + there + back
    return across(workers(), work + back, there) if tiles <= FEW_COPIED else None


def _transforming(sizes: Sequence[int], into: Sequence[int], each: int) -> Cost:
    """Cost of products with a small matrix along each axis: little more than reading and writing all elements."""
    cost = Cost()
    for i, (size, other) in enumerate(zip(sizes, into, strict=True)):
        beside = math.prod(into[:i]) * math.prod(sizes[i + 1 :]) * each
        cost += gathered((size + other) * beside, beside) if size > 1 else Cost()
    return cost


def winograd(site: Site, m: int, *, columns: bool) -> Call:
    """Blocks of rows of tiles, or of filters: transform, multiply, transform back, the tail."""
    tiling = _tiling(site, m)
    assert tiling is not None  # noqa: S101  (the cost is None then)
    first, length = tiling.tiles[0], site.shape[1]
    there, turns, back = zip(
        *(transforms(*axis) for axis in zip(tiling.tiles, tiling.windows, strict=True)), strict=True
    )
    if columns:
        blocks = column_blocks(site.shape, site.threads)
    else:
        bands = row_blocks((site.shape[0], tiling.counts[0], 1), tiling.block, site.threads)
        blocks = [(band[0], *(slice(cut.start * first, min(cut.stop * first, length)) for cut in band[1:]))
                  for band in bands]  # fmt: skip

    weights = factors(site, ("winograd", m), lambda kernel: _turned(kernel, tiling, reduce(np.kron, turns)), blocks)

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            places, some = rows_and_columns(block, site.shape)
            band = (places[0], *(slice(cut.start // first, -(-cut.stop // first)) for cut in places[1:2]))
            rows = _given(do, tiling.read(do, x, band), there)
            if tiling.collects:
                rows = _beside(do, rows, tiling)
            area, *tiles, depth = rows.shape
            products = do.scratch("products", (area, math.prod(tiles), out.shape[-1]), rows.dtype)
            multiply(do, rows.reshape(area, -1, depth), weights(arrays, some), products, alone=site.alone)
            put(do, out, _taken(do, products, back, [*tiles, out.shape[-1]]))

        return work

    return in_blocks(site, blocks, prepare)


def _turned(kernel: Array, tiling: Tiling, turn: Array) -> Array:
    """Kernel (windows..., channels, filters) -> transformed (area, depth, filters)."""
    area, window = turn.shape
    filters = kernel.shape[-1]
    taps = np.moveaxis(kernel.reshape(tiling.deep, window, -1, filters), 1, 0)
    turned = np.empty((area, tiling.deep, taps.shape[2], filters), np.float32)
    step = max(TURNED // (area * tiling.deep * filters), 1)
    for start in range(0, taps.shape[2], step):
        some = taps[:, :, start : start + step].astype(np.float64)
        turned[:, :, start : start + step] = (turn @ some.reshape(window, -1)).reshape(area, *some.shape[1:])
    return turned.reshape(area, tiling.depth, filters)


def _transformed(do: Do, values: Array, matrices: Sequence[Array], names: Sequence[str]) -> Array:
    """Multiply along each of the first axes with its matrix. names: of memory for every other of the results."""
    for axis, matrix in enumerate(matrices):
        if len(matrix) == 1 and matrix.shape[1] == 1:
            continue
        shape = (*values.shape[:axis], len(matrix), *values.shape[axis + 1 :])
        result = do.scratch(names[axis % 2], shape, values.dtype)
        stack = math.prod(shape[:axis]), -1, math.prod(shape[axis + 1 :])
        do(np.matmul, matrix.astype(values.dtype), values.reshape(stack), out=result.reshape(stack))
        values = result
    return values


def _given(do: Do, windows: Array, matrices: Sequence[Array]) -> Array:
    """Windows (batch, tiles..., reach..., channels) -> transformed (area, batch, tiles..., channels)."""
    rank = len(matrices)
    windows = np.moveaxis(windows, range(1 + rank, 1 + 2 * rank), range(rank))
    tiles = do.scratch("tiles", windows.shape, windows.dtype)
    do(np.copyto, tiles, windows)
    return _transformed(do, tiles, matrices, ("values", "tiles")).reshape(-1, *windows.shape[rank:])


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


def _taken(do: Do, products: Array, matrices: Sequence[Array], tiles: Sequence[int]) -> Array:
    """Transformed, of tiles (batch, tiles..., filters) -> a view (batch, tiles..., results of a tile..., filters)."""
    rank = len(matrices)
    values = products.reshape(*(matrix.shape[1] for matrix in matrices), *tiles)
    return np.moveaxis(
        _transformed(do, values, matrices, ("tiles", "products")), range(rank), range(1 + rank, 1 + 2 * rank)
    )


for _m in SIZES:
    for _name, _columns in (f"winograd{_m}", False), (f"winograd{_m} by filters", True):
        candidate("conv", _name, partial(_cost, m=_m, columns=_columns))(partial(winograd, m=_m, columns=_columns))
