"""Matrix products in pieces so small that BLAS computes each from where its factors lie.

For large products OpenBLAS first copies both factors into an order of its own, and fills up narrow ones: work that
pays the less, the fewer rows or columns there are. For some processors it has other kernels besides, for products of at
most SMALL multiplications, which need none of that. A stack of such pieces is one call of NumPy: pieces of rows, and of
the columns of weights that have been arranged for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from . import blas
from .calls import Do

SMALL = 1_000_000
"""Multiplications of a product that OpenBLAS takes for small at most."""
LEAST = 12
"""Rows of a piece with all columns at least: with fewer, too much time goes into reading the weights again."""
WHOLE = 28
"""Rows of a piece with all columns from which on they are better left together."""
COLUMNS = {64: 10, 32: 6}
"""Columns of a piece, the more the better, and how many rows it has to have at least."""
WIDE, AT_ONCE = 64, (4, 6)
"""Columns that the kernels take together, and rows that they take at once: of so many columns, and of fewer."""
PAIR, SINGLE = 3.5, 3.0
"""How many rows take as long as two, or one, that are left over then."""
BEGUN, APART = 15_000, 100_000
"""Multiplications that take as long as beginning with another piece, or with the rows that make no whole piece."""
TRIED = 48
"""Sizes of pieces that are compared."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Weights (..., depth, width), those of a piece lying together.

    even: (..., pieces, depth, columns). rest: the columns that are too few for a piece, (..., depth, columns); None
    where there are none. least: rows of a piece.
    """

    even: Array
    rest: Array | None
    least: int

    def __getitem__(self, index: int) -> Columns:
        """Return those at one place of the first axis."""
        return Columns(self.even[index], None if self.rest is None else self.rest[index], self.least)


Factor: TypeAlias = "Array | Columns"
"""The weights of a product."""


def small(rows: int, depth: int, width: int) -> bool:
    """Return whether BLAS computes a product from where its factors lie, in one thread."""
    return blas.has_small_kernels() and rows * depth * width <= SMALL


def columns(depth: int, width: int) -> int:
    """Return how many columns of weights make a piece: all, where it does not pay to cut them."""
    if not blas.has_small_kernels() or WHOLE * depth * width <= SMALL:
        return width
    return next((n for n, least in COLUMNS.items() if n < width and least * depth * n <= SMALL), width)


def arranged(weights: Array) -> Factor:
    """Return weights (..., depth, width) as `multiply` is fastest with them: a copy, where pieces lie apart in them."""
    *_, depth, width = weights.shape
    size = columns(depth, width)
    if weights.dtype != np.float32 or not blas.has_small_kernels():
        return weights
    if size == width:
        return np.ascontiguousarray(weights) if depth * width <= SMALL else weights
    even = width - width % size
    pieces = weights[..., :even].reshape(*weights.shape[:-1], -1, size).swapaxes(-2, -3)
    rest = np.ascontiguousarray(weights[..., even:]) if even < width else None
    return Columns(np.ascontiguousarray(pieces), rest, COLUMNS[size])


def piece(rows: int, depth: int, width: int, least: int | None = None) -> int:
    """Return how many rows of a product make a piece: all, where cutting it does not pay."""
    most = SMALL // max(depth * width, 1)
    if rows <= most or most < (LEAST if least is None else least) or not blas.has_small_kernels():
        return rows
    return _size(rows, depth, width, most)


@cache
def _size(rows: int, depth: int, width: int, most: int) -> int:
    """Return how many rows of at most so many take the least time, in as many pieces as there are, and the rest."""

    def time(size: int) -> float:
        count, rest = divmod(rows, size)
        return count * (BEGUN + depth * _counted(size, width)) + (APART + depth * _counted(rest, width) if rest else 0)

    return min(range(most, max(most // 2, most - TRIED), -1), key=time)


def _counted(rows: int, width: int) -> float:
    """Return how many elements of a result so large take as long, of one whose rows and columns fit the kernels."""
    narrow = width % WIDE
    return (width - narrow) * _as_rows(rows, AT_ONCE[0]) + narrow * _as_rows(rows, AT_ONCE[1])


def _as_rows(rows: int, at_once: int) -> float:
    rest = rows % at_once
    return rows - rest + rest // 2 * PAIR + rest % 2 * SINGLE


def multiply(do: Do, rows: Array, weights: Factor, out: Array, *, alone: bool) -> None:
    """Compute rows (..., n, depth) times weights (..., depth, width) -> out (..., n, width).

    alone: whether BLAS keeps to one thread; else it shares large products among its own, and only `Columns` are still
    multiplied in pieces. Weights that lie column by column have no kernel for small products.
    """
    if isinstance(weights, Columns):
        count, _, size = weights.even.shape[-3:]
        each = out[..., : count * size]
        each = each.reshape(*out.shape[:-1], count, size).swapaxes(-2, -3)
        _by_rows(do, rows[..., None, :, :], weights.even, each, weights.least)
        if weights.rest is not None:
            _by_rows(do, rows, weights.rest, out[..., count * size :], weights.least)
    elif alone and out.dtype == np.float32 and weights.strides[-1] == weights.itemsize:
        _by_rows(do, rows, weights, out, None)
    else:
        do(np.matmul, rows, weights, out=out)


def _by_rows(do: Do, rows: Array, weights: Array, out: Array, least: int | None) -> None:
    count, depth = rows.shape[-2:]
    size = piece(count, depth, out.shape[-1], least)
    if size == count:
        do(np.matmul, rows, weights, out=out)
        return
    even = count - count % size
    each = weights[..., None, :, :] if weights.ndim > 2 else weights
    do(np.matmul, _cut(rows, even, size), each, out=_cut(out, even, size))
    if even < count:
        do(np.matmul, rows[..., even:, :], weights, out=out[..., even:, :])


def _cut(rows: Array, count: int, size: int) -> Array:
    """View the first `count` rows as a stack (..., pieces, size, width)."""
    some = rows[..., :count, :]
    return some.reshape(*some.shape[:-2], -1, size, some.shape[-1])
