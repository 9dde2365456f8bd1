"""NumPy kernels, a module for each family of the op table; importing this package registers them all."""

from . import (
    activation,
    convolution,
    elementwise,
    fourier,
    linalg,
    lookup,
    normalization,
    pooling,
    recurrent,
    reduction,
    resampling,
    selection,
    shape,
    special,
    text,
    transposed,
)

__all__ = [
    "activation",
    "convolution",
    "elementwise",
    "fourier",
    "linalg",
    "lookup",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "resampling",
    "selection",
    "shape",
    "special",
    "text",
    "transposed",
]
