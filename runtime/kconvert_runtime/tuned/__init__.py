"""Kernels chosen for known shapes, above the plain ones in `kconvert_runtime.kernels`."""

from . import conv, depthwise, einsum, joining, matmul, pointwise, pooling, rowwise, winograd  # noqa: F401  (importing them registers their candidates)
