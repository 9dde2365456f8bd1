"""Convolutions as products of matrices, block by block and on all cores: forward, back to x, back to the kernel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.windows import Pads, blocks, padded, patches, within
from ..scratch import scratch
from .shared import Tail, each_part, summed

COLUMNS = 1 << 18
"""Elements of a matrix of windows that is held at a time by one thread: 1 MB of float32, which stays in the cache."""
SHORT = 12
"""Elements side by side in a window below which copying it is slow."""
Index = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over x (batch, spatial..., channels): their places, sizes, strides and dilations, groups, zeros around x.

    A kernel is (windows..., channels / groups, filters), y (batch, places..., filters).
    """

    places: tuple[int, ...]
    windows: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1
    pads: Pads = field(default_factory=list)

    def correlate(self, x: Array, kernel: Array, tail: Tail | None = None) -> Array:
        """Return y: the windows of x times the kernel, with `tail` done to it."""
        weights = kernel.reshape(-1, self.groups, kernel.shape[-1] // self.groups).swapaxes(0, 1)
        y = np.empty((len(x), *self.places, kernel.shape[-1]), x.dtype)

        def run(part: slice) -> None:
            view, results = self._view(x[part]), y[part]
            for block in self._blocks(results, kernel.size // kernel.shape[-1]):
                out = results[block]
                np.matmul(self._columns(view[block]), weights, out=self._rows(out))
                if tail is not None:
                    tail(out)

        each_part(len(x), y.size * len(weights[0]) / 16, run)
        return y

    def by_kernel(self, x: Array, g: Array, kernel: Array) -> Array:
        """Return the gradient of the kernel for g, that of y: the windows of x times g."""
        depth, filters = kernel.size // kernel.shape[-1], kernel.shape[-1] // self.groups

        def run(part: slice) -> Array:
            view, given = self._view(x[part]), g[part]
            sums = np.zeros((self.groups, depth, filters), x.dtype)
            for block in self._blocks(given, depth):
                sums += self._columns(view[block]).swapaxes(-1, -2) @ self._rows(np.ascontiguousarray(given[block]))
            return sums

        return summed(len(x), g.size * depth / 16, run).swapaxes(0, 1).reshape(kernel.shape)

    def spread(self, g: Array, kernel: Array, sizes: Sequence[int]) -> Array:
        """Return the gradient of x, with these spatial sizes: what an element of g gives to each tap of its window."""
        taps, channels = math.prod(self.windows), kernel.shape[-2] * self.groups
        weights = kernel.reshape(taps, kernel.shape[-2], self.groups, -1).transpose(0, 2, 3, 1)
        weights = np.ascontiguousarray(weights)  # (taps, groups, filters / groups, channels / groups)
        whole = [size + sum(pad) for size, pad in zip(sizes, self.pads or [(0, 0)] * len(sizes), strict=True)]
        padded_x = np.zeros((len(g), *whole, channels), g.dtype)

        def run(part: slice) -> None:
            given, by_x = g[part], padded_x[part]
            for block in self._blocks(given, taps * kernel.shape[-2]):
                rows = self._rows(np.ascontiguousarray(given[block]))
                spread = scratch("spread", (*weights.shape[:2], rows.shape[1], weights.shape[-1]), g.dtype)
                np.matmul(rows, weights, out=spread)
                for tap, index in zip(spread, np.ndindex(*self.windows), strict=True):
                    there = by_x[self._reached(block, index, given[block].shape)]
                    there += tap.swapaxes(0, 1).reshape(there.shape)

        each_part(len(g), g.size * taps * kernel.shape[-2] / 16, run)
        starts = [pad[0] for pad in self.pads] or [0] * len(sizes)
        return padded_x[within([slice(start, start + size) for start, size in zip(starts, sizes, strict=True)])]

    def _view(self, x: Array) -> Array:
        return patches(padded(x, self.pads), self.windows, self.strides, self.dilations)

    def _reached(self, block: Index, index: tuple[int, ...], shape: tuple[int, ...]) -> Index:
        """Return which elements of x one tap of the windows of a block reads."""
        first = [part.start for part in block[1:]] + [0] * (len(self.windows) + 1 - len(block))
        steps = zip(first, shape[1:-1], index, self.strides, self.dilations, strict=True)
        starts = [(i * s + k * d, (n - 1) * s + 1, s) for i, n, k, s, d in steps]
        return (block[0], *(slice(start, start + span, stride) for start, span, stride in starts))

    def _blocks(self, y: Array, depth: int) -> Iterator[Index]:
        """Cut results into blocks of places."""
        return blocks(y.shape[:-1], depth * self.groups, COLUMNS)

    def _rows(self, y: Array) -> Array:
        """Return a block of results, which is contiguous, as a matrix (places, filters / groups) for each group."""
        return y.reshape(y.size // y.shape[-1], self.groups, y.shape[-1] // self.groups).swapaxes(0, 1)

    def _columns(self, view: Array) -> Array:
        """Copy windows (batch, places..., windows..., channels) to a matrix (places, depth) for each group."""
        rank = len(self.windows)
        count = math.prod(view.shape[: rank + 1])
        if self.groups > 1:
            split = view.reshape(*view.shape[:-1], self.groups, view.shape[-1] // self.groups)
            return np.moveaxis(split, -2, 0).reshape(self.groups, count, -1)
        turned = self.windows[-1] * view.shape[-1] <= SHORT < view.shape[rank]
        if turned:  # column by column: what is copied in one go is a row of places, not of a window
            view = np.moveaxis(view, range(rank + 1), range(-rank - 1, 0))
        columns = scratch("columns", view.shape, view.dtype)
        np.copyto(columns, view)
        return columns.reshape(1, -1, count).swapaxes(1, 2) if turned else columns.reshape(1, count, -1)
