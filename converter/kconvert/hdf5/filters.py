"""Filters that chunks of data passed through when they were stored; undone in the opposite order."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from .checksum import fletcher32
from .errors import HDF5Error
from .source import Cursor

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
OTHERS = {4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle",
          32013: "zfp", 32015: "zstd", 32026: "blosc2"}  # fmt: skip
COUNT_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: its number, and its settings."""

    number: int
    settings: tuple[int, ...]


def read_filters(cursor: Cursor) -> list[Filter]:
    """Return the filters in the order in which they were applied; HDF5Error naming those that are not read."""
    version, count = cursor.version(1, 2), cursor.uint(1)
    if count > COUNT_LIMIT:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has {count} entries")
    cursor.skip(6 * (version == 1))
    found = []
    for _ in range(count):
        number = cursor.uint(2)
        named = version == 1 or number >= 256
        size = cursor.uint(2) if named else 0
        cursor.skip(2)
        settings = cursor.uint(2)
        cursor.skip(size + (-size % 8 if version == 1 else 0))
        found.append(Filter(number, tuple(cursor.uint(4) for _ in range(settings))))
        cursor.skip(4 * (version == 1 and settings % 2))
        if number not in (DEFLATE, SHUFFLE, FLETCHER32):
            raise HDF5Error(f"it is stored with the filter {OTHERS.get(number, number)}, which is not read")
    return found


def undo(data: memoryview | bytes, filters: list[Filter], mask: int, size: int) -> bytes | memoryview:
    """Return the `size` bytes of a chunk as they were before the filters; `mask` marks those that were left out."""
    if len(filters) < 32 and mask >> len(filters):
        raise HDF5Error("a chunk leaves out filters that it does not have")
    for place, filter_ in reversed(list(enumerate(filters))):
        if mask >> place & 1:
            continue
        if filter_.number == DEFLATE:
            data = _inflated(data, size + 4 * len(filters))
        elif filter_.number == SHUFFLE:
            data = _unshuffled(data, filter_)
        else:
            data = _verified(data)
    if len(data) != size:
        raise HDF5Error(f"a chunk holds {len(data)} bytes in place of {size}")
    return data


def _inflated(data: memoryview | bytes, most: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise HDF5Error(f"a compressed chunk is damaged ({error})") from None
    if len(found) > most:
        raise HDF5Error("a compressed chunk is larger than its declared size")
    if not stream.eof:
        raise HDF5Error("a compressed chunk is cut short")
    return found


def _unshuffled(data: memoryview | bytes, filter_: Filter) -> bytes:
    """Put together the first bytes of all elements, their second bytes, and so on."""
    size = filter_.settings[0] if filter_.settings else 1
    if size < 1:
        raise HDF5Error("a shuffled chunk has elements without a size")
    count = len(data) // size
    whole = np.frombuffer(data, np.uint8, count * size).reshape(size, count).T
    return whole.tobytes() + bytes(data[count * size :])


def _verified(data: memoryview | bytes) -> memoryview:
    if len(data) < 4:
        raise HDF5Error("a chunk is too short for its checksum")
    view = memoryview(data)
    if fletcher32(view[:-4]) != int.from_bytes(view[-4:], "little"):
        raise HDF5Error("the checksum of a chunk does not fit")
    return view[:-4]
