"""Comparing arrays, with messages that say which output differs and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..structures import flatten

SMALLEST_SCALE = 1e-3


def require(holds: bool, message: str) -> None:
    """Raise AssertionError with `message` unless `holds`."""
    if not holds:
        raise AssertionError(message)


def arrays_of(value: Any) -> list[Array]:
    """Return the leaves of a nest as arrays."""
    return [np.asarray(leaf) for leaf in flatten(value)]


def assert_close(got: Any, expected: Any, tolerance: float, what: str) -> None:
    """Fail unless two nests hold arrays of the same shapes, and values within `tolerance` (`relative_error`)."""
    mine, theirs = arrays_of(got), arrays_of(expected)
    require(len(mine) == len(theirs), f"{what}: {len(mine)} outputs, expected {len(theirs)}")
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        where = what if len(mine) == 1 else f"{what}, output {i}"
        require(a.shape == b.shape, f"{where}: shape {a.shape}, expected {b.shape}")
        if b.dtype.kind in "OSU":
            require(
                a.tolist() == b.tolist(), f"{where}: strings differ: {a.tolist()!r:.200}, expected {b.tolist()!r:.200}"
            )
            continue
        error = relative_error(a, b)
        require(error <= tolerance, f"{where}: error {error:.2e}, allowed {tolerance:.0e}\ngot      {a}\nexpected {b}")


def relative_error(a: Array, b: Array) -> float:
    """Largest difference over the largest magnitude of b; infinite where NaN or infinities do not match."""
    wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    a, b = a.astype(wide), b.astype(wide)
    finite = np.isfinite(b)
    if not np.array_equal(finite, np.isfinite(a)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    scale = max(float(np.abs(b[finite]).max(initial=0.0)), SMALLEST_SCALE)
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale
