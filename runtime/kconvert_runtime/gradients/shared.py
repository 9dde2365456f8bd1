"""Work of gradients that the cores share, in parts that are fixed, so that sums come out the same every time."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise

import numpy as np

from kconvert_schemas.dtypes import Array

from .. import blas
from ..parallel import for_each, workers

WORTH = 1 << 18
"""Elements written (or four multiplications each) from which on a second thread pays."""


def parts(count: int, work: float) -> list[slice]:
    """Cut `count` rows into a part for each core; one part for little work, or where BLAS has the cores."""
    cores = min(workers(), count) if blas.alone() and work >= WORTH else 1
    bounds = [count * i // cores for i in range(cores + 1)] if cores else [0, count]
    return [slice(a, b) for a, b in pairwise(bounds)]


def each_part(count: int, work: float, function: Callable[[slice], object]) -> None:
    """Call a function on each part of `count` rows."""
    for_each(function, parts(count, work))


def summed(count: int, work: float, function: Callable[[slice], Array]) -> Array:
    """Return the sum of what a function gives for each part, in their order."""
    pieces = parts(count, work)
    found: list[Array] = [np.empty(0)] * len(pieces)

    def run(i: int) -> None:
        found[i] = function(pieces[i])

    for_each(run, range(len(pieces)))
    return reduce(np.add, found)


Tail = Callable[[Array], None]
"""What is done in place to rows of a result, while they are in the cache."""


def product(a: Array, b: Array, tail: Tail | None = None) -> Array:
    """Return the matrix product a b of two matrices, rows of a shared."""
    y = np.empty((a.shape[0], b.shape[1]), np.result_type(a, b))

    def run(part: slice) -> None:
        np.matmul(a[part], b, out=y[part])
        if tail is not None:
            tail(y[part])

    each_part(len(a), a.size * b.shape[1] / 16, run)
    return y


def gram(a: Array, b: Array) -> Array:
    """Return a^T b for two matrices with the same long first axis: the columns of a are shared."""
    y = np.empty((a.shape[1], b.shape[1]), np.result_type(a, b))

    def run(part: slice) -> None:
        np.matmul(a[:, part].T, b, out=y[part])

    each_part(a.shape[1], a.size * b.shape[1] / 16, run)
    return y
