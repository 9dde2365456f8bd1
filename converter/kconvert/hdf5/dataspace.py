"""Dataspaces: the shape of a dataset or an attribute."""

from __future__ import annotations

from .errors import HDF5Error
from .source import Cursor

RANK_LIMIT = 32
NULL = 2


def read_shape(cursor: Cursor) -> tuple[int, ...] | None:
    """Return the shape; () for a single value, None when there are no values at all (a null dataspace)."""
    return read_extent(cursor)[0]


def read_extent(cursor: Cursor) -> tuple[tuple[int, ...] | None, tuple[int | None, ...]]:
    """Return the shape, and the shape that the dataset may grow to; None for an axis that may grow for ever."""
    version = cursor.version(1, 2)
    rank, flags = cursor.uint(1), cursor.uint(1)
    kind = cursor.uint(1)
    if version == 1:
        cursor.skip(4)
        kind = 0 if rank == 0 else 1
    if kind > NULL or (kind != 1 and rank) or rank > RANK_LIMIT:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has the kind {kind} and the rank {rank}")
    if kind == NULL:
        return None, ()
    shape = tuple(cursor.length() for _ in range(rank))
    largest: tuple[int | None, ...] = shape
    if flags & 1:
        unlimited = (1 << 8 * cursor.source.length_size) - 1
        largest = tuple(None if n == unlimited else n for n in (cursor.length() for _ in shape))
    if any(most is not None and most < n for n, most in zip(shape, largest, strict=True)):
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} is larger than it may become")
    return shape, largest
