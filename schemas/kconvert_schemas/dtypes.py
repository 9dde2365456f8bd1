"""The dtypes of values, and how each is held in NumPy.

NumPy has no bfloat16: such values are held as float32 arrays that contain only bfloat16 numbers
(rounded to nearest even after every op), and are stored in bundles as their upper 16 bits. Nor has it
the floats of 8 bits: they are held as float32 too, and stored as their bits; only `cast` makes them.
Strings are held as object arrays of `str`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # numpy.typing takes longer to import than all of this package

FLOATS = ("float16", "bfloat16", "float32", "float64")
FLOATS8 = {"float8_e4m3fn": (3, -6, 448.0), "float8_e5m2": (2, -14, 57344.0)}
"""Bits of the fraction, least exponent of numbers that are not subnormal, and largest finite number."""
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = SIGNED + UNSIGNED
COMPLEXES = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *FLOATS, *FLOATS8, *COMPLEXES, "string")
HALVES = ("float16", "bfloat16")
NUMERIC = INTEGERS + FLOATS + COMPLEXES


def holder(dtype: str) -> np.dtype[Any]:
    """Return the NumPy dtype that holds values of kconvert's `dtype` in memory."""
    return np.dtype("float32" if dtype in FLOATS8 else {"bfloat16": "float32", "string": "object"}.get(dtype, dtype))


def round_bfloat16(x: Array) -> Array:
    """Round float32 `x` to the nearest bfloat16 (ties to even), still held as float32; NaN stays NaN."""
    bits = np.asarray(x, np.float32, order="C").view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32)).astype(np.float32, copy=False)


def round_float8(x: Array, dtype: str) -> Array:
    """Round `x` to the nearest float of 8 bits (ties to even), held as float32.

    What is too large becomes NaN in e4m3fn, which has no infinities, and infinite in e5m2.
    """
    bits, least, largest = FLOATS8[dtype]
    wide = x if x.dtype == np.float64 else x.astype(np.float32)
    step = np.ldexp(wide.dtype.type(1), np.maximum(np.frexp(wide)[1] - 1, least) - bits)
    rounded = np.rint(wide / step) * step
    beyond = np.copysign(np.inf, wide) if dtype == "float8_e5m2" else np.nan
    return np.where(np.abs(rounded) > largest, beyond, rounded).astype(np.float32, copy=False)


def float8_bits(x: Array, dtype: str) -> Array:
    """Return the bits of values that `round_float8` made."""
    codes = np.searchsorted(_float8_numbers(dtype), np.abs(x))
    codes = np.where(np.isnan(x), 0x7F, codes)
    return (codes | (np.signbit(x).astype(np.int64) << 7)).astype(np.uint8)


def float8_values(bits: Array, dtype: str) -> Array:
    """Return what bits mean, held as float32."""
    numbers = _float8_numbers(dtype)
    padded = np.concatenate([numbers, np.full(128 - numbers.size, np.nan, np.float32)])
    return np.where(bits >> 7, -padded[bits & 0x7F], padded[bits & 0x7F]).astype(np.float32, copy=False)


def _float8_numbers(dtype: str) -> Array:
    """Return the numbers from 0 up, infinity included, at their codes."""
    bits, least, largest = FLOATS8[dtype]
    codes = np.arange(128)
    exponent, fraction = codes >> bits, codes & ((1 << bits) - 1)
    normal = exponent > 0
    numbers = np.ldexp(fraction + (normal << bits), np.where(normal, exponent - 1, 0) + least - bits)
    infinite = [] if dtype == "float8_e4m3fn" else [np.inf]
    return np.array([*numbers[numbers <= largest], *infinite], np.float32)


def cast(x: Array, dtype: str) -> Array:
    """Convert the array `x` to kconvert's `dtype`; returns `x` itself where it already is."""
    if dtype == "string":
        return x if x.dtype == object else x.astype(str).astype(object)
    if x.dtype.kind == "c" and dtype not in ("bool", *COMPLEXES):
        x = x.real  # the real part, as TensorFlow; NumPy would warn
    if dtype == "bfloat16":
        return round_bfloat16(x.astype(np.float32, copy=False))
    if dtype in FLOATS8:
        return round_float8(x, dtype)
    return x.astype(dtype, copy=False)
