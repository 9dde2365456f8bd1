"""Ops whose indices are data."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..registry import kernel

COMBINE = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


@kernel("argsort")
def argsort(x: Array, *, axis: int, descending: bool) -> Array:
    """Indices that sort x along axis, int32. Descending: the ascending order of x backwards, read backwards."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable").astype(np.int32)
    backwards = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return (x.shape[axis] - 1 - np.flip(backwards, axis)).astype(np.int32)


@kernel("take_along_axis")
def take_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """x at indices along axis; InputError for an index outside."""
    size = x.shape[axis]
    if indices.size and (indices.max() >= size or indices.min() < -size):
        worst = indices.max() if indices.max() >= size else indices.min()
        raise InputError(f"index {worst} is outside the {size} entries; expected {-size} to {size - 1}")
    return np.take_along_axis(x, indices.astype(np.intp), axis=axis)


@kernel("scatter")
def scatter(x: Array, indices: Array, updates: Array, *, reduction: str) -> Array:
    """x (n0, n1, ...) · indices (..., k) · updates (..., nk, ...): x[index] replaced or combined."""
    y = np.array(x, order="C")
    rows = indices.reshape(-1, indices.shape[-1])
    if rows.size and ((rows < 0).any() or (rows >= np.array(x.shape[: rows.shape[1]])).any()):
        raise InputError(f"an index is outside the shape {x.shape}")
    place = tuple(rows.T)
    values = updates.reshape(len(rows), *x.shape[rows.shape[1] :])
    if reduction == "set":
        y[place] = values
    else:
        COMBINE[reduction].at(y, place, values)
    return y


@kernel("searchsorted")
def searchsorted(sorted: Array, x: Array, *, side: str) -> Array:
    """Places of x in a sorted vector, int32."""
    return np.searchsorted(sorted, x, side=side).astype(np.int32)  # type: ignore[call-overload]


@kernel("argwhere")
def argwhere(x: Array) -> Array:
    """Indices (count, axes) of the elements that are not 0."""
    return np.argwhere(x).astype(np.int32).reshape(-1, x.ndim)


@kernel("unique")
def unique(x: Array, *, sorted: bool) -> tuple[Array, Array, Array, Array]:
    """Different rows of x (n, ...): values (k, ...), first places (k), which one each row is (n), counts (k)."""
    if sorted and x.dtype.kind == "f" and np.isnan(x).any():
        raise InputError("NaN has no place in a rising order")
    if x.ndim == 1:
        found = np.unique(x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False)
    else:
        found = np.unique(x, return_index=True, return_inverse=True, return_counts=True, axis=0, equal_nan=False)
    values, places, inverse, counts = found
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(places)
        values, places, counts = values[order], places[order], counts[order]
        inverse = np.argsort(order)[inverse]
    return values, places.astype(np.int32), inverse.astype(np.int32), counts.astype(np.int32)
