"""The attributes of an object: small arrays and texts by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kconvert_schemas.dtypes import Array

from .btree2 import read_records
from .dataspace import read_shape
from .datatypes import read_datatype
from .errors import HDF5Error
from .fractalheap import FractalHeap
from .globalheap import GlobalHeap
from .header import ATTRIBUTE, ATTRIBUTE_INFO, Header
from .source import Cursor, Source, decoded
from .values import decode

NAMED_ATTRIBUTES = 8
HEAP_ID = 8
SHARED = 3


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute, parsed when it is asked for."""

    name: str
    kind: Cursor
    space: Cursor
    data: memoryview
    shared: bool

    def read(self, heap: GlobalHeap) -> Array | None:
        """Return the values; None where there are none (a null dataspace)."""
        if self.shared:
            raise HDF5Error("its datatype is shared between objects (a committed datatype), which is not read")
        kind, shape = read_datatype(self.kind), read_shape(self.space)
        self.kind.position = self.space.position = 0
        if shape is None:
            return None
        size = kind.size
        for n in shape:
            size *= n
        if size > len(self.data):
            raise HDF5Error(f"{size} bytes are needed, {len(self.data)} are stored")
        return decode(self.data[:size], kind, shape, heap)


def read_attributes(source: Source, header: Header) -> dict[str, Attribute]:
    """Return the attributes of an object by name."""
    found: dict[str, Attribute] = {}
    for cursor in _messages(source, header):
        attribute = _parse(cursor)
        if attribute.name in found:
            raise HDF5Error(f"{cursor.what} at byte {cursor.start} has a name that another has")
        found[attribute.name] = attribute
    return found


def _messages(source: Source, header: Header) -> Iterator[Cursor]:
    for message in header.all(ATTRIBUTE):
        yield message.read()
    if ATTRIBUTE_INFO not in header:
        return
    info = header.one(ATTRIBUTE_INFO, "the list of attributes")
    info.version(0)
    info.skip(2 * (info.uint(1) & 1))
    heap, tree = info.address(), info.address()
    if heap is None or tree is None:
        return
    objects = FractalHeap(source, heap)
    for record in read_records(source, tree, (NAMED_ATTRIBUTES,)):
        identifier = record.take(HEAP_ID)
        if record.uint(1) & 2:
            raise HDF5Error("it has an attribute that is shared between objects, which is not read")
        yield objects.get(identifier)


def _parse(cursor: Cursor) -> Attribute:
    """Version 1 pads its parts to eight bytes; version 3 adds a character set."""
    version = cursor.version(1, 2, 3)
    flags = cursor.uint(1)
    sizes = [cursor.uint(2) for _ in range(3)]
    cursor.skip(version == 3)
    parts = []
    for size, what in zip(sizes, ("an attribute's name", "an attribute's datatype", "its dataspace"), strict=True):
        parts.append(cursor.part(size, what))
        if version == 1:
            cursor.skip(-size % 8)
    name = decoded(bytes(parts[0].data).partition(b"\0")[0], "the name of an attribute")
    return Attribute(name, parts[1], parts[2], cursor.take(cursor.left), version > 1 and bool(flags & SHARED))
