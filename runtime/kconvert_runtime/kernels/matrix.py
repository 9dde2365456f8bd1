"""Factors and inverses of matrices, by LAPACK through NumPy."""

from __future__ import annotations

import contextlib

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel


@kernel("cholesky")
def cholesky(x: Array, *, nan: bool = False) -> Array:
    """The lower triangle l with l l^T = x.

    A matrix that is not positive definite has none: ValueError (LinAlgError), or NaN.
    """
    if not nan:
        return np.linalg.cholesky(x)
    y = np.full_like(x, np.nan)
    for index in np.ndindex(*x.shape[:-2]):
        with contextlib.suppress(np.linalg.LinAlgError):
            y[index] = np.linalg.cholesky(x[index])
    return y


@kernel("qr")
def qr(x: Array, *, full: bool) -> tuple[Array, ...]:
    """q with orthonormal columns, r upper triangular."""
    q, r = np.linalg.qr(x, mode="complete" if full else "reduced")
    return q, r


@kernel("svd")
def svd(x: Array, *, full: bool) -> tuple[Array, ...]:
    """x = u diag(s) vh."""
    u, s, vh = np.linalg.svd(x, full_matrices=full)
    return u, s, vh


@kernel("slogdet")
def slogdet(x: Array) -> tuple[Array, ...]:
    """Sign of the determinant, and logarithm of its size."""
    sign, log = np.linalg.slogdet(x)
    return np.asarray(sign, x.dtype), np.asarray(log, x.dtype)


@kernel("solve")
def solve(x: Array, y: Array) -> Array:
    """z with x z = y."""
    return np.linalg.solve(x, y)
