"""Gradients of products of matrices and tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.linalg import einsum as product
from ..kernels.linalg import matmul as multiplied
from ..registry import pair, vjp
from .shared import Tail, gram
from .shared import product as product_of
from .sums import Gradients, fitted


@vjp("matmul")
def matmul(g: Array, z: Array, x: Array, y: Array) -> Gradients:
    """g y^T, x^T g; an input of one axis is a row (x) or a column (y)."""
    left, right = (x[None] if x.ndim == 1 else x), (y[:, None] if y.ndim == 1 else y)
    g = np.expand_dims(g, ((-1,) if y.ndim == 1 else ()) + ((-2,) if x.ndim == 1 and y.ndim > 1 else ()))
    g = g[None] if x.ndim == 1 and y.ndim == 1 else g
    by_left = multiplied(g, np.conj(right.swapaxes(-1, -2)))
    if right.ndim == 2 and left.ndim > 2:  # one product, whatever the rank
        by_right = np.conj(left.reshape(-1, left.shape[-1]).T) @ g.reshape(-1, g.shape[-1])
    else:
        by_right = multiplied(np.conj(left.swapaxes(-1, -2)), g)
    return fitted(by_left, left).reshape(x.shape), fitted(by_right, right).reshape(y.shape)


class Product:
    """The product of x (..., n) with a matrix (n, m)."""

    def __init__(self, x: Array, matrix: Array) -> None:
        self._rows = np.ascontiguousarray(x).reshape(math.prod(x.shape[:-1]), x.shape[-1])
        self._matrix, self._shape = matrix, x.shape

    def forward(self, tail: Tail | None = None) -> Array:
        """Return the product, and do `tail` to it."""
        return product_of(self._rows, self._matrix, tail).reshape(*self._shape[:-1], self._matrix.shape[1])

    def back(self, g: Array, wanted: Sequence[bool]) -> Gradients:
        """Return g m^T and x^T g, where they are wanted."""
        rows = np.ascontiguousarray(g).reshape(len(self._rows), self._matrix.shape[1])
        by_x = product_of(rows, self._matrix.T).reshape(self._shape) if wanted[0] else None
        return by_x, gram(self._rows, rows) if wanted[1] else None


@pair("matmul")
def matmul_pair(wanted: Sequence[bool], x: Array, y: Array) -> tuple[Array, Callable[[Array], Gradients]]:
    """As kernel and VJP; rows are shared where y is one matrix."""
    if x.ndim < 2 or y.ndim != 2 or x.dtype.kind != "f" or y.dtype != x.dtype:
        z = multiplied(x, y)
        return z, lambda g: matmul(g, z, x, y)
    made = Product(x, y)
    return made.forward(), lambda g: made.back(g, wanted)


@vjp("einsum")
def einsum(g: Array, y: Array, *xs: Array, equation: str) -> Gradients:
    """For each input, g times the others, summed over what it does not have."""
    left, _, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    return tuple(_by_input(i, g, result, terms, xs) for i in range(len(xs)))


def _by_input(i: int, g: Array, result: str, terms: list[str], xs: tuple[Array, ...]) -> Array:
    x, labels = xs[i], "".join(dict.fromkeys(terms[i]))
    others = [(term, np.conj(other)) for term, other in zip(terms, xs, strict=True)]
    factors = [(result, g), *others[:i], *others[i + 1 :]]
    known = set("".join(term for term, _ in factors))
    kept = "".join(label for label in labels if label in known)
    found = product(*(array for _, array in factors), equation=f"{','.join(t for t, _ in factors)}->{kept}")
    found = found.reshape([found.shape[kept.index(label)] if label in kept else 1 for label in labels])
    sizes: dict[str, int] = dict(zip(terms[i], x.shape, strict=True))
    full = [sizes[label] if found.shape[axis] == 1 else int(found.shape[axis]) for axis, label in enumerate(labels)]
    whole = np.broadcast_to(found, full)
    if labels == terms[i]:
        return fitted(whole, x)
    total = np.zeros_like(x)  # a label that stands twice reads a diagonal
    np.einsum(f"{terms[i]}->{labels}", total)[...] = whole
    return total
