"""Groups of the older form: names in a local heap, addresses in a B-tree of symbol tables."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import HDF5Error
from .source import Cursor, Source, decoded

SOFT = 2
LEVELS = 32


def read_symbol_table(message: Cursor) -> dict[str, int | None]:
    """Return the address of each member of a group by name; None for a link that is not a hard one."""
    tree, heap = message.address(), message.address()
    if tree is None or heap is None:
        raise HDF5Error(f"{message.what} at byte {message.start} leads nowhere")
    names = _LocalHeap(message.source, heap)
    found: dict[str, int | None] = {}
    for node in _tables(message.source, tree):
        for name, address in _entries(message.source, node, names):
            if name in found:
                raise HDF5Error(f"{message.what} at byte {message.start} has one name twice")
            found[name] = address
    return found


class _LocalHeap:
    """The names of one group."""

    def __init__(self, source: Source, address: int) -> None:
        cursor = source.block(address, 8 + 2 * source.length_size + source.offset_size, "a list of names")
        cursor.expect(b"HEAP", (0,)).skip(3)
        size = cursor.length()
        cursor.length()
        start = cursor.address()
        if start is None:
            raise HDF5Error(f"a list of names at byte {cursor.start} leads nowhere")
        self.source = source
        self.data = source.raw(start, size, "a list of names")

    def name(self, offset: int) -> str:
        """Return the name at `offset`, which ends with a NUL."""
        end = offset
        step = 64
        while end < len(self.data):
            part = bytes(self.data[end : end + step])
            self.source.spend(len(part))
            if (found := part.find(0)) >= 0:
                return decoded(bytes(self.data[offset : end + found]), "a name")
            end += step
            step *= 2
        raise HDF5Error("a name runs beyond the list of names")


def _tables(source: Source, root: int) -> Iterator[int]:
    """Yield the addresses of the symbol tables below a B-tree node, in the order of their names."""
    seen: set[int] = set()
    stack: list[tuple[int, int | None]] = [(root, None)]
    while stack:
        address, level = stack.pop()
        if level == -1:
            yield address
            continue
        if address in seen:
            raise HDF5Error(f"the B-tree at byte {root} leads to itself")
        seen.add(address)
        found, children = _node(source, address)
        if found > LEVELS or (level is not None and found != level):
            raise HDF5Error(f"the B-tree at byte {root} has a node of level {found} where {level} is expected")
        stack.extend((child, found - 1) for child in reversed(children))


def _node(source: Source, address: int) -> tuple[int, list[int]]:
    """Return the level of a B-tree node, and its children."""
    what = "a B-tree node"
    width = source.length_size + source.offset_size
    head = source.block(address, 8 + 2 * source.offset_size, what)
    if bytes(head.take(4)) != b"TREE" or head.uint(1) != 0:
        raise HDF5Error(f"at byte {head.start} there is no B-tree of a group")
    level, count = head.uint(1), head.uint(2)
    cursor = source.block(address + 8 + 2 * source.offset_size, count * width + source.length_size, what)
    children = []
    for _ in range(count):
        cursor.length()
        child = cursor.address()
        if child is None:
            raise HDF5Error(f"{what} at byte {head.start} has a child that leads nowhere")
        children.append(child)
    return level, children


def _entries(source: Source, address: int, names: _LocalHeap) -> Iterator[tuple[str, int | None]]:
    what = "a symbol table"
    head = source.block(address, 8, what).expect(b"SNOD", (1,))
    head.skip(1)
    count = head.uint(2)
    cursor = source.block(address + 8, count * (2 * source.offset_size + 24), what)
    for _ in range(count):
        offset = cursor.uint(source.offset_size)
        header = cursor.address()
        kind = cursor.uint(4)
        cursor.skip(20)
        yield names.name(offset), None if kind == SOFT else header
