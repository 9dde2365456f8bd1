"""How far an array is from the one of Keras: absolute, relative, and in units in the last place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

SMALLEST_SCALE = 1e-3
INFINITE = float("inf")
BITS = {2: np.int16, 4: np.int32, 8: np.int64}


@dataclass(frozen=True, slots=True)
class Error:
    """Largest and mean differences; relative ones are over the largest magnitude that Keras gives.

    problem: why there are none to measure, such as other shapes; '' where there are.
    """

    max_absolute: float = 0.0
    mean_absolute: float = 0.0
    max_relative: float = 0.0
    mean_relative: float = 0.0
    max_ulp: float = 0.0
    mean_ulp: float = 0.0
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return plain data, in which what has no number is null."""
        return {key: None if value == INFINITE else value for key, value in asdict(self).items()}


def beyond_measure(problem: str) -> Error:
    """Return the error of what cannot be compared."""
    return Error(INFINITE, INFINITE, INFINITE, INFINITE, INFINITE, INFINITE, problem)


def measure(mine: Array, keras: Array, dtype: str) -> Error:
    """Compare the values of one tensor of type `dtype`; two empty ones are the same, whatever their other sizes.

    (TensorFlow gives some empty batches another shape than full ones, such as that of a convolution's input.)
    """
    if mine.ndim == keras.ndim and mine.size == keras.size == 0:
        return Error()
    problem = _mismatch(mine, keras)
    if problem:
        return beyond_measure(problem)
    if keras.dtype.kind == "O":
        return Error()
    finite = np.isfinite(keras)
    a, b = mine[finite], keras[finite]
    if a.size == 0:
        return Error()
    wide = np.complex128 if b.dtype.kind == "c" else np.float64
    difference = np.abs(a.astype(wide) - b.astype(wide))
    scale = max(float(np.abs(b.astype(wide)).max()), SMALLEST_SCALE)
    ulps = _ulps(a, b, dtype)
    most, mean = float(difference.max()), float(difference.mean())
    return Error(most, mean, most / scale, mean / scale, float(ulps.max()), float(ulps.mean()))


def _mismatch(mine: Array, keras: Array) -> str:
    if mine.shape != keras.shape:
        return f"shape {mine.shape}, Keras gives {keras.shape}"
    if keras.dtype.kind == "O" or mine.dtype.kind == "O":
        wrong = [pair for pair in zip(mine.ravel().tolist(), keras.ravel().tolist(), strict=True) if pair[0] != pair[1]]
        return f"{len(wrong)} strings differ, {wrong[0][0]!r:.40} for {wrong[0][1]!r:.40}" if wrong else ""
    if mine.dtype != keras.dtype:
        return f"{mine.dtype}, Keras gives {keras.dtype}"
    finite = np.isfinite(keras)
    if not np.array_equal(finite, np.isfinite(mine)):
        return "NaN or infinities where Keras has numbers, or numbers where it has those"
    if not np.array_equal(mine[~finite], keras[~finite], equal_nan=True):
        return "another infinity than Keras gives, or NaN in its place"
    return ""


def _ulps(a: Array, b: Array, dtype: str) -> Array:
    """How many numbers of the dtype lie between two; for whole numbers their distance."""
    if b.dtype.kind == "c":
        part = np.float64 if b.dtype.itemsize == 16 else np.float32
        a, b = (np.ascontiguousarray(v).view(part) for v in (a, b))
    if b.dtype.kind != "f":
        return np.abs(a.astype(np.float64) - b.astype(np.float64))
    steps = 2.0**16 if dtype == "bfloat16" else 1.0
    return np.abs(_place(a) - _place(b)) / steps


def _place(values: Array) -> Array:
    """Number the floats in their order, 0 at zero."""
    bits = np.ascontiguousarray(values).view(BITS[values.dtype.itemsize])
    lowest = np.iinfo(bits.dtype).min
    ordered = np.where(bits < 0, lowest - bits, bits)
    return ordered.astype(np.float64)
