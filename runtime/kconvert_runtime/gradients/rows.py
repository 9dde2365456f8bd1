"""The gradient of a table that rows are taken from: a row for each that was read, not yet summed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from .sums import summed_rows


class RowsGradient:
    """places (n): the numbers of the rows that were read. rows (n, ...): their gradients. count: rows of the table."""

    def __init__(self, places: Array, rows: Array, count: int) -> None:
        self.places, self.rows, self.count = places, rows, count

    def __add__(self, other: RowsGradient | Array) -> RowsGradient | Array:
        if isinstance(other, RowsGradient):
            places, rows = (np.concatenate(pair) for pair in ((self.places, other.places), (self.rows, other.rows)))
            return RowsGradient(places, rows, self.count)
        return self.sum() + other

    __radd__ = __add__
    __array_ufunc__ = None  # so that array + self comes here

    def sum(self) -> Array:
        """Return the gradient of the whole table."""
        return summed_rows(self.rows, self.places, self.count)

    def each(self, function: Callable[[Array], Array]) -> RowsGradient:
        """Return the gradient with a function of its elements applied to each row that was read, before any sum."""
        return RowsGradient(self.places, function(self.rows), self.count)

    def ordered(self) -> RowsGradient:
        """Return the same, rows in the order of their places."""
        order = np.argsort(self.places, kind="stable")
        return RowsGradient(self.places[order], self.rows[order], self.count)

    def within(self, part: slice) -> RowsGradient:
        """Return the gradient of a part of the table; rows must be ordered."""
        start, stop = np.searchsorted(self.places, (part.start, part.stop)).tolist()
        return RowsGradient(self.places[start:stop] - part.start, self.rows[start:stop], part.stop - part.start)


Gradient: TypeAlias = "Array | RowsGradient"


def dense(g: Any) -> Any:
    """Return a gradient as an array; None stays."""
    return g.sum() if isinstance(g, RowsGradient) else g


def parts_of_rows(g: Gradient) -> Callable[[slice], Gradient]:
    """Return a function that gives a part of a gradient along its first axis."""
    return g.ordered().within if isinstance(g, RowsGradient) else g.__getitem__
