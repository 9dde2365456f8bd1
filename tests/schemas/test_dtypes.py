"""Floats of 8 bits: their bits, how numbers are rounded to them, and how they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from kconvert_schemas.dtypes import FLOATS8, cast, float8_bits, float8_values, round_float8
from kconvert_schemas.graph import TensorType
from kconvert_schemas.npz import from_storage, to_storage


@pytest.mark.parametrize("dtype", FLOATS8)
def test_every_number_comes_back(dtype: str) -> None:
    values = float8_values(np.arange(256, dtype=np.uint8), dtype)
    numbers = ~np.isnan(values)
    np.testing.assert_array_equal(round_float8(values, dtype), values)
    np.testing.assert_array_equal(float8_bits(values, dtype)[numbers], np.arange(256)[numbers])
    stored = to_storage(values, dtype)
    np.testing.assert_array_equal(from_storage(stored, TensorType((256,), dtype), "w"), values)


@pytest.mark.parametrize(
    ("dtype", "given", "expected"),
    [
        ("float8_e4m3fn", [0.0, 2**-10, 3 * 2**-10, 17, 18, 19, 464], [0, 0, 2**-8, 16, 18, 20, 448]),
        ("float8_e4m3fn", [465, -500, np.inf, np.nan], [np.nan] * 4),
        ("float8_e5m2", [2**-17, 3 * 2**-17, 9, 11, 61439], [0, 2**-15, 8, 12, 57344]),
        ("float8_e5m2", [61440, -1e9, np.inf, np.nan], [np.inf, -np.inf, np.inf, np.nan]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("held", ["float32", "float64"])
def test_ties_go_to_even(dtype: str, given: list[float], expected: list[float], held: str) -> None:
    got = cast(np.array(given, held), dtype)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, np.array(expected, "float32"))


def test_a_tie_of_float64_is_not_rounded_twice() -> None:
    assert round_float8(np.array([np.nextafter(2.0**-10, 1)]), "float8_e4m3fn") == 2**-9
