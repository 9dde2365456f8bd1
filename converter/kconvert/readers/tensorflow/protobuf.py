"""The wire format of Protocol Buffers, as far as TensorFlow's small files need it: numbers and bytes by field number.

Reference: https://protobuf.dev/programming-guides/encoding. Nothing is allocated beyond the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIDTHS = {FIXED64: 8, FIXED32: 4}
VARINT_BYTES = 10


FIELDS = 4_000_000
"""Fields of all messages of a model together, each as often as it is read: many more than TensorFlow writes."""
_LEFT: ContextVar[list[int] | None] = ContextVar("left", default=None)


class Damaged(ValueError):
    """The bytes are not what they claim to be."""


@contextmanager
def budget() -> Iterator[None]:
    """Let no more than FIELDS fields be read within the block, or in the decorated function."""
    token = _LEFT.set([FIELDS])
    try:
        yield
    finally:
        _LEFT.reset(token)


def spend(count: int = 1) -> None:
    """Count something that was read; Damaged once it is more than any model has."""
    left = _LEFT.get()
    if left is not None:
        left[0] -= count
        if left[0] < 0:
            raise Damaged(f"it has more than {FIELDS} fields")


def fields(data: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value) of each field of a message; raises Damaged."""
    view, at = memoryview(data), 0
    while at < len(view):
        spend()
        tag, at = varint(view, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = varint(view, at)
            yield tag >> 3, value
            continue
        if kind == BYTES:
            size, at = varint(view, at)
        elif kind in WIDTHS:
            size = WIDTHS[kind]
        else:
            raise Damaged(f"a field of the unknown kind {kind}")
        if size > len(view) - at:
            raise Damaged(f"a field of {size} bytes where {len(view) - at} are left")
        content = view[at : at + size]
        yield tag >> 3, content if kind == BYTES else int.from_bytes(content, "little")
        at += size


def varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return the number of variable length at an offset, and the offset after it."""
    value = 0
    for i, byte in enumerate(view[at : at + VARINT_BYTES]):
        value |= (byte & 127) << (7 * i)
        if byte < 128:
            return value & (2**64 - 1), at + i + 1
    raise Damaged("a number that does not end")


def numbers(data: bytes | memoryview) -> dict[int, int]:
    """Return the numbers in a message by field; the last of each."""
    return {field: value for field, value in fields(data) if isinstance(value, int)}


def messages(data: bytes | memoryview, number: int) -> list[memoryview]:
    """Return every message, string or run of bytes in one field."""
    return [value for field, value in fields(data) if field == number and isinstance(value, memoryview)]


def text(data: bytes | memoryview, number: int) -> str:
    """Return the string in a field, '' without one."""
    found = messages(data, number)
    try:
        return bytes(found[-1]).decode("utf-8") if found else ""
    except UnicodeDecodeError as error:
        raise Damaged("a string that is not UTF-8") from error
