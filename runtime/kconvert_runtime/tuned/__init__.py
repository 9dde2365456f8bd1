"""Kernels chosen for known shapes, above the plain ones in `kconvert_runtime.kernels`."""

from . import (  # noqa: F401  (importing them registers their candidates)
    conv,
    depthwise,
    depthwise_winograd,
    einsum,
    grouped,
    joining,
    lines,
    matmul,
    moving,
    phases,
    pointwise,
    pooling,
    reduction,
    rowwise,
    taps,
    transposed,
    upscaling,
    winograd,
)
