"""The superblock: where the file begins, how wide its addresses are, and where its root group is."""

from __future__ import annotations

from .errors import HDF5Error
from .source import Cursor, Source

SIGNATURE = b"\x89HDF\r\n\x1a\n"
FIRST_USER_BLOCK = 512


def read_superblock(source: Source) -> int:
    """Set the base and the widths of `source`; returns the address of the root group's header.

    Versions 0 to 3. The file may begin with a user block of 512, 1024, 2048... bytes.
    """
    start = _find(source)
    cursor = source.block(start, min(128, len(source.data) - start), "the superblock")
    cursor.skip(8)
    version = cursor.version(0, 1, 2, 3)
    if version < 2:
        return _old(source, cursor, start, version)
    size = 12 + 4 * cursor.data[9] + 4
    cursor = source.checked(start, min(size, cursor.left + 9), "the superblock")
    cursor.skip(9)
    _widths(source, cursor)
    flags = cursor.uint(1)
    if version == 3 and flags & 1:
        raise HDF5Error("the program that wrote it has not closed it: it is only half written")
    base, _, end, root = (cursor.address() for _ in range(4))
    return _placed(source, start, base, end, root)


def _find(source: Source) -> int:
    start = 0
    while start + 8 <= len(source.data):
        if source.data[start : start + 8] == SIGNATURE:
            return start
        start = start * 2 or FIRST_USER_BLOCK
    raise HDF5Error("it has no HDF5 signature")


def _widths(source: Source, cursor: Cursor) -> None:
    source.offset_size, source.length_size = cursor.uint(1), cursor.uint(1)
    if source.offset_size not in (2, 4, 8) or source.length_size not in (2, 4, 8):
        raise HDF5Error(f"the superblock has addresses of {source.offset_size} and {source.length_size} bytes")


def _old(source: Source, cursor: Cursor, start: int, version: int) -> int:
    cursor.skip(4)
    _widths(source, cursor)
    cursor.skip(1 + 2 + 2 + 4 + 4 * version)
    base, _, end, _ = (cursor.address() for _ in range(4))
    cursor.length()  # the name of the root group
    return _placed(source, start, base, end, cursor.address())


def _placed(source: Source, start: int, base: int | None, end: int | None, root: int | None) -> int:
    """Check where the file says that it begins and ends; an end beyond the last byte means a file cut short."""
    if base != start:
        raise HDF5Error(f"the superblock stands at byte {start} and says {base}")
    if end is None or root is None:
        raise HDF5Error("the superblock names no end or no root group: it is only half written")
    if end > len(source.data) - (start if end + start <= len(source.data) else 0):
        raise HDF5Error(f"it is cut short: {len(source.data)} bytes of {end}")
    source.base = start
    return root
