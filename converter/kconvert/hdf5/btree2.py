"""Version 2 B-trees: records of one size, sorted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .errors import HDF5Error
from .source import Cursor, Source

LEVELS = 16
OVERHEAD = 10  # of a node: signature, version, type, checksum


@dataclass(frozen=True, slots=True)
class _Tree:
    source: Source
    kind: int
    node_size: int
    record_size: int
    depth: int

    def widths(self) -> list[tuple[int, int]]:
        """Return, for the pointers of each level from the twigs up, how wide their two counts of records are.

        Both are as wide as the largest count that a node below can have.
        """
        most = total = (self.node_size - OVERHEAD) // self.record_size
        found = []
        for level in range(self.depth):
            width, all_width = _bytes(most), _bytes(total) if level else 0
            found.append((width, all_width))
            pointer = self.source.offset_size + width + all_width
            most = (self.node_size - OVERHEAD - pointer) // (self.record_size + pointer)
            total = most + (most + 1) * total
        return found


def _bytes(count: int) -> int:
    return (max(count, 1).bit_length() + 7) // 8


def read_records(source: Source, address: int, kinds: tuple[int, ...]) -> Iterator[Cursor]:
    """Yield every record of a tree of one of `kinds`; those of leaves and of inner nodes, each node by itself."""
    what = "a B-tree"
    size = 4 + 1 + 1 + 4 + 2 + 2 + 1 + 1 + source.offset_size + 2 + source.length_size + 4
    head = source.signed(address, size, b"BTHD", what)
    kind, node_size, record_size, depth = head.uint(1), head.uint(4), head.uint(2), head.uint(2)
    head.skip(2)
    root, count, total = head.address(), head.uint(2), head.length()
    if kind not in kinds or depth > LEVELS or record_size == 0 or node_size < OVERHEAD + record_size:
        raise HDF5Error(f"{what} at byte {head.start} has the kind {kind} and the depth {depth}, which do not fit")
    tree = _Tree(source, kind, node_size, record_size, depth)
    found = 0
    if root is not None and count:
        for record in _walk(tree, root, count):
            found += 1
            yield record
    if found != total:
        raise HDF5Error(f"{what} at byte {head.start} has {found} records in place of {total}")


def _walk(tree: _Tree, root: int, count: int) -> Iterator[Cursor]:
    widths = tree.widths()
    seen: set[int] = set()
    stack = [(root, count, tree.depth)]
    while stack:
        address, count, depth = stack.pop()
        if address in seen:
            raise HDF5Error(f"a B-tree leads to byte {address} twice")
        seen.add(address)
        pointer = tree.source.offset_size + sum(widths[depth - 1]) if depth else 0
        size = OVERHEAD + count * tree.record_size + (count + 1) * pointer * bool(depth)
        if size > tree.node_size:
            raise HDF5Error(f"a B-tree node at byte {address} is too full")
        node = tree.source.signed(address, size, b"BTIN" if depth else b"BTLF", "a B-tree node")
        if node.uint(1) != tree.kind:
            raise HDF5Error(f"a B-tree node at byte {address} belongs to another tree")
        for _ in range(count):
            yield node.part(tree.record_size, "a record")
        stack.extend(_children(node, count, depth, widths) if depth else ())


def _children(node: Cursor, count: int, depth: int, widths: list[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    own, everything = widths[depth - 1]
    for _ in range(count + 1):
        child, size = node.address(), node.uint(own)
        node.skip(everything)
        if child is None:
            raise HDF5Error(f"a B-tree node at byte {node.start} has a child that leads nowhere")
        yield child, size, depth - 1
