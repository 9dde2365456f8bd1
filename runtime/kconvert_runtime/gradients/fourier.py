"""Gradients of complex numbers: g is such that dL is the real part of the sum of conj(g) dx."""

from __future__ import annotations

from math import prod

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.fourier import fft as transform
from ..registry import vjp
from .sums import Gradients, fitted


@vjp("complex")
def complex_(g: Array, z: Array, real: Array, imag: Array) -> Gradients:
    """The parts of g."""
    return fitted(g.real, real), fitted(g.imag, imag)


@vjp("real")
def real(g: Array, y: Array, x: Array) -> Gradients:
    """g as complex numbers."""
    return (g.astype(x.dtype),)


@vjp("imag")
def imag(g: Array, y: Array, x: Array) -> Gradients:
    """i g."""
    return ((1j * g).astype(x.dtype),)


@vjp("fft")
def fft(g: Array, y: Array, x: Array, *, axes: list[int], inverse: bool) -> Gradients:
    """The other transform, with the factor that makes it the adjoint."""
    count = np.asarray(prod(x.shape[axis] for axis in axes), g.real.dtype)
    back = transform(g, axes=axes, inverse=not inverse)
    return ((back / count if inverse else back * count).astype(x.dtype, copy=False),)
