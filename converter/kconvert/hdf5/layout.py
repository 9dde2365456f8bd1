"""Data layouts: where the values of a dataset stand."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import HDF5Error
from .source import Cursor

COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = 0, 1, 2, 3
BTREE_1, SINGLE, IMPLICIT, FIXED, EXTENSIBLE, BTREE_2 = 0, 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Layout:
    """How values are stored.

    compact: the values stand in `data`. contiguous: `size` bytes at `address`. chunked: `index` at `address` says
    where chunks of the shape `chunk` stand; `single` is the size and the filter mask of the only chunk;
    partial_unfiltered: chunks that stick out of the dataset have passed no filter.
    """

    kind: int
    address: int | None = None
    size: int | None = None
    data: memoryview | None = None
    chunk: tuple[int, ...] = ()
    index: int = BTREE_1
    single: tuple[int, int] | None = None
    partial_unfiltered: bool = False


def read_layout(cursor: Cursor) -> Layout:
    """Return a layout of version 1 to 5; HDF5Error for virtual datasets."""
    version = cursor.version(1, 2, 3, 4, 5)
    if version < 3:
        return _old(cursor)
    kind = cursor.uint(1)
    if kind == COMPACT:
        return Layout(kind, data=cursor.take(cursor.uint(2)))
    if kind == CONTIGUOUS:
        return Layout(kind, cursor.address(), cursor.length())
    if kind == CHUNKED:
        return _chunked_3(cursor) if version == 3 else _chunked_4(cursor)
    if kind == VIRTUAL:
        raise HDF5Error("it takes its values from other datasets (a virtual dataset); it is not read")
    raise HDF5Error(f"{cursor.what} at byte {cursor.start} has the unknown kind {kind}")


def _old(cursor: Cursor) -> Layout:
    """Versions 1 and 2, of HDF5 before 1.6."""
    rank, kind = cursor.uint(1), cursor.uint(1)
    cursor.skip(5)
    address = None if kind == COMPACT else cursor.address()
    sizes = tuple(cursor.uint(4) for _ in range(rank))
    if kind == COMPACT:
        return Layout(kind, data=cursor.take(cursor.uint(4)))
    if kind == CONTIGUOUS:
        return Layout(kind, address)
    if kind == CHUNKED:
        return Layout(kind, address, chunk=_whole(cursor, sizes[:-1]))
    raise HDF5Error(f"{cursor.what} at byte {cursor.start} has the unknown kind {kind}")


def _chunked_3(cursor: Cursor) -> Layout:
    rank, address = cursor.uint(1), cursor.address()
    return Layout(CHUNKED, address, chunk=_whole(cursor, tuple(cursor.uint(4) for _ in range(rank))[:-1]))


def _chunked_4(cursor: Cursor) -> Layout:
    flags, rank, width = cursor.uint(1), cursor.uint(1), cursor.uint(1)
    if not 1 <= width <= 8:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has numbers of {width} bytes")
    chunk = _whole(cursor, tuple(cursor.uint(width) for _ in range(rank))[:-1])
    index = cursor.uint(1)
    if index not in PARAMETERS:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has the unknown index {index}")
    cursor.skip(PARAMETERS[index])
    single = (cursor.length(), cursor.uint(4)) if index == SINGLE and flags & 2 else None
    return Layout(CHUNKED, cursor.address(), None, None, chunk, index, single, bool(flags & 1))


PARAMETERS = {SINGLE: 0, IMPLICIT: 0, FIXED: 1, EXTENSIBLE: 5, BTREE_2: 6}
"""Index -> how many bytes of settings it has; they stand again in the index itself."""


def _whole(cursor: Cursor, chunk: tuple[int, ...]) -> tuple[int, ...]:
    if not chunk or 0 in chunk:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has chunks without a size")
    return chunk
