"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import KERNELS, kernel


def _reduction(reduce: Callable[..., Any]) -> Callable[..., Array]:
    def run(x: Array, *, axes: list[int] | None, keepdims: bool) -> Array:
        return np.asarray(reduce(x, axis=None if axes is None else tuple(axes), keepdims=keepdims))

    return run


def _summing(reduce: Callable[..., Any]) -> Callable[..., Array]:
    """Like `_reduction`, for functions that NumPy would widen small integers in."""

    def run(x: Array, *, axes: list[int] | None, keepdims: bool) -> Array:
        return np.asarray(reduce(x, axis=None if axes is None else tuple(axes), keepdims=keepdims, dtype=x.dtype))

    return run


KERNELS.update({name: _summing(getattr(np, name)) for name in ("sum", "mean", "prod")})
KERNELS.update({name: _reduction(getattr(np, name)) for name in ("max", "min", "any", "all")})


@kernel("argmax")
def argmax(x: Array, *, axis: int, keepdims: bool) -> Array:
    """Index of the first largest along axis, int32."""
    return np.argmax(x, axis=axis, keepdims=keepdims).astype(np.int32)


@kernel("argmin")
def argmin(x: Array, *, axis: int, keepdims: bool) -> Array:
    """Index of the first smallest along axis, int32."""
    return np.argmin(x, axis=axis, keepdims=keepdims).astype(np.int32)


@kernel("cumsum")
def cumsum(x: Array, *, axis: int) -> Array:
    """Running sum along axis."""
    return np.cumsum(x, axis=axis, dtype=x.dtype)
