"""Normalisation, and layers that are the identity when running."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.ops.normalization import TRAINING_ONLY

from ..registry import KERNELS, kernel


@kernel("batch_norm")
def batch_norm(
    x: Array, mean: Array, variance: Array, scale: Array | None = None, offset: Array | None = None, *,
    axis: int, epsilon: float, momentum: float,
) -> Array:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) scale + offset, as one multiplication and one addition along axis."""
    shape = [1] * x.ndim
    shape[axis] = -1
    factor = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    if scale is not None:
        factor = factor * scale
    shift = -mean * factor if offset is None else offset - mean * factor
    return x * factor.reshape(shape) + shift.reshape(shape)


@kernel("layer_norm")
def layer_norm(
    x: Array, scale: Array | None = None, offset: Array | None = None, *, axes: list[int], epsilon: float
) -> Array:
    """x less its mean over axes, by sqrt(variance + epsilon), times scale, plus offset.

    In the order of Keras, x factor + (offset - mean factor), which shows where x is large.
    """
    over = tuple(sorted(axis % x.ndim for axis in axes))
    shape = [x.shape[i] if i in over else 1 for i in range(x.ndim)]
    count = math.prod(x.shape[i] for i in over) or 1
    mean = x.sum(axis=over, keepdims=True) / x.dtype.type(count)
    variance = np.square(x - mean).sum(axis=over, keepdims=True) / x.dtype.type(count)
    factor = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    if scale is not None:
        factor = factor * scale.reshape(shape)
    shift = -mean * factor if offset is None else offset.reshape(shape) - mean * factor
    return x * factor + shift


def _identity(x: Array, **attrs: Any) -> Array:
    return x


IDENTITIES = (*TRAINING_ONLY, "stop_gradient")
KERNELS.update(dict.fromkeys(IDENTITIES, _identity))
