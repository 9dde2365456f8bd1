"""The two indexes of chunks that are arrays: of fixed size, and growing along one axis."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import HDF5Error
from .source import Cursor, Source

Entries = Iterator[tuple[int, Cursor]]


def read_fixed(source: Source, address: int, total: int) -> Entries:
    """Yield (number, entry) of a fixed array; long ones are cut into pages, of which some may not be there."""
    head = source.signed(address, 8 + source.length_size + source.offset_size + 4, b"FAHD", "an array of chunks")
    head.skip(1)
    size, bits, count, block = head.uint(1), head.uint(1), head.length(), head.address()
    _require(size > 0 and bits < 32 and count == total, head)
    if block is None:
        return
    page = 1 << bits
    pages = -(-count // page) if count > page else 0
    bitmap_size = (pages + 7) // 8
    prefix = 6 + source.offset_size + bitmap_size
    body = source.signed(block, prefix + (0 if pages else count * size) + 4, b"FADB", "an array of chunks")
    body.skip(1)
    _require(body.address() == address, body)
    if not pages:
        yield from _entries(body, 0, count, size)
        return
    bitmap = body.take(bitmap_size)
    yield from _pages(source, block + prefix + 4, bitmap, (0, count, page), size)


def _pages(source: Source, address: int, bitmap: memoryview, numbers: tuple[int, int, int], size: int) -> Entries:
    """Yield the entries of pages of `page` entries each that follow each other; bits say which pages are there."""
    first, count, page = numbers
    for number in range(-(-count // page)):
        length = min(page, count - number * page)
        if bitmap[number // 8] >> (7 - number % 8) & 1:
            cursor = source.checked(address, length * size + 4, "a page of chunks")
            yield from _entries(cursor, first + number * page, length, size)
        address += page * size + 4


def _entries(cursor: Cursor, first: int, count: int, size: int) -> Entries:
    for number in range(count):
        yield first + number, cursor.part(size, "a chunk")


class _Extensible:
    """The settings of an extensible array, and what follows from them."""

    def __init__(self, source: Source, address: int) -> None:
        self.source, self.address = source, address
        head = source.signed(address, 12 + 6 * source.length_size + source.offset_size + 4, b"EAHD", "an index")
        head.skip(1)
        self.size, self.bits, self.inline = head.uint(1), head.uint(1), head.uint(1)
        self.least, self.pointers, page_bits = head.uint(1), head.uint(1), head.uint(1)
        head.skip(4 * source.length_size)
        self.used = head.length()
        head.skip(source.length_size)
        self.index = head.address()
        powers = all(x and x & (x - 1) == 0 for x in (self.least, self.pointers))
        _require(powers and self.size > 0 and self.bits <= 64 and page_bits < 32, head)
        self.page = 1 << page_bits
        self.offset_width = (self.bits + 7) // 8
        self.groups = 1 + self.bits - (self.least.bit_length() - 1)
        _require(self.groups > 0, head)

    def blocks(self, group: int) -> tuple[int, int]:
        """Return how many data blocks a group has, and how many entries each of them."""
        return 1 << group // 2, self.least << (group + 1) // 2


def read_extensible(source: Source, address: int, total: int) -> Entries:
    """Yield (number, entry) of an extensible array: some in the index block, then in groups of growing data blocks.

    The first groups are listed in the index block, the later ones in a block of their own.
    """
    array = _Extensible(source, address)
    if array.index is None:
        return
    width = source.offset_size
    direct_groups = 2 * (array.pointers.bit_length() - 1)
    direct = 2 * (array.pointers - 1)
    others = max(array.groups - direct_groups, 0)
    size = 6 + width + array.inline * array.size + (direct + others) * width + 4
    index = source.signed(array.index, size, b"EAIB", "an index block")
    index.skip(1)
    _require(index.address() == address, index)
    last = min(total, array.used)
    inline = _entries(index.part(array.inline * array.size, "an index block"), 0, array.inline, array.size)
    yield from (entry for entry in inline if entry[0] < last)
    first = array.inline
    for group in range(array.groups):
        if first >= last:
            return
        count, length = array.blocks(group)
        listed = index if group < direct_groups else _secondary(array, index.address(), group)
        pages = length // array.page if length > array.page else 0
        bitmaps = listed.take(count * ((pages + 7) // 8)) if listed is not index and pages else memoryview(b"")
        for block in range(count):
            where = listed.address()
            if where is not None and first < last:
                bitmap = bitmaps[block * ((pages + 7) // 8) :]
                for number, entry in _data_block(array, where, first, length, bitmap):
                    if number < last:
                        yield number, entry
            first += length
            if first >= last:
                return


def _secondary(array: _Extensible, address: int | None, group: int) -> Cursor:
    count, length = array.blocks(group)
    source = array.source
    if address is None:  # nothing of this group is stored
        return Cursor(source, memoryview(b"\xff" * (count * source.offset_size)), 0, "an index block")
    pages = length // array.page if length > array.page else 0
    bitmaps = count * ((pages + 7) // 8)
    size = 6 + source.offset_size + array.offset_width + bitmaps + count * source.offset_size + 4
    cursor = source.signed(address, size, b"EASB", "an index block")
    cursor.skip(1)
    _require(cursor.address() == array.address, cursor)
    cursor.skip(array.offset_width)
    return cursor


def _data_block(array: _Extensible, address: int, first: int, length: int, bitmap: memoryview) -> Entries:
    source = array.source
    paged = length > array.page
    prefix = 6 + source.offset_size + array.offset_width
    size = prefix + (0 if paged else length * array.size) + 4
    body = source.signed(address, size, b"EADB", "a block of chunks")
    body.skip(1)
    _require(body.address() == array.address, body)
    body.skip(array.offset_width)
    if not paged:
        yield from _entries(body, first, length, array.size)
    elif bitmap:
        yield from _pages(source, address + size, bitmap, (first, length, array.page), array.size)


def _require(holds: bool, cursor: Cursor) -> None:
    if not holds:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has impossible settings")
