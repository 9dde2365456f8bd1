"""Gradients of normalisation, as it runs: batch_norm by its stored mean and variance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.ops.normalization import TRAINING_ONLY

from ..registry import vjp
from .sums import Gradients


@vjp("batch_norm")
def batch_norm(
    g: Array, y: Array, x: Array, mean: Array, variance: Array, scale: Array | None = None,
    offset: Array | None = None, *, axis: int, epsilon: float, momentum: float,
) -> Gradients:  # fmt: skip
    """With r = 1 / sqrt(variance + epsilon): g r scale, and the sums that belong to each channel."""
    shape = [1] * x.ndim
    shape[axis] = -1
    over = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    r = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    factor = r if scale is None else r * scale
    total = g.sum(axis=over)
    weighted = (g * (x - mean.reshape(shape))).sum(axis=over)
    by_scale = None if scale is None else weighted * r
    by_offset = None if offset is None else total
    by_variance = -weighted * factor * r * r / 2
    return g * factor.reshape(shape), -total * factor, by_variance, by_scale, by_offset


@vjp("layer_norm")
def layer_norm(
    g: Array, y: Array, x: Array, scale: Array | None = None, offset: Array | None = None, *,
    axes: list[int], epsilon: float,
) -> Gradients:  # fmt: skip
    """With n the normalised x: (h - mean of h - n mean of h n) / deviation, h = g scale."""
    over = tuple(sorted(axis % x.ndim for axis in axes))
    rest = tuple(i for i in range(x.ndim) if i not in over)
    shape = [x.shape[i] if i in over else 1 for i in range(x.ndim)]
    count = x.dtype.type(math.prod(x.shape[i] for i in over) or 1)
    centred = x - x.sum(axis=over, keepdims=True) / count
    variance = np.square(centred).sum(axis=over, keepdims=True) / count
    r = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    n = centred * r
    h = g if scale is None else g * scale.reshape(shape)
    means = h.sum(axis=over, keepdims=True) / count, (h * n).sum(axis=over, keepdims=True) / count
    by_scale = None if scale is None else (g * n).sum(axis=rest)
    by_offset = None if offset is None else g.sum(axis=rest)
    return r * (h - means[0] - n * means[1]), by_scale, by_offset


def _identity(g: Array, y: Array, x: Array, **attrs: Any) -> Gradients:
    return (g,)


for _op in TRAINING_ONLY:
    vjp(_op)(_identity)
