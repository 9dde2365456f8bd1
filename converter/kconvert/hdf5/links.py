"""The members of a group: links by name, of which only hard ones are followed."""

from __future__ import annotations

from .btree2 import read_records
from .errors import HDF5Error
from .fractalheap import FractalHeap
from .header import LINK, LINK_INFO, SYMBOL_TABLE, Header
from .source import Cursor, Source, decoded
from .symboltable import read_symbol_table

HARD = 0
NAMED_LINKS = 5
HEAP_ID = 7


def read_links(source: Source, header: Header) -> dict[str, int | None]:
    """Return the addresses of a group's members by name; None for soft, external and other links."""
    if SYMBOL_TABLE in header:
        return read_symbol_table(header.one(SYMBOL_TABLE, "the symbol table"))
    found: dict[str, int | None] = {}
    for message in header.all(LINK):
        _add(found, message.read())
    if LINK_INFO in header:
        heap, tree = _dense(header.one(LINK_INFO, "the list of links"))
        if heap is not None and tree is not None:
            objects = FractalHeap(source, heap)
            for record in read_records(source, tree, (NAMED_LINKS,)):
                record.skip(4)
                _add(found, objects.get(record.take(HEAP_ID)))
    return found


def _dense(cursor: Cursor) -> tuple[int | None, int | None]:
    """Return the addresses of heap and B-tree of a group with many members."""
    cursor.version(0)
    cursor.skip(8 * (cursor.uint(1) & 1))
    return cursor.address(), cursor.address()


def _add(found: dict[str, int | None], cursor: Cursor) -> None:
    cursor.version(1)
    flags = cursor.uint(1)
    kind = cursor.uint(1) if flags & 8 else HARD
    cursor.skip(8 * bool(flags & 4) + bool(flags & 16))
    name = decoded(bytes(cursor.take(cursor.uint(1 << (flags & 3)))), "a name")
    if name in found:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has a name that another has")
    found[name] = cursor.address() if kind == HARD else None
