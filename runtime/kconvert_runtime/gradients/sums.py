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
    if x.ndim == 1 and g.shape[-1:] == x.shape and g.dtype.kind == "f" and g.flags.c_contiguous:
        rows = g.reshape(-1, g.shape[-1]) if x.size else g.reshape(0, 0)
        return typed(np.ones(len(rows), g.dtype) @ rows, x)
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
        add = _short_runs if rows[0].size >= WIDE else _runs
        total[ranked[starts]] = add(rows[order], starts)
    return total


WIDE = 16
"""Elements of a row from which on reduceat takes longer than a call for each."""
SHORT = 8
"""Rows of a run up to which all such runs are summed at once, row by row."""


def _runs(rows: Array, starts: Array) -> Array:
    return np.asarray(np.add.reduceat(rows, starts, axis=0))


def _short_runs(rows: Array, starts: Array) -> Array:
    """The sums of runs, most of which are short: the first rows of all, then the second rows ..., long ones alone."""
    lengths = np.diff(starts, append=len(rows))
    sums = rows[starts]
    for number in range(1, min(int(lengths.max()), SHORT)):
        longer = np.flatnonzero((lengths > number) & (lengths <= SHORT))
        sums[longer] += rows[starts[longer] + number]
    for i in np.flatnonzero(lengths > SHORT).tolist():
        sums[i] = rows[starts[i] : starts[i] + lengths[i]].sum(axis=0)
    return sums


def summed_at(g: Array, indices: Array, size: int, axis: int) -> Array:
    """Return the gradient of x (`size` along `axis`) for g, that of x.take(indices, axis)."""
    axis = axis % (g.ndim - indices.ndim + 1)
    moved = np.moveaxis(g, range(axis, axis + indices.ndim), range(indices.ndim))
    rows = moved.reshape(indices.size, *moved.shape[indices.ndim :])
    total = summed_rows(rows, indices.reshape(-1).astype(np.intp) % max(size, 1), size)
    return np.moveaxis(total, 0, axis)
