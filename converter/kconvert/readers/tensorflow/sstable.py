"""Sorted tables of keys and values, as LevelDB writes them: the index of a checkpoint.

Reference: https://github.com/google/leveldb/blob/main/doc/table_format.md. The checksum of
every block is checked.
"""

from __future__ import annotations

from collections.abc import Iterator

from .crc32c import crc32c, masked
from .protobuf import Damaged, varint

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48
TRAILER = 5
UNCOMPRESSED = 0


def is_table(end: bytes) -> bool:
    """Whether the last bytes of a file are those of a sorted table."""
    return end.endswith(MAGIC)


def entries(data: bytes) -> dict[bytes, memoryview]:
    """Return the content of a table; raises Damaged."""
    if len(data) < FOOTER or not is_table(data):
        raise Damaged("it does not end as a table does")
    footer = memoryview(data)[-FOOTER:]
    _, at = varint(footer, 0)
    _, at = varint(footer, at)
    index = _block(data, *_handle(footer[at:]))
    found: dict[bytes, memoryview] = {}
    for _, handle in _pairs(index):
        for key, value in _pairs(_block(data, *_handle(handle))):
            if key in found:
                raise Damaged(f"the key {key[:60]!r} twice")
            found[key] = value
    return found


def _handle(view: memoryview) -> tuple[int, int]:
    offset, at = varint(view, 0)
    size, _ = varint(view, at)
    return offset, size


def _block(data: bytes, offset: int, size: int) -> memoryview:
    """Return the content of a block: entries, then where some of them start, how many of those, and the trailer."""
    if offset + size + TRAILER > len(data) - FOOTER or size < 4:
        raise Damaged(f"a block of {size} bytes at {offset}, outside the file")
    block = memoryview(data)[offset : offset + size + TRAILER]
    if block[size] != UNCOMPRESSED:
        raise Damaged("a compressed block, which TensorFlow does not write")
    if masked(crc32c(block[: size + 1])) != int.from_bytes(block[size + 1 :], "little"):
        raise Damaged(f"a wrong checksum of the block at {offset}")
    restarts = int.from_bytes(block[size - 4 : size], "little")
    if 4 * (restarts + 1) > size:
        raise Damaged(f"a block with {restarts} restarts")
    return block[: size - 4 * (restarts + 1)]


def _pairs(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield keys and values; each key repeats the beginning of the one before."""
    key, at = b"", 0
    while at < len(block):
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or own + size > len(block) - at:
            raise Damaged("an entry that is longer than its block")
        key = key[:shared] + bytes(block[at : at + own])
        yield key, block[at + own : at + own + size]
        at += own + size
