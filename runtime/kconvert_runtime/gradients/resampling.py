"""Gradients of resampling: the transpose of the weights along each axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.resampling import taps
from ..registry import vjp
from .sums import Gradients


@vjp("resize")
def resize(
    g: Array, y: Array, x: Array, *, size: list[Any], interpolation: str, antialias: bool, data_format: str
) -> Gradients:
    """Each axis in turn: every sample gets what the places that read it got, by their weights."""
    first = 1 if data_format == "channels_last" else 2
    scale = np.float32(1)
    for axis in range(first, first + x.ndim - 2):
        length = y.shape[axis]
        indices, weights = taps(x.shape[axis], length, interpolation, antialias)
        matrix = np.zeros((length, x.shape[axis]), x.dtype)
        np.add.at(matrix, (np.arange(length)[:, None], indices), weights.astype(x.dtype))
        scale *= np.float32(x.shape[axis]) / np.float32(length)
        g = np.moveaxis(np.moveaxis(g, axis, -1) @ matrix, -1, axis)
    return (g * x.dtype.type(1 / scale) if interpolation == "area" else g,)
