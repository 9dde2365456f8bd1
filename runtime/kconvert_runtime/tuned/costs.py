"""The cost model: what work is expected to take, from constants measured on one machine. Only ratios matter."""

from __future__ import annotations

PRODUCT = 1 << 17
"""Elements that one block of a matrix product should touch: half a megabyte of float32."""
FLOPS = 9e10
"""Multiplications and additions a second of a matrix product on one core."""
CALL = 1e-6
"""Seconds that one call of NumPy takes besides its work."""
BYTES = 8e9
"""Bytes a second that are copied from one array to another."""


def product(rows: int, depth: int, width: int) -> float:
    """Seconds of a matrix product (rows, depth) x (depth, width)."""
    return CALL + 2.0 * rows * depth * width / FLOPS


def copied(elements: int, passes: int = 1) -> float:
    """Seconds to move float32 elements, so many times."""
    return CALL * passes + 4.0 * elements * passes / BYTES
