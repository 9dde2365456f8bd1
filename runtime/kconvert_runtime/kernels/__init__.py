"""NumPy kernels, a module for each family of the op table; importing this package registers them all."""

from . import (
    activation,
    convolution,
    elementwise,
    linalg,
    lookup,
    normalization,
    recurrent,
    reduction,
    shape,
    text,
)

__all__ = [
    "activation",
    "convolution",
    "elementwise",
    "linalg",
    "lookup",
    "normalization",
    "recurrent",
    "reduction",
    "shape",
    "text",
]
