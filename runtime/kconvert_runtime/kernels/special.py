"""Special functions beside `erf`."""

from __future__ import annotations

import math

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel
from .elementwise import erf
from .growth import in_pieces

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


@kernel("erfc")
@in_pieces
def erfc(x: Array) -> Array:
    """1 - erf(x), exact where that is close to 0."""
    return np.asarray(_erfc(x.astype(np.float64)) if x.size else x, x.dtype)


@kernel("erfinv")
@in_pieces
def erfinv(x: Array) -> Array:
    """The y with erf(y) = x: Winitzki's approximation, then Halley's method in float64.

    The distance to -1 or 1 is solved for through erfc, so that results near infinity keep their digits.
    """
    size = np.abs(x.astype(np.float64))
    inside = np.where(size < 1, size, 0.5)
    rest = 1 - inside
    log = np.log(rest * (1 + inside))
    half = 2 / (math.pi * 0.147) + log / 2
    y = np.sqrt(np.sqrt(half * half - log / 0.147) - half)
    for _ in range(3):
        gap = np.where(inside < 0.5, inside - erf(y), (_erfc(y) if y.size else y) - rest)
        slope = 2 / math.sqrt(math.pi) * np.exp(-y * y)
        y = y + gap / (slope - y * gap)
    y = np.where(size < 1, y, np.where(size == 1, np.inf, np.nan))
    return np.copysign(y, x).astype(x.dtype)


@kernel("i0")
@in_pieces
def i0(x: Array) -> Array:
    """Modified Bessel function of the first kind, order 0."""
    return np.asarray(np.i0(x), x.dtype)
