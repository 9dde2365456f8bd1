"""Gradients of factors and inverses of matrices, over the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import vjp
from .sums import Gradients, fitted


@vjp("cholesky")
def cholesky(g: Array, y: Array, x: Array, *, nan: bool = False) -> Gradients:
    """Of the lower triangle of x, which alone is read: s + s^T below its diagonal, s = l^-T phi(l^T g) l^-1.

    phi keeps the lower triangle and halves its diagonal (Murray, 2016).
    """
    half = np.eye(x.shape[-1], dtype=x.dtype) / 2
    phi = np.tril(y.swapaxes(-1, -2) @ np.tril(g))
    phi = phi - phi * half
    upper = y.swapaxes(-1, -2)
    s = np.linalg.solve(upper, np.linalg.solve(upper, phi.swapaxes(-1, -2)).swapaxes(-1, -2))
    both = np.tril(s + s.swapaxes(-1, -2))
    return (both - both * half,)


@vjp("slogdet")
def slogdet(g: tuple[Array, Array], y: Any, x: Array) -> Gradients:
    """g x^-T for the logarithm; the sign has no gradient."""
    return (g[1][..., None, None] * np.linalg.inv(x).swapaxes(-1, -2),)


@vjp("solve")
def solve(g: Array, z: Array, x: Array, y: Array) -> Gradients:
    """For y: w with x^T w = g; for x: -w z^T."""
    w = np.linalg.solve(x.swapaxes(-1, -2), g)
    return fitted(-w @ z.swapaxes(-1, -2), x), fitted(w, y)
