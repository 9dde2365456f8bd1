"""The dtypes of values, and how each is held in NumPy.

NumPy has no bfloat16: such values are held as float32 arrays that contain only bfloat16 numbers
(rounded to nearest even after every op), and are stored in bundles as their upper 16 bits.
Strings are held as object arrays of `str`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FLOATS = ("float16", "bfloat16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = SIGNED + UNSIGNED
COMPLEXES = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *FLOATS, *COMPLEXES, "string")
HALVES = ("float16", "bfloat16")
NUMERIC = INTEGERS + FLOATS + COMPLEXES


def holder(dtype: str) -> np.dtype[Any]:
    """Return the NumPy dtype that holds values of kconvert's `dtype` in memory."""
    return np.dtype({"bfloat16": "float32", "string": "object"}.get(dtype, dtype))


def round_bfloat16(x: Array) -> Array:
    """Round float32 `x` to the nearest bfloat16 (ties to even), still held as float32; NaN stays NaN."""
    bits = np.asarray(x, np.float32, order="C").view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32)).astype(np.float32, copy=False)


def cast(x: Array, dtype: str) -> Array:
    """Convert the array `x` to kconvert's `dtype`; returns `x` itself where it already is."""
    if dtype == "string":
        return x if x.dtype == object else x.astype(str).astype(object)
    if x.dtype.kind == "c" and dtype not in ("bool", *COMPLEXES):
        x = x.real  # the real part, as TensorFlow; NumPy would warn
    if dtype == "bfloat16":
        return round_bfloat16(x.astype(np.float32, copy=False))
    return x.astype(dtype, copy=False)
