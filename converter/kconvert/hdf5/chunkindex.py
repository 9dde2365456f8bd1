"""Indexes of chunks: an index -> where each chunk stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from .btree2 import read_records
from .errors import HDF5Error
from .layout import BTREE_1, BTREE_2, EXTENSIBLE, FIXED, IMPLICIT, SINGLE, Layout
from .source import Cursor, Source

LEVELS = 32
BTREE_KINDS = (10, 11)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk: its place in the grid of chunks, and its bytes in the file."""

    place: tuple[int, ...]
    address: int
    size: int
    mask: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """The chunks of a dataset.

    counts: how many there are along each axis; largest: how many there may be, None without end.
    chunk, size: the shape and the bytes of one.
    """

    counts: tuple[int, ...]
    largest: tuple[int | None, ...]
    chunk: tuple[int, ...]
    size: int
    filtered: bool

    @property
    def total(self) -> int:
        """The number of chunks."""
        return prod(self.counts)

    @property
    def numbers(self) -> int:
        """How many numbers the chunks may have, with those that the dataset has not grown to."""
        return prod(most if most is not None else n for n, most in zip(self.counts, self.largest, strict=True))

    @property
    def axes(self) -> list[int]:
        """The axes in the order in which chunks are numbered: one without end comes first."""
        return sorted(range(len(self.counts)), key=lambda axis: self.largest[axis] is not None)

    def place(self, number: int) -> tuple[int, ...]:
        """Return the place of chunk `number`, the last of the axes counting fastest."""
        found = [0] * len(self.counts)
        for axis in reversed(self.axes):
            most = self.largest[axis]
            number, found[axis] = divmod(number, most) if most is not None else (0, number)
        return tuple(found)

    def holds(self, place: tuple[int, ...]) -> bool:
        """Tell whether a place is within the dataset."""
        return all(p < n for p, n in zip(place, self.counts, strict=True))


def read_chunks(source: Source, layout: Layout, grid: Grid) -> Iterator[Chunk]:
    """Yield the chunks that are stored."""
    from .chunkarrays import read_extensible, read_fixed

    address = layout.address
    if address is None:
        return iter(())
    if layout.index == SINGLE:
        size, mask = layout.single or (grid.size, 0)
        return iter([Chunk((0,) * len(grid.counts), address, size, mask)])
    if layout.index == IMPLICIT:
        source.raw(address, grid.numbers * grid.size, "its chunks")
        places = ((i, grid.place(i)) for i in range(grid.numbers))
        return (Chunk(place, address + i * grid.size, grid.size) for i, place in places if grid.holds(place))
    if layout.index == FIXED:
        return _numbered(grid, read_fixed(source, address, grid.numbers))
    if layout.index == EXTENSIBLE:
        return _numbered(grid, read_extensible(source, address, grid.numbers))
    if layout.index == BTREE_2:
        return _btree_2(source, address, grid)
    if layout.index == BTREE_1:
        return _btree_1(source, address, grid)
    raise HDF5Error(f"it has chunks with the unknown index {layout.index}")


def read_entry(cursor: Cursor, width: int, grid: Grid, place: tuple[int, ...]) -> Chunk | None:
    """Read address, and with filters size and mask; `width` is the size of the size. None where nothing is stored."""
    address = cursor.address()
    size, mask = (cursor.uint(width), cursor.uint(4)) if grid.filtered else (grid.size, 0)
    return None if address is None else Chunk(place, address, size, mask)


def _numbered(grid: Grid, entries: Iterator[tuple[int, Cursor]]) -> Iterator[Chunk]:
    for number, cursor in entries:
        width = cursor.left - cursor.source.offset_size - 4
        if grid.filtered != (width > -4) or width > 8 or (grid.filtered and width < 1):
            raise HDF5Error(f"{cursor.what} at byte {cursor.start} has entries of an unknown size")
        chunk = read_entry(cursor, width, grid, grid.place(number))
        if chunk is not None and grid.holds(chunk.place):
            yield chunk


def _btree_2(source: Source, address: int, grid: Grid) -> Iterator[Chunk]:
    for record in read_records(source, address, BTREE_KINDS):
        width = record.left - source.offset_size - 4 - 8 * len(grid.counts)
        if grid.filtered and not 1 <= width <= 8:
            raise HDF5Error(f"{record.what} at byte {record.start} has an unknown size")
        chunk = read_entry(record, width, grid, ())
        place = tuple(record.uint(8) for _ in grid.counts)
        if chunk is not None:
            yield Chunk(place, chunk.address, chunk.size, chunk.mask)


def _btree_1(source: Source, root: int, grid: Grid) -> Iterator[Chunk]:
    rank = len(grid.counts)
    key = 8 + 8 * (rank + 1)
    seen: set[int] = set()
    stack: list[tuple[int, int | None]] = [(root, None)]
    while stack:
        address, level = stack.pop()
        if address in seen:
            raise HDF5Error(f"the B-tree at byte {root} leads to itself")
        seen.add(address)
        head = source.block(address, 8 + 2 * source.offset_size, "a B-tree node")
        if bytes(head.take(4)) != b"TREE" or head.uint(1) != 1:
            raise HDF5Error(f"at byte {head.start} there is no B-tree of chunks")
        found, count = head.uint(1), head.uint(2)
        if found > LEVELS or (level is not None and found != level):
            raise HDF5Error(f"the B-tree at byte {root} has a node of level {found} where {level} is expected")
        size = count * (key + source.offset_size)
        node = source.block(address + 8 + 2 * source.offset_size, size, "a B-tree node")
        for _ in range(count):
            entry = node.part(key + source.offset_size, "a chunk")
            stored, mask = entry.uint(4), entry.uint(4)
            corner = tuple(entry.uint(8) for _ in range(rank + 1))[:rank]
            child = entry.address()
            if child is None:
                raise HDF5Error(f"the B-tree at byte {root} leads nowhere")
            if found:
                stack.append((child, found - 1))
                continue
            if any(c % n for c, n in zip(corner, grid.chunk, strict=True)):
                raise HDF5Error(f"a chunk at byte {entry.start} stands off the grid")
            yield Chunk(tuple(c // n for c, n in zip(corner, grid.chunk, strict=True)), child, stored, mask)
