"""Complex numbers and Fourier transforms."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel


@kernel("complex")
def complex_(real: Array, imag: Array) -> Array:
    """Complex numbers from their parts."""
    y = np.empty(np.broadcast_shapes(real.shape, imag.shape), np.result_type(real, np.complex64))
    y.real, y.imag = real, imag
    return y


@kernel("real")
def real(x: Array) -> Array:
    """The real part."""
    return np.ascontiguousarray(x.real).reshape(x.shape)


@kernel("imag")
def imag(x: Array) -> Array:
    """The imaginary part."""
    return np.ascontiguousarray(x.imag).reshape(x.shape)


@kernel("fft")
def fft(x: Array, *, axes: list[int], inverse: bool) -> Array:
    """Discrete Fourier transform over axes."""
    if x.size == 0:
        return x
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=axes).astype(x.dtype, copy=False)
