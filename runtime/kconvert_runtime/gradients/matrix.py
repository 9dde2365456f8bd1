"""Gradients of factors and inverses of matrices, over the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..registry import vjp
from .sums import Gradients, fitted


@vjp("cholesky")
def cholesky(g: Array, y: Array, x: Array, *, nan: bool = False) -> Gradients:
    """(s + s^T) / 2 for s = l^-T phi(l^T g) l^-1: for changes of x that leave it symmetric, as TensorFlow has it.

    phi keeps the lower triangle and halves its diagonal (Murray, 2016).
    """
    half = np.eye(x.shape[-1], dtype=x.dtype) / 2
    phi = np.tril(y.swapaxes(-1, -2) @ np.tril(g))
    phi = phi - phi * half
    upper = y.swapaxes(-1, -2)
    s = np.linalg.solve(upper, np.linalg.solve(upper, phi.swapaxes(-1, -2)).swapaxes(-1, -2))
    return ((s + s.swapaxes(-1, -2)) / 2,)


@vjp("qr")
def qr(g: tuple[Array, Array], y: tuple[Array, Array], x: Array, *, full: bool) -> Gradients:
    """Of x = q r: (g_q + q s) r^-T, s symmetric with the lower triangle of r g_r^T - g_q^T q (Walter et al., 2010).

    A wide x is a square matrix and columns q^T x beside it. The columns of q that a tall x leaves open have no
    gradient: InputError.
    """
    (by_q, by_r), (q, r), rows = g, y, x.shape[-2]
    if full and rows > x.shape[-1]:
        raise InputError("the whole factors of a tall matrix have no gradient")
    width = min(rows, x.shape[-1])
    rest, by_rest = x[..., width:], by_r[..., width:]
    by_q = by_q + rest @ by_rest.swapaxes(-1, -2)
    r, by_r = r[..., :width], by_r[..., :width]
    lower = np.tril(r @ np.triu(by_r).swapaxes(-1, -2) - by_q.swapaxes(-1, -2) @ q)
    s = lower + np.tril(lower, -1).swapaxes(-1, -2)
    square = np.linalg.solve(r, (by_q + q @ s).swapaxes(-1, -2)).swapaxes(-1, -2)
    return (np.concatenate([square, q @ by_rest], axis=-1),)


@vjp("slogdet")
def slogdet(g: tuple[Array, Array], y: Any, x: Array) -> Gradients:
    """g x^-T for the logarithm; the sign has no gradient."""
    return (g[1][..., None, None] * np.linalg.inv(x).swapaxes(-1, -2),)


@vjp("solve")
def solve(g: Array, z: Array, x: Array, y: Array) -> Gradients:
    """For y: w with x^T w = g; for x: -w z^T."""
    w = np.linalg.solve(x.swapaxes(-1, -2), g)
    return fitted(-w @ z.swapaxes(-1, -2), x), fitted(w, y)
