"""Transposed convolution phase by phase: a product for the results at each place between two elements of x.

Results at different places between two elements meet different elements of the window, so no product has zeros to
multiply. Those that differ along the first axis only take theirs from the same copy of the windows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product as every

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..products import Factor, arranged, multiply
from ..steps import Call
from .candidates import candidate
from .costs import CALL, Cost, gathered, product
from .geometry import Convolution, neighbourhood, put
from .site import Site, Work, in_blocks
from .tape import Block
from .transposed import Axis, axes_of, bands_of, places_of

COLUMNS = 1 << 18
"""Elements of the matrix of windows that is held at a time by one thread."""
LEAST = 256
"""Places of a block at least: fewer do not pay for packing the weights."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Along one axis: the elements of the windows of x that its results read, and those of the weights."""

    read: slice
    taps: list[int]

    @staticmethod
    def of(axis: Axis, number: int) -> Phase:
        """Return that of the results that follow the first one of each place by so many."""
        met = sorted(axis.taps(number))
        return Phase(slice(met[0][0], met[-1][0] + 1), [tap for _, tap in met])


def _phases(axes: Sequence[Axis]) -> list[list[Phase]] | None:
    """By axis the phases; None where some have nothing to read."""
    if any(axis.window < axis.stride for axis in axes):
        return None
    return [[Phase.of(axis, number) for number in range(axis.stride)] for axis in axes]


def _rows(axes: Sequence[Axis], channels: int) -> int:
    """Rows of places that are worked on at a time."""
    beside, area = math.prod(axis.places for axis in axes[1:]), math.prod(len(axis.reach) for axis in axes)
    return -(-max(COLUMNS // (area * channels), LEAST) // beside)


def _cost(site: Site) -> Cost | None:
    axes = axes_of(site)
    phases = axes and _phases(axes)
    if not axes or not phases or site.constants[1] is None:
        return None
    *_, channels = site.shape_of(0)
    beside = math.prod(axis.places for axis in axes[1:])
    count = site.shape[0] * axes[0].places * beside
    cost, block = gathered(math.prod(site.shape), site.shape[-1]), _rows(axes, channels) * beside
    for others in every(*phases[1:]):
        depth = math.prod(len(one.taps) for one in others) * channels
        run = len(others[-1].taps if others else axes[0].reach) * channels
        cost += gathered(count * len(axes[0].reach) * depth, run) + Cost(rest=CALL * len(phases[0]))
        for first in phases[0]:
            cost += product(count, len(first.taps) * depth, site.shape[-1], block)
    return cost


@candidate("conv_transpose", "by phases", _cost)
def by_phases(site: Site) -> Call:
    """Bands of the result: for all phases of the other axes the windows, for all of the first one a product."""
    axes, kernel = axes_of(site), site.constants[1]
    phases = axes and _phases(axes)
    assert axes and phases and kernel is not None  # noqa: S101  (the cost is None then)
    batch, *sizes, channels = site.shape_of(0)
    filters, ones = site.shape[-1], (1,) * len(axes)
    reaches, places = tuple(len(axis.reach) for axis in axes), tuple(axis.places for axis in axes)
    conv = Convolution(batch, tuple(sizes), channels, reaches, places, filters, ones, ones, 1,
                       [axis.zeros for axis in axes])  # fmt: skip
    blocks = bands_of(site, axes, _rows(axes, channels))
    numbers = np.ndindex(*(axis.stride for axis in axes[1:]))
    groups = [
        ([phases[i][n].read for i, n in enumerate(number, 1)], list(_products(kernel, phases, number, site.alone)))
        for number in numbers
    ]

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            windows = neighbourhood(do, x, conv, places_of(block, axes), ones, reaches)
            here = windows.shape[: -len(axes) - 1]
            count = math.prod(here)
            values = do.scratch("phases", (*here, *(axis.stride for axis in axes), filters), x.dtype)
            results = values.reshape(count, axes[0].stride, -1, filters)
            for index, (read, products) in enumerate(groups):
                part = (..., slice(None), *read, slice(None))
                some = windows[part]
                columns = do.scratch("columns", some.shape, some.dtype)
                do(np.copyto, columns, some)
                rows = columns.reshape(count, -1)
                for number, (cut, weights) in enumerate(products):
                    multiply(do, rows[:, cut], weights, results[:, number, index], alone=site.alone)
            put(do, out, values)

        return work

    return in_blocks(site, blocks, prepare)


def _products(
    kernel: Array, phases: Sequence[Sequence[Phase]], number: Sequence[int], alone: bool
) -> Iterator[tuple[slice, Factor]]:
    """For each phase of the first axis, with phases `number` of the others: the columns that it reads, its weights."""
    *_, filters, channels = kernel.shape
    others = [phases[i][n].taps for i, n in enumerate(number, 1)]
    depth = math.prod(map(len, others)) * channels
    for first in phases[0]:
        taps = kernel[np.ix_(first.taps, *others)]
        weights = np.ascontiguousarray(np.moveaxis(taps, -1, -2).reshape(-1, filters))
        yield slice(first.read.start * depth, first.read.stop * depth), arranged(weights) if alone else weights
