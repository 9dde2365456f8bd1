"""Matrix products in pieces so small that BLAS computes each from where its factors lie.

For large products OpenBLAS first copies both factors into an order of its own, and fills up narrow ones: work that
pays the less, the fewer columns there are. For some processors it has other kernels besides, for products of at most
SMALL multiplications, which need none of that. A stack of such pieces is one call of NumPy.
"""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from . import blas
from .calls import Do

SMALL = 1_000_000
"""Multiplications of a product that OpenBLAS takes for small at most."""
LEAST = 12
"""Rows of a piece at least: with fewer, too much time goes into reading the weights again."""


def piece(rows: int, depth: int, width: int) -> int:
    """Return how many rows of a product make a piece: all, where cutting it does not pay."""
    most = SMALL // max(depth * width, 1)
    if rows <= most or most < LEAST or not blas.has_small_kernels():
        return rows
    return next((n for n in range(most, most // 2, -1) if rows % n == 0), most)


def multiply(do: Do, rows: Array, weights: Array, out: Array, *, alone: bool) -> None:
    """Compute rows (..., n, depth) times weights (..., depth, width) -> out (..., n, width).

    alone: whether BLAS keeps to one thread; else it shares large products among its own. Weights that lie column by
    column have no kernel for small products.
    """
    count, depth = rows.shape[-2:]
    fits = alone and out.dtype == np.float32 and weights.strides[-1] == weights.itemsize
    size = piece(count, depth, out.shape[-1]) if fits else count
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
