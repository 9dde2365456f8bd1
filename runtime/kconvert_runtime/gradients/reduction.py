"""Gradients of reductions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import vjp
from .sums import Gradients


def kept(g: Array, x: Array, axes: Sequence[int] | None) -> Array:
    """Return `g` (or an output) with axes of size 1 where `axes` of x were reduced."""
    gone = range(x.ndim) if axes is None else [axis % x.ndim for axis in axes]
    return g.reshape([1 if i in gone else size for i, size in enumerate(x.shape)])


@vjp("sum")
def sum_(g: Array, y: Array, x: Array, *, axes: list[int] | None, keepdims: bool) -> Gradients:
    """g everywhere."""
    return (np.broadcast_to(kept(g, x, axes), x.shape),)


@vjp("mean")
def mean(g: Array, y: Array, x: Array, *, axes: list[int] | None, keepdims: bool) -> Gradients:
    """g by the number of elements."""
    count = x.size // y.size if y.size else 1
    return (np.broadcast_to(kept(g, x, axes) / x.real.dtype.type(max(count, 1)), x.shape),)


@vjp("max")
def max_(g: Array, y: Array, x: Array, *, axes: list[int] | None, keepdims: bool) -> Gradients:
    """g, shared equally by all that are the largest, as TensorFlow has it."""
    hit = x == kept(y, x, axes)
    over = None if axes is None else tuple(axes)
    return ((hit * (kept(g, x, axes) / hit.sum(axis=over, keepdims=True).astype(x.dtype))).astype(x.dtype),)


vjp("min")(max_)


@vjp("prod")
def prod(g: Array, y: Array, x: Array, *, axes: list[int] | None, keepdims: bool) -> Gradients:
    """g times the product of all others, found without a division: x may hold zeros."""
    gone = tuple(range(x.ndim)) if axes is None else tuple(axis % x.ndim for axis in axes)
    ends = tuple(range(-len(gone), 0))
    moved = np.moveaxis(x, gone, ends)
    lead = moved.shape[: x.ndim - len(gone)]
    rows = moved.reshape(*lead, -1) if x.size else moved.reshape(*lead, *([0] if gone else [1]))
    others = _before(rows) * np.flip(_before(np.flip(rows, -1)), -1)
    back = np.moveaxis(others.reshape(moved.shape), ends, gone)
    return ((kept(g, x, axes) * np.conj(back)).astype(x.dtype, copy=False),)


def _before(rows: Array) -> Array:
    """The product of all elements before each, along the last axis."""
    result = np.ones_like(rows)
    np.cumprod(rows[..., :-1], axis=-1, out=result[..., 1:])
    return result


@vjp("cumsum")
def cumsum(g: Array, y: Array, x: Array, *, axis: int) -> Gradients:
    """The running sum of g from the end."""
    return (np.flip(np.cumsum(np.flip(g, axis), axis=axis, dtype=g.dtype), axis),)


@vjp("cumprod")
def cumprod(g: Array, y: Array, x: Array, *, axis: int) -> Gradients:
    """The product before i times s_i = g_i + x_(i+1) s_(i+1): no division, as x may hold zeros."""
    rows, s = np.conj(np.moveaxis(x, axis, -1)), np.moveaxis(g, axis, -1).copy()
    for i in range(rows.shape[-1] - 2, -1, -1):
        s[..., i] += rows[..., i + 1] * s[..., i + 1]
    return (np.moveaxis(_before(rows) * s, -1, axis),)
