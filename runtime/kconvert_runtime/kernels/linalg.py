"""Products of matrices and tensors."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel


@kernel("matmul")
def matmul(x: Array, y: Array) -> Array:
    """x (..., n, k) y (..., k, m) -> (..., n, m). A matrix y is multiplied in one product whatever x's rank."""
    if x.ndim > 2 and y.ndim == 2:
        rows = x.reshape(-1, x.shape[-1]) if x.size else x.reshape(0, x.shape[-1])
        return np.matmul(rows, y).reshape(*x.shape[:-1], y.shape[-1])
    return np.matmul(x, y)


@kernel("einsum")
def einsum(*xs: Array, equation: str) -> Array:
    """Einstein's summation, contracted pair by pair through matrix products."""
    return np.asarray(np.einsum(equation, *xs, optimize=len(xs) > 1))
