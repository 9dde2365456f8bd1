"""Sums that many gradients need: over axes that were broadcast, and over equal indices."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

Gradients: TypeAlias = tuple[Any, ...]
"""One gradient (an Array) or None for each input."""


def fitted(g: Array, x: Array) -> Array:
    """Return the gradient `g` of `x` broadcast, summed to the shape and brought to the dtype of `x`."""
    extra = g.ndim - x.ndim
    axes = tuple(i for i in range(g.ndim) if i < extra or (x.shape[i - extra] == 1 and g.shape[i] != 1))
    total = g.sum(axis=axes, keepdims=True, dtype=g.dtype) if axes else g
    return typed(total.reshape(x.shape), x)


def typed(g: Array, x: Array) -> Array:
    """Return `g` in the dtype of `x`; the real part where x is real."""
    if g.dtype.kind == "c" and x.dtype.kind != "c":
        g = g.real
    return g.astype(x.dtype, copy=False)


def flat_where_0(g: Array, product: Array) -> Array:
    """Return `product`, g times a slope, with 0 where g is 0, however steep the slope is there."""
    return np.where(g == 0, product.dtype.type(0), product)


def summed_rows(rows: Array, places: Array, count: int) -> Array:
    """Return (count, ...) with rows[i] (n, ...) added at places[i]: sorted and summed run by run.

    Much faster than np.add.at, and only the rows that are there cost anything.
    """
    total = np.zeros((count, *rows.shape[1:]), rows.dtype)
    if places.size and total.size:
        order = np.argsort(places, kind="stable")
        ranked = places[order]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        total[ranked[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return total


def summed_at(g: Array, indices: Array, size: int, axis: int) -> Array:
    """Return the gradient of x (`size` along `axis`) for g, that of x.take(indices, axis)."""
    axis = axis % (g.ndim - indices.ndim + 1)
    moved = np.moveaxis(g, range(axis, axis + indices.ndim), range(indices.ndim))
    rows = moved.reshape(indices.size, *moved.shape[indices.ndim :])
    total = summed_rows(rows, indices.reshape(-1).astype(np.intp) % max(size, 1), size)
    return np.moveaxis(total, 0, axis)
