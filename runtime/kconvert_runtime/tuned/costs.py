"""The cost model: what work is expected to take, from constants measured on one machine. Only ratios matter."""

from __future__ import annotations

from dataclasses import dataclass

from ..parallel import workers
from ..products import columns, piece, small

PRODUCT = 1 << 19
"""Elements that one block of a matrix product should touch: two megabytes of float32."""
FLOPS = 1.1e11
"""Multiplications and additions a second of a matrix product on one core, in pieces that BLAS takes as they are."""
ARRANGED, ARRANGING = 1.04e11, 9e-11
"""The same of one that BLAS arranges first, in columns by LANES, and seconds for each element of the rows that are."""
LANES, EDGE = 16, 4
"""Columns that are multiplied at once, and as how many more they count if some are left over, in pieces."""
PACKING = 7e-10
"""Seconds for each weight that BLAS reads, from memory, and puts in order before it multiplies."""
READING = 2e-10
"""Seconds for each weight that is only read from memory."""
FEW, FEW_COPIED = 512, 256
"""Rows of a product above which threads share it by rows in any case, as columns that lie apart are slow to write; and
where each thread has to copy all rows first."""
CALL = 1e-6
"""Seconds that one call of NumPy takes besides its work."""
BYTES = 8e9
"""Bytes a second that are copied from one array to another."""
RUN, RUSH = 8e-9, 3e10
"""Seconds that each row takes that is copied from one place in an array to another, and bytes a second within it."""
HANDOFF = 1.5e-4
"""Seconds until another thread has begun and the first knows that it has ended: cores fall asleep at once."""
MEETING = 3e-5
"""Seconds that a step takes longer whose work is shared: the thread that is done first waits, and falls asleep."""
CROSSING = 4e-5
"""Seconds that it takes longer to share work by columns: whoever reads some rows then has to wait for all threads."""
CROWDED = 1.15
"""How much longer work takes that is shared, as threads wait for the interpreter's lock between calls of NumPy."""
SPREAD = 1.25
"""How much longer a product takes on all cores than its share of one core's time: BLAS' threads wait for each other."""
SPINNING = 1.4
"""How much longer work takes that is shared while BLAS' threads spin, waiting for the next product."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on one core: of matrix products, which BLAS can spread over the cores by itself, and of all else.

    packing: of putting weights in order for a product, which each thread of ours has to do anew. arranging: how much
    longer the products take where BLAS uses several threads, as they are not cut into pieces then.
    """

    products: float = 0.0
    rest: float = 0.0
    packing: float = 0.0
    arranging: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.products + other.products, self.rest + other.rest, self.packing + other.packing,
                    self.arranging + other.arranging)  # fmt: skip

    def __mul__(self, times: float) -> Cost:
        return Cost(self.products * times, self.rest * times, self.packing * times, self.arranging * times)

    def alone(self, cores: int) -> float:
        """Seconds in one thread, with BLAS on so many cores."""
        if cores == 1:
            return self.products + self.packing + self.rest
        return (self.products + self.arranging + self.packing) * SPREAD / cores + self.rest

    def shared(self, cores: int) -> float:
        """Seconds when threads of ours share the work, in a plan that has set them going."""
        return CROWDED * (self.products + self.rest) / cores + self.packing + MEETING


def across(cores: int, weights: Cost, rows: Cost = Cost()) -> Cost:
    """Cost of work that is shared by the columns of its result: of weights each thread reads a part, but all the rows.

    weights: of the products. rows: of what is done to the rows before, by each of so many threads.
    """
    products = weights.products + weights.packing
    return Cost(products, weights.rest + (rows.rest + CROSSING) * cores, arranging=weights.arranging)


def product(rows: int, depth: int, width: int, block: int | None = None, *, fixed: bool = True) -> Cost:
    """Cost of a matrix product (rows, depth) x (depth, width), in blocks of so many rows.

    fixed: whether the second matrix are weights, which can be arranged.
    """
    blocks = -(-rows // block) if block else 1
    weights, each = depth * width, min(rows, block or rows)
    counted = width + (EDGE if width % LANES else 0)
    work, reading = 2.0 * rows * depth * counted / FLOPS, (blocks - 1) * weights * 4.0 / RUSH
    if small(each, depth, width):
        return Cost(work + reading, CALL * blocks, weights * READING, work * (workers() / SPREAD - 1))
    large = rows * depth * (2.0 * -(-width // LANES) * LANES / ARRANGED + ARRANGING)
    if piece(each, depth, width) == each and not (fixed and rows > 1 and columns(depth, width) < width):
        packing = weights * PACKING
        return Cost(large, CALL, packing) if blocks == 1 else Cost(large + blocks * packing, CALL * blocks)
    return Cost(work + reading, CALL * blocks, weights * READING, large + blocks * weights * PACKING - work)


def copied(elements: int, passes: int = 1) -> Cost:
    """Cost of moving float32 elements, so many times."""
    return Cost(rest=CALL * passes + 4.0 * elements * passes / BYTES)


def gathered(elements: int, run: int) -> Cost:
    """Cost of copying float32 elements of which so many lie side by side, as those of a window do along a row."""
    return Cost(rest=CALL + elements * (RUN / max(run, 1) + 4.0 / RUSH))
