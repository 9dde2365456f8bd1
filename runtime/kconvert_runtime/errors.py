"""How far two arrays are apart."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

SMALLEST_SCALE = 1e-3


def relative_error(mine: Array, expected: Array) -> float:
    """Return the largest difference over the largest magnitude expected, |mine - expected| / max|expected|.

    Infinite for other shapes, and where strings, NaN or infinities are not those expected.
    """
    if mine.shape != expected.shape:
        return float("inf")
    if mine.size == 0:
        return 0.0
    if "O" in (mine.dtype.kind, expected.dtype.kind):
        return 0.0 if mine.tolist() == expected.tolist() else float("inf")
    wide = np.complex128 if "c" in (mine.dtype.kind, expected.dtype.kind) else np.float64
    a, b = mine.astype(wide), expected.astype(wide)
    finite = np.isfinite(b)
    if not np.array_equal(finite, np.isfinite(a)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    scale = max(float(np.abs(b[finite]).max(initial=0.0)), SMALLEST_SCALE)
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale
