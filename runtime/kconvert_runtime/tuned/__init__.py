"""Kernels chosen for known shapes, above the plain ones in `kconvert_runtime.kernels`."""

from . import (  # noqa: F401  (importing them registers their candidates)
    conv,
    depthwise,
    einsum,
    grouped,
    joining,
    matmul,
    moving,
    phases,
    pointwise,
    pooling,
    reduction,
    rowwise,
    transposed,
    upscaling,
    winograd,
)
