"""The cost model: what work is expected to take, from constants measured on one machine. Only ratios matter."""

from __future__ import annotations

from dataclasses import dataclass

PRODUCT = 1 << 17
"""Elements that one block of a matrix product should touch: half a megabyte of float32."""
FLOPS = 9e10
"""Multiplications and additions a second of a matrix product on one core."""
CALL = 1e-6
"""Seconds that one call of NumPy takes besides its work."""
BYTES = 8e9
"""Bytes a second that are copied from one array to another."""
HANDOFF = 7e-5
"""Seconds until another thread has begun and the first knows that it has ended: cores fall asleep at once."""
SPINNING = 1.4
"""How much longer work takes that is shared while BLAS' threads spin, waiting for the next product."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on one core: of matrix products, which BLAS can spread over the cores by itself, and of all else."""

    products: float = 0.0
    rest: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.products + other.products, self.rest + other.rest)

    def alone(self, cores: int) -> float:
        """Seconds in one thread, with BLAS on so many cores."""
        return self.products / cores + self.rest

    def shared(self, cores: int) -> float:
        """Seconds when threads of ours share the work."""
        return (self.products + self.rest) / cores + HANDOFF


def product(rows: int, depth: int, width: int) -> Cost:
    """Cost of a matrix product (rows, depth) x (depth, width)."""
    return Cost(2.0 * rows * depth * width / FLOPS, CALL)


def copied(elements: int, passes: int = 1) -> Cost:
    """Cost of moving float32 elements, so many times."""
    return Cost(rest=CALL * passes + 4.0 * elements * passes / BYTES)
