"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import KERNELS, kernel


def _over(axes: list[int] | None) -> tuple[int, ...] | None:
    return None if axes is None else tuple(axes)


def _summing(reduce: Callable[..., Any]) -> Callable[..., Array]:
    """Keep the dtype, where NumPy would widen small integers."""

    def run(x: Array, *, axes: list[int] | None, keepdims: bool) -> Array:
        return np.asarray(reduce(x, axis=_over(axes), keepdims=keepdims, dtype=x.dtype))

    return run


def _logical(reduce: Callable[..., Any]) -> Callable[..., Array]:
    def run(x: Array, *, axes: list[int] | None, keepdims: bool) -> Array:
        return np.asarray(reduce(x, axis=_over(axes), keepdims=keepdims))

    return run


KERNELS.update({name: _summing(getattr(np, name)) for name in ("sum", "prod")})
KERNELS.update({name: _logical(getattr(np, name)) for name in ("any", "all")})


@kernel("mean")
def mean(x: Array, *, axes: list[int] | None, keepdims: bool) -> Array:
    """Arithmetic mean over axes; NaN of nothing."""
    total = np.asarray(x.sum(axis=_over(axes), keepdims=keepdims, dtype=x.dtype))
    count = prod(x.shape if axes is None else [x.shape[axis] for axis in axes])
    return np.asarray(total / x.dtype.type(count))


@kernel("max")
def max_(x: Array, *, axes: list[int] | None, keepdims: bool) -> Array:
    """Largest over axes; of nothing the smallest number there is, as TensorFlow has it."""
    start = {"initial": _bounds(x)[0]} if x.size == 0 else {}
    return np.asarray(np.max(x, axis=_over(axes), keepdims=keepdims, **start))


@kernel("min")
def min_(x: Array, *, axes: list[int] | None, keepdims: bool) -> Array:
    """Smallest over axes; of nothing the largest number there is."""
    start = {"initial": _bounds(x)[1]} if x.size == 0 else {}
    return np.asarray(np.min(x, axis=_over(axes), keepdims=keepdims, **start))


def _bounds(x: Array) -> tuple[Any, Any]:
    if x.dtype.kind == "f":
        return -np.inf, np.inf
    return np.iinfo(x.dtype).min, np.iinfo(x.dtype).max


@kernel("argmax")
def argmax(x: Array, *, axis: int, keepdims: bool) -> Array:
    """Index of the first largest along axis, int32."""
    return np.argmax(_ordered(x, -np.inf), axis=axis, keepdims=keepdims).astype(np.int32)


@kernel("argmin")
def argmin(x: Array, *, axis: int, keepdims: bool) -> Array:
    """Index of the first smallest along axis, int32."""
    return np.argmin(_ordered(x, np.inf), axis=axis, keepdims=keepdims).astype(np.int32)


def _ordered(x: Array, nan: float) -> Array:
    """x with `nan` for NaN, and -0.0 just below 0.0."""
    if x.dtype.kind != "f":
        return x
    x = np.where(np.isnan(x), x.dtype.type(nan), x) if np.isnan(x).any() else x
    below = (x == 0) & np.signbit(x)
    return np.where(below, -np.finfo(x.dtype).tiny, x) if below.any() else x


@kernel("cumsum")
def cumsum(x: Array, *, axis: int) -> Array:
    """Running sum along axis."""
    return np.cumsum(x, axis=axis, dtype=x.dtype)


@kernel("cumprod")
def cumprod(x: Array, *, axis: int) -> Array:
    """Running product along axis."""
    return np.cumprod(x, axis=axis, dtype=x.dtype)
