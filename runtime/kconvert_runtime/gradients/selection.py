"""Gradients of ops whose indices are data."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import vjp
from .sums import Gradients, fitted, summed_rows


@vjp("take_along_axis")
def take_along_axis(g: Array, y: Array, x: Array, indices: Array, *, axis: int) -> Gradients:
    """The sum of g over all places that read an element of x."""
    axis = axis % x.ndim
    lead = tuple(size for i, size in enumerate(g.shape) if i != axis)
    rows, size = int(np.prod(lead)), x.shape[axis]
    chosen = np.moveaxis(np.broadcast_to(indices, g.shape), axis, -1).reshape(rows, -1).astype(np.intp) % max(size, 1)
    places = (np.arange(rows)[:, None] * size + chosen).reshape(-1)
    total = summed_rows(np.moveaxis(g, axis, -1).reshape(-1), places, rows * size)
    return fitted(np.moveaxis(total.reshape(*lead, size), -1, axis), x), None


@vjp("scatter")
def scatter(g: Array, y: Array, x: Array, indices: Array, updates: Array, *, reduction: str) -> Gradients:
    """set: g to the update that stands there, else to x; add: to all; mul: times the others; max, min: to the hits."""
    rows = indices.reshape(-1, indices.shape[-1])
    place = tuple(rows.T)
    values = updates.reshape(len(rows), *x.shape[rows.shape[1] :])
    by_x, by_values = _REDUCTIONS[reduction](g, y, x, place, values)
    return by_x, None, by_values.reshape(updates.shape)


Pair = tuple[Array, Array]
Place = tuple[Array, ...]


def _set(g: Array, y: Array, x: Array, place: Place, values: Array) -> Pair:
    """Only the last of several updates of one place counts."""
    numbers = np.arange(len(values))
    last = np.full(x.shape[: len(place)], -1)
    last[place] = numbers
    by_x = g.copy()
    by_x[place] = 0
    counts = (last[place] == numbers).reshape(-1, *[1] * (values.ndim - 1))
    return by_x, np.where(counts, g[place], 0).astype(values.dtype)


def _add(g: Array, y: Array, x: Array, place: Place, values: Array) -> Pair:
    return g, g[place]


def _mul(g: Array, y: Array, x: Array, place: Place, values: Array) -> Pair:
    """g times all other factors, with zeros counted apart."""
    zeros = (x == 0).astype(np.intp)
    np.add.at(zeros, place, values == 0)
    product = np.where(x == 0, 1, x)
    np.multiply.at(product, place, np.where(values == 0, 1, values))

    def others(g: Array, factor: Array, zeros: Array, product: Array) -> Array:
        rest = np.where(factor == 0, product, product / np.where(factor == 0, 1, factor))
        return np.asarray(np.where(zeros - (factor == 0) > 0, 0, g * np.conj(rest)), x.dtype)

    return others(g, x, zeros, product), others(g[place], values, zeros[place], product[place])


def _extreme(g: Array, y: Array, x: Array, place: Place, values: Array) -> Pair:
    """Equal shares for all that reach the result, as TensorFlow has it."""
    kept, reached = x == y, values == y[place]
    count = kept.astype(x.dtype)
    np.add.at(count, place, reached)
    share = g / np.maximum(count, 1)
    return np.where(kept, share, 0).astype(x.dtype), np.where(reached, share[place], 0).astype(x.dtype)


_REDUCTIONS = {"set": _set, "add": _add, "mul": _mul, "max": _extreme, "min": _extreme}


@vjp("bincount")
def bincount(
    g: Array, y: Array, x: Array, weights: Array | None = None, *, minlength: int, maxlength: int | None,
    binary: bool, dtype: str,
) -> Gradients:  # fmt: skip
    """For a weight, g at the number that it counts for; 0 for numbers that are left out."""
    if weights is None:
        return None, None
    found = np.take_along_axis(g, np.minimum(x, max(y.shape[-1] - 1, 0)), -1) if y.shape[-1] else np.zeros_like(weights)
    return None, np.where(x < y.shape[-1], found, 0).astype(weights.dtype)
