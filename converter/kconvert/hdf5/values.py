"""Stored bytes -> arrays and texts."""

from __future__ import annotations

from math import prod

import numpy as np

from kconvert_schemas.dtypes import Array

from .datatypes import Datatype
from .errors import HDF5Error
from .globalheap import GlobalHeap
from .source import Cursor, decoded

SPACES = 2
LARGEST = 1 << 62
"""NumPy refuses even empty arrays with axes whose product is larger."""


def decode(data: memoryview, kind: Datatype, shape: tuple[int, ...], heap: GlobalHeap) -> Array:
    """Return values as an array of `shape`: a view of `data` where NumPy can read it as it is, texts as `str`."""
    if len(data) != prod(shape) * kind.size:
        raise HDF5Error(f"{len(data)} bytes are stored where {prod(shape) * kind.size} are needed")
    if prod(n or 1 for n in shape) * kind.size >= LARGEST:
        raise HDF5Error("its shape is impossible")
    if kind.name in ("text", "variable text"):
        texts = np.empty(prod(shape), object)
        texts[:] = _texts(data, kind, len(texts), heap)
        return texts.reshape(shape)
    values = np.frombuffer(data, kind.stored).reshape(shape)
    if kind.name == "bool":
        if values.size and values.max() > 1:
            raise HDF5Error("a truth value is neither 0 nor 1")
        return values.view(np.bool_)
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _texts(data: memoryview, kind: Datatype, count: int, heap: GlobalHeap) -> list[str]:
    heap.source.spend(len(data) + 16 * count)
    if kind.name == "variable text":
        cursor = Cursor(heap.source, data, 0, "a text")
        return [_variable(cursor, kind, heap) for _ in range(count)]
    size = kind.size
    stripped = b" \0" if kind.padding == SPACES else b"\0"
    return [decoded(bytes(data[i * size : (i + 1) * size]).rstrip(stripped), "a text") for i in range(count)]


def _variable(cursor: Cursor, kind: Datatype, heap: GlobalHeap) -> str:
    element = cursor.part(kind.size, cursor.what)
    size, address, index = element.uint(4), element.address(), element.uint(4)
    return decoded(heap.text(address, index, size), "a text").rstrip("\0")
