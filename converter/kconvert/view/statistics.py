"""Weights in a few numbers: mean, standard deviation, extremes, a histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kconvert_schemas.dtypes import Array

BINS = 24
BLOCK = 1 << 22
"""Elements that are looked at at a time, so that a large weight is not copied whole."""


@dataclass(frozen=True)
class Statistics:
    """Of the finite elements: mean, standard deviation, least and largest, how many in each of equal ranges between.

    odd: how many elements are NaN or infinite.
    """

    mean: float
    deviation: float
    least: float
    most: float
    counts: tuple[int, ...]
    odd: int


def statistics(weight: Array) -> Statistics | None:
    """Describe a weight of numbers; None for strings, and where no element is finite. Complex ones by their size."""
    if weight.dtype.kind not in "fiubc":
        return None
    count, total, odd, least, most = 0, 0.0, 0, np.inf, -np.inf
    for part, strange in map(_finite, _parts(weight)):
        odd += strange
        count += part.size
        total += float(part.sum())
        least, most = min(least, part.min(initial=np.inf)), max(most, part.max(initial=-np.inf))
    if not count:
        return None
    mean, squares, counts = total / count, 0.0, np.zeros(BINS, np.int64)
    for part, _ in map(_finite, _parts(weight)):
        squares += float(np.square(part - mean).sum())
        if most > least:
            place = ((part - least) / (most - least) * BINS).astype(np.int64)
            counts += np.bincount(np.minimum(place, BINS - 1), minlength=BINS)
    if most <= least:
        counts[BINS // 2] = count
    return Statistics(mean, float(np.sqrt(squares / count)), float(least), float(most), tuple(counts.tolist()), odd)


def _parts(weight: Array) -> list[Array]:
    flat = weight.reshape(-1)
    return [flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK)]


def _finite(part: Array) -> tuple[Array, int]:
    """Return the finite elements as float64, and how many there are besides."""
    numbers = np.abs(part).astype(np.float64) if part.dtype.kind == "c" else part.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    return finite, numbers.size - finite.size
