"""Products of matrices and tensors."""

from __future__ import annotations

from math import prod

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel


@kernel("matmul")
def matmul(x: Array, y: Array) -> Array:
    """x (..., n, k) y (..., k, m) -> (..., n, m). A matrix y is multiplied in one product whatever x's rank."""
    if x.ndim > 2 and y.ndim == 2:
        rows = x.reshape(prod(x.shape[:-1]), x.shape[-1])
        return _multiplied(rows, y).reshape(*x.shape[:-1], y.shape[-1])
    return _multiplied(x, y)


def _multiplied(x: Array, y: Array) -> Array:
    """np.matmul, which is slow for whole numbers: as floats where every partial sum is a whole number they hold."""
    if x.dtype.kind not in "iu" or not x.size or not y.size:
        return np.matmul(x, y)
    bound = _largest(x) * _largest(y) * x.shape[-1]
    for exact, limit in ((np.float32, 2**24), (np.float64, 2**53)):
        if bound <= limit:
            return np.matmul(x.astype(exact), y.astype(exact)).astype(np.int64).astype(x.dtype)
    return np.matmul(x, y)


def _largest(x: Array) -> int:
    return max(-int(x.min()), int(x.max()))


@kernel("einsum")
def einsum(*xs: Array, equation: str) -> Array:
    """Einstein's summation, pair by pair from the left, each pair as one (batched) matrix product."""
    left, _, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    sizes: dict[str, set[int]] = {}
    for term, x in zip(terms, xs, strict=True):
        for label, size in zip(term, x.shape, strict=True):
            sizes.setdefault(label, set()).add(size)
    plain = all(len(set(term)) == len(term) for term in terms) and all(len(found) == 1 for found in sizes.values())
    if not plain or len(xs) < 2:
        return np.asarray(np.einsum(equation, *xs, optimize=len(xs) > 2))
    y, term = xs[0], terms[0]
    for i in range(1, len(xs)):
        later = set(result).union(*terms[i + 1 :])
        both = "".join(dict.fromkeys(term + terms[i]))
        kept = result if i == len(xs) - 1 else "".join(label for label in both if label in later)
        y, term = _product(y, xs[i], term, terms[i], kept), kept
    return y


def _product(x: Array, y: Array, left: str, right: str, result: str) -> Array:
    """Multiply two tensors whose axes are labelled, and sum over the labels that are not in `result`."""
    x, left = _summed(x, left, right + result)
    y, right = _summed(y, right, left + result)
    batch = [label for label in left if label in right and label in result]
    inner = [label for label in left if label in right and label not in result]
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    size = dict(zip(left + right, x.shape + y.shape, strict=True))
    shared, n, k, m = (tuple(size[label] for label in group) for group in (batch, rows, inner, columns))
    a = x.transpose([left.index(label) for label in (*batch, *rows, *inner)]).reshape(*shared, prod(n), prod(k))
    b = y.transpose([right.index(label) for label in (*batch, *inner, *columns)]).reshape(*shared, prod(k), prod(m))
    order = [*batch, *rows, *columns]
    product = _multiplied(a, b).reshape((*shared, *n, *m))
    return product.transpose([order.index(label) for label in result])


def _summed(x: Array, labels: str, wanted: str) -> tuple[Array, str]:
    """Sum over the axes whose labels nothing else wants."""
    gone = tuple(axis for axis, label in enumerate(labels) if label not in wanted)
    if not gone:
        return x, labels
    return x.sum(axis=gone, dtype=x.dtype), "".join(label for label in labels if label in wanted)
