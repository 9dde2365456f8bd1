"""Global heaps: where texts of variable length stand."""

from __future__ import annotations

from .errors import HDF5Error
from .source import Source


class GlobalHeap:
    """All collections of a file, each parsed once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._collections: dict[int, dict[int, memoryview]] = {}

    def text(self, address: int | None, index: int, size: int) -> bytes:
        """Return the first `size` bytes of object `index` of the collection at `address`."""
        if size == 0:
            return b""
        if address is None:
            raise HDF5Error("a text leads nowhere")
        if address not in self._collections:
            self._collections[address] = self._read(address)
        found = self._collections[address].get(index)
        if found is None or len(found) < size:
            raise HDF5Error(f"the heap at byte {address} has no text {index} of {size} bytes")
        self.source.spend(size)
        return bytes(found[:size])

    def _read(self, address: int) -> dict[int, memoryview]:
        what = "a global heap"
        width = self.source.length_size
        head = self.source.block(address, 8 + width, what).expect(b"GCOL", (1,))
        head.skip(3)
        size = head.length()
        cursor = self.source.block(address + 8 + width, size - 8 - width, what)
        objects: dict[int, memoryview] = {}
        while cursor.left >= 8 + width:
            index = cursor.uint(2)
            cursor.skip(6)
            size = cursor.length()
            if index == 0:  # the free space at the end
                break
            if index in objects:
                raise HDF5Error(f"{what} at byte {cursor.start} has two objects {index}")
            objects[index] = cursor.take(size)
            cursor.skip(min(-size % 8, cursor.left))
        return objects
