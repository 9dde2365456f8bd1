"""Datasets: arrays in the file."""

from __future__ import annotations

from functools import cached_property
from math import prod

import numpy as np

from kconvert_schemas.dtypes import Array

from .chunkindex import Chunk, Grid, read_chunks
from .dataspace import read_extent
from .datatypes import Datatype, read_datatype
from .errors import HDF5Error
from .filters import Filter, read_filters, undo
from .globalheap import GlobalHeap
from .header import DATASPACE, DATATYPE, EXTERNAL, FILTERS, LAYOUT, Header
from .layout import CHUNKED, COMPACT, Layout, read_layout
from .source import Source
from .values import decode


class Dataset:
    """An array in the file; its values are read when asked for."""

    def __init__(self, source: Source, header: Header, heap: GlobalHeap) -> None:
        self._source = source
        self._header = header
        self._heap = heap

    @cached_property
    def _extent(self) -> tuple[tuple[int, ...] | None, tuple[int | None, ...]]:
        return read_extent(self._header.one(DATASPACE, "the shape"))

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape; () for a single value, None for a dataset without values."""
        return self._extent[0]

    @cached_property
    def type(self) -> Datatype:
        """The type of the values; HDF5Error for those that are not read."""
        return read_datatype(self._header.one(DATATYPE, "the datatype"))

    @cached_property
    def size(self) -> int:
        """The bytes of all values."""
        return self.type.size * prod(self.shape) if self.shape is not None else 0

    @cached_property
    def _layout(self) -> Layout:
        if EXTERNAL in self._header:
            raise HDF5Error("it takes its data from another file (external storage); it is not read")
        return read_layout(self._header.one(LAYOUT, "the layout"))

    @cached_property
    def _filters(self) -> list[Filter]:
        return read_filters(self._header.one(FILTERS, "the filters")) if FILTERS in self._header else []

    @cached_property
    def filtered(self) -> bool:
        """Whether the values passed through filters, so that they need not take as many bytes in the file."""
        return bool(self._filters)

    def check(self) -> None:
        """Raise HDF5Error unless the values can be read, as far as that is known without reading them."""
        layout = self._layout
        if layout.kind != CHUNKED and self._filters:
            raise HDF5Error("it has filters but no chunks")
        if not self.size:
            return
        if layout.kind == CHUNKED:
            self._grid(layout)
        else:
            self._stored(layout)

    def read(self) -> Array:
        """Return the values: a read-only view of the file where that is possible; texts as arrays of `str`."""
        shape = self.shape
        if shape is None:
            raise HDF5Error("it has no values")
        self.check()
        if not self.size:
            return decode(memoryview(b""), self.type, shape, self._heap)
        layout = self._layout
        data = self._assembled(layout) if layout.kind == CHUNKED else self._stored(layout)
        return decode(data, self.type, shape, self._heap)

    def place(self) -> tuple[memoryview, int]:
        """Return the bytes of the file, and where in them the values stand, one after the other.

        HDF5Error where they stand in chunks or within a header, whose checksums change with them.
        """
        self.check()
        layout = self._layout
        if layout.kind == CHUNKED:
            raise HDF5Error("its values stand in chunks")
        if layout.kind == COMPACT:
            raise HDF5Error("its values stand within its header")
        return self._source.data, (layout.address or 0) + self._source.base

    def _stored(self, layout: Layout) -> memoryview:
        """Return the bytes of values that are stored in one piece: exactly as many as the shape needs."""
        stored = len(layout.data) if layout.data is not None else layout.size
        if stored not in (None, self.size):
            raise HDF5Error(f"its shape {_shape(self.shape)} needs {self.size} bytes, {stored} are stored")
        if layout.kind == COMPACT and layout.data is not None:
            return layout.data
        if layout.address is None:
            raise HDF5Error("its values were never written")
        return self._source.raw(layout.address, self.size, "its data")

    def _grid(self, layout: Layout) -> Grid:
        """Return the grid of chunks; HDF5Error when it asks for far more bytes than the file could hold."""
        shape = self.shape or ()
        if len(layout.chunk) != len(shape):
            raise HDF5Error(f"it has {len(shape)} axes, its chunks have {len(layout.chunk)}")
        counts = tuple(-(-n // c) for n, c in zip(shape, layout.chunk, strict=True))
        largest = tuple(n and -(-n // c) for n, c in zip(self._extent[1], layout.chunk, strict=True))
        grid = Grid(counts, largest, layout.chunk, prod(layout.chunk) * self.type.size, bool(self._filters))
        most = self._source.most if self._filters else len(self._source.data)
        if grid.total * grid.size > most:
            limit = " (limit hdf5_expansion)" if self._filters else ""
            raise HDF5Error(f"its shape {_shape(self.shape)} needs far more bytes than the file has{limit}")
        return grid

    def _assembled(self, layout: Layout) -> memoryview:
        """Return the bytes of all chunks, put together."""
        grid, shape = self._grid(layout), self.shape or ()
        self._source.unpack(grid.total * grid.size)
        stored = np.dtype(("V", self.type.size))
        whole = np.empty(shape, stored)
        seen: set[tuple[int, ...]] = set()
        for chunk in read_chunks(self._source, layout, grid):
            if chunk.place in seen or not grid.holds(chunk.place):
                raise HDF5Error(f"it has a chunk at the place {chunk.place} twice, or outside of its shape")
            seen.add(chunk.place)
            corner = [p * c for p, c in zip(chunk.place, grid.chunk, strict=True)]
            sizes = [min(c, n - at) for c, n, at in zip(grid.chunk, shape, corner, strict=True)]
            values = np.frombuffer(self._unpacked(chunk, grid, layout, sizes), stored).reshape(grid.chunk)
            part = tuple(slice(at, at + n) for at, n in zip(corner, sizes, strict=True))
            whole[part] = values[tuple(slice(n) for n in sizes)]
        if len(seen) != grid.total:
            raise HDF5Error(f"{grid.total - len(seen)} of its {grid.total} chunks were never written")
        return whole.reshape(-1).view(np.uint8).data

    def _unpacked(self, chunk: Chunk, grid: Grid, layout: Layout, sizes: list[int]) -> memoryview | bytes:
        data = self._source.raw(chunk.address, chunk.size, "a chunk of its data")
        partial = layout.partial_unfiltered and sizes != list(grid.chunk)
        return undo(data, [] if partial else self._filters, 0 if partial else chunk.mask, grid.size)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape or ())) or "()"
