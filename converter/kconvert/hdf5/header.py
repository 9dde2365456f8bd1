"""Object headers: the list of messages that describes a group or a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import HDF5Error
from .source import Cursor, Source

DATASPACE, LINK_INFO, DATATYPE, FILL_OLD, FILL, LINK, EXTERNAL, LAYOUT = 1, 2, 3, 4, 5, 6, 7, 8
GROUP_INFO, FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 10, 11, 12, 16, 17, 21
KNOWN = frozenset(range(24))
SHARED, REFUSE_UNKNOWN = 2, 128
CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a header."""

    kind: int
    flags: int
    body: Cursor

    def read(self) -> Cursor:
        """Return a cursor at the start of the message; HDF5Error when it stands elsewhere."""
        if self.flags & SHARED:
            raise HDF5Error(f"{self.body.what} is shared between objects (a committed datatype), which is not read")
        body = self.body
        return Cursor(body.source, body.data, body.start, body.what)


class Header:
    """The messages of one object, by kind."""

    def __init__(self, messages: list[Message], address: int) -> None:
        self.address = address
        self._kinds: dict[int, list[Message]] = {}
        for message in messages:
            self._kinds.setdefault(message.kind, []).append(message)

    def __contains__(self, kind: int) -> bool:
        return kind in self._kinds

    def all(self, kind: int) -> list[Message]:
        """Return the messages of a kind, in order."""
        return self._kinds.get(kind, [])

    def one(self, kind: int, what: str) -> Cursor:
        """Return the only message of a kind."""
        found = self.all(kind)
        if len(found) != 1:
            raise HDF5Error(f"the object at byte {self.address} has {len(found)} messages for {what} in place of one")
        return found[0].read()


def read_header(source: Source, address: int) -> Header:
    """Return the messages of the object whose header stands at `address`."""
    if bytes(source.raw(address, 4, "an object header")) == b"OHDR":
        messages = _read_new(source, address)
    else:
        messages = _read_old(source, address)
    for message in messages:
        if message.kind not in KNOWN and message.flags & REFUSE_UNKNOWN:
            raise HDF5Error(f"the object at byte {address} needs something unknown (message {message.kind})")
    return Header(messages, address + source.base)


def _read_old(source: Source, address: int) -> list[Message]:
    """Version 1: messages in multiples of eight bytes, their number given."""
    cursor = source.block(address, 16, "an object header")
    cursor.version(1)
    cursor.skip(1)
    count = cursor.uint(2)
    cursor.skip(4)
    messages: list[Message] = []
    chunks = _Chunks(source.block(address + 16, cursor.uint(4), "an object header"))
    while (chunk := chunks.next()) is not None:
        while chunk.left >= 8:
            kind, size, flags = chunk.uint(2), chunk.uint(2), chunk.uint(1)
            chunk.skip(3)
            body = chunk.part(size, _name(kind))
            messages.append(Message(kind, flags, body))
            if kind == CONTINUATION:
                where, length = _continued(body)
                chunks.add(where, source.block(where, length, "the rest of an object header"))
    if len(messages) != count:
        raise HDF5Error(f"the object at byte {address} has {len(messages)} messages, its header says {count}")
    return messages


def _read_new(source: Source, address: int) -> list[Message]:
    """Version 2: packed messages, a signature and a checksum around each part."""
    prefix = source.block(address, min(34, len(source.data) - source.base - address), "an object header")
    prefix.expect(b"OHDR", (2,))
    flags = prefix.uint(1)
    prefix.skip(16 * bool(flags & 32) + 4 * bool(flags & 16))
    size = prefix.uint(1 << (flags & 3))
    start = prefix.position
    first = source.checked(address, start + size + 4, "an object header")
    first.skip(start)
    messages: list[Message] = []
    chunks = _Chunks(first)
    head = 4 + 2 * bool(flags & 4)
    while (chunk := chunks.next()) is not None:
        while chunk.left >= head:  # what is left over is a gap
            kind, size, message_flags = chunk.uint(1), chunk.uint(2), chunk.uint(1)
            chunk.skip(head - 4)
            body = chunk.part(size, _name(kind))
            messages.append(Message(kind, message_flags, body))
            if kind == CONTINUATION:
                where, length = _continued(body)
                rest = source.checked(where, length, "the rest of an object header")
                if bytes(rest.take(4)) != b"OCHK":
                    raise HDF5Error(f"the rest of an object header at byte {rest.start} has no signature")
                chunks.add(where, rest)
    return messages


class _Chunks:
    """The parts of one header, each once."""

    def __init__(self, first: Cursor) -> None:
        self._queue = [first]
        self._seen: set[int] = set()

    def next(self) -> Cursor | None:
        return self._queue.pop(0) if self._queue else None

    def add(self, where: int, chunk: Cursor) -> None:
        if where in self._seen or len(self._seen) >= CHUNKS:
            raise HDF5Error(f"the object header around byte {where} continues in itself")
        self._seen.add(where)
        self._queue.append(chunk)


def _continued(body: Cursor) -> tuple[int, int]:
    where, length = body.address(), body.length()
    if where is None:
        raise HDF5Error(f"{body.what} at byte {body.start} leads nowhere")
    return where, length


def _name(kind: int) -> str:
    return NAMES.get(kind, f"a message of kind {kind}")


NAMES = {
    DATASPACE: "a dataspace",
    LINK_INFO: "a list of links",
    DATATYPE: "a datatype",
    LINK: "a link",
    LAYOUT: "a data layout",
    FILTERS: "a list of filters",
    ATTRIBUTE: "an attribute",
    CONTINUATION: "a continuation",
    SYMBOL_TABLE: "a symbol table",
    ATTRIBUTE_INFO: "a list of attributes",
}
