"""Fractal heaps: where the links and the attributes of objects with many of them stand."""

from __future__ import annotations

from functools import cached_property

from .btree2 import read_records
from .errors import HDF5Error
from .source import Cursor, Source

MANAGED, HUGE, TINY = 0, 1, 2
HUGE_RECORDS = 1
CHECKSUMMED = 2


class FractalHeap:
    """A heap; objects are asked for by the identifiers that stand in B-trees."""

    def __init__(self, source: Source, address: int) -> None:
        self.source = source
        self.address = address
        o, n = source.offset_size, source.length_size
        head = source.block(address, 26 + 12 * n + 3 * o, "a fractal heap").expect(b"FRHP", (0,))
        self.id_size, filters, self.flags = head.uint(2), head.uint(2), head.uint(1)
        if filters:
            raise HDF5Error(f"the fractal heap at byte {head.start} is compressed, which is not read")
        if not source.agrees(source.raw(address, 26 + 12 * n + 3 * o, "a fractal heap")):
            raise HDF5Error(f"the checksum of the fractal heap at byte {head.start} does not fit")
        self.largest = head.uint(4)
        head.skip(n)
        self.huge_tree = head.address()
        head.skip(n + o + 8 * n)
        self.width, self.start, self.direct, bits = head.uint(2), head.length(), head.length(), head.uint(2)
        head.skip(2)
        self.root, self.rows = head.address(), head.uint(2)
        if not all(_power_of_two(x) for x in (self.width, self.start, self.direct)) or not 1 <= bits <= 64:
            raise HDF5Error(f"the fractal heap at byte {head.start} has impossible sizes")
        if self.direct < self.start or self.rows > 64:
            raise HDF5Error(f"the fractal heap at byte {head.start} has impossible sizes")
        self.offset_width = (bits + 7) // 8
        lengths = min(self.direct.bit_length() - 1, self.largest.bit_length() - 1)
        self.length_width = (self.direct.bit_length() + 6) // 8 if lengths < 0 else lengths // 8 + 1
        self._tables: dict[int, Cursor] = {}
        self._blocks: dict[int, memoryview] = {}

    def get(self, identifier: memoryview) -> Cursor:
        """Return the object that `identifier` names."""
        key = Cursor(self.source, identifier, 0, "a heap identifier")
        head = key.uint(1)
        kind = head >> 4 & 3
        if head >> 6:
            raise HDF5Error(f"{key.what} has an unknown version")
        if kind == MANAGED:
            return self._managed(key.uint(self.offset_width), key.uint(self.length_width))
        if kind == TINY:
            size = (head & 15) + 1 if self.id_size <= 18 else ((head & 15) << 8 | key.uint(1)) + 1
            return key.part(size, "a heap object")
        if kind == HUGE:
            return self._huge(key)
        raise HDF5Error(f"{key.what} has an unknown kind")

    def _huge(self, key: Cursor) -> Cursor:
        if self.id_size >= 1 + self.source.offset_size + self.source.length_size:
            where, size = key.address(), key.length()
        else:
            where, size = self._huge_objects.get(key.uint(min(key.left, self.source.length_size)), (None, 0))
        if where is None:
            raise HDF5Error(f"the fractal heap at byte {self.address} lacks a large object")
        return self.source.block(where, size, "a heap object")

    @cached_property
    def _huge_objects(self) -> dict[int, tuple[int | None, int]]:
        if self.huge_tree is None:
            return {}
        found = {}
        for record in read_records(self.source, self.huge_tree, (HUGE_RECORDS,)):
            where, size = record.address(), record.length()
            found[record.length()] = (where, size)
        return found

    def _managed(self, offset: int, size: int) -> Cursor:
        block, start, length = self._block(offset)
        if block not in self._blocks:
            self._blocks[block] = self._direct_block(block, length)
        data = self._blocks[block]
        place = offset - start
        if place < self._prefix or place + size > len(data):
            raise HDF5Error(f"an object of {size} bytes does not fit into the heap block at byte {block}")
        self.source.spend(size + 8)
        return Cursor(self.source, data[place : place + size], block + place, "a heap object")

    @property
    def _prefix(self) -> int:
        return 5 + self.source.offset_size + self.offset_width + 4 * bool(self.flags & CHECKSUMMED)

    def _direct_block(self, address: int, size: int) -> memoryview:
        cursor = self.source.block(address, min(size, self._prefix), "a heap block").expect(b"FHDB", (0,))
        if cursor.address() != self.address:
            raise HDF5Error(f"the heap block at byte {address} belongs to another heap")
        data = self.source.raw(address, size, "a heap block")
        if self.flags & CHECKSUMMED:
            self.source.spend(4 * size)
            end = self._prefix
            moved = bytes(data[: end - 4]) + bytes(4) + bytes(data[end:]) + bytes(data[end - 4 : end])
            if not self.source.agrees(memoryview(moved)):
                raise HDF5Error(f"the checksum of the heap block at byte {address} does not fit")
        return data

    def _block(self, offset: int) -> tuple[int, int, int]:
        """Return address, first offset and size of the direct block that holds an offset of the heap."""
        address, start, rows = self.root, 0, self.rows
        size = self.start
        while address is not None and rows:
            row, column, first, size = self._place(offset - start)
            if row >= rows:
                break
            table = self._table(address, rows)
            width = self.source.offset_size
            entry = Cursor(self.source, table.data, table.start, table.what)
            entry.skip((row * self.width + column) * width)
            address, start = entry.address(), start + first
            if size <= self.direct:
                rows = 0
            else:  # a table covers its block: width * start * 2**(rows - 1) bytes
                rows = size.bit_length() - (self.width * self.start).bit_length() + 1
                if rows < 1:
                    break
        if address is None or rows or offset - start >= size:
            raise HDF5Error(f"the fractal heap at byte {self.address} has no byte {offset}")
        return address, start, size

    def _place(self, offset: int) -> tuple[int, int, int, int]:
        """Return row, column, first offset and size of the entry of a doubling table that covers `offset`.

        Rows 0 and 1 have blocks of the starting size, each further row blocks twice as large as the one before.
        """
        row = (offset // (self.width * self.start)).bit_length()
        size = self.start << max(row - 1, 0)
        first = self.width * size if row else 0
        column = (offset - first) // size
        return row, column, first + column * size, size

    def _table(self, address: int, rows: int) -> Cursor:
        """Return the entries of an indirect block."""
        if address not in self._tables:
            size = 5 + self.source.offset_size + self.offset_width + rows * self.width * self.source.offset_size + 4
            table = self.source.signed(address, size, b"FHIB", "a heap table")
            if table.address() != self.address:
                raise HDF5Error(f"the heap table at byte {address} belongs to another heap")
            table.skip(self.offset_width)
            self._tables[address] = table.part(table.left, table.what)
        return self._tables[address]


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
