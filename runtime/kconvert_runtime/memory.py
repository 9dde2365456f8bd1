"""Which arrays of a plan share memory: a buffer is used again once nothing reads what it held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.graph import TensorType

from .steps import Binding, Memory

ALIGNMENT = 64


def buffers_of(memory: Memory) -> list[Array | None]:
    """Return the arrays for runs that come one after the other, None for those that are new in each."""
    buffers = [_aligned(size) for size in memory.sizes]
    return [None if index is None else _view(buffers[index], type_) for type_, index in memory.arrays]


def new(type_: TensorType) -> Array:
    """Return an array that no other run will see."""
    return np.empty(_shape(type_), holder(type_.dtype))


def plan_memory(
    bindings: Sequence[Binding], outputs: Sequence[str], rest: int = 0
) -> tuple[dict[int, tuple[int | None, ...]], Memory]:
    """Return which arrays each binding fills, by its index, and the memory of these arrays.

    What a kernel returns may be a view of what it was given, so a buffer is in use until the last use of
    every value that was computed from it by such kernels; and for `rest` more bindings.
    """
    filled: list[tuple[int, TensorType]] = []
    fillings: dict[int, tuple[int | None, ...]] = {}
    roots: dict[str, frozenset[int]] = {}
    last: dict[int, int] = {}
    for i, one in enumerate(bindings):
        read = frozenset[int]().union(*(roots.get(value, frozenset()) for value in one.inputs if value is not None))
        last.update(dict.fromkeys(read, i))
        roots.update(dict.fromkeys(one.outputs, read))
        places: list[int | None] = []
        for value, type_ in zip(one.outputs, one.fills, strict=False):
            places.append(None if type_ is None else len(filled))
            if type_ is not None:
                roots[value] = frozenset([len(filled)])
                last[len(filled)] = i
                filled.append((i, type_))
        if places:
            fillings[i] = tuple(places)
    leaving = frozenset[int]().union(*(roots.get(value, frozenset()) for value in outputs))
    until = {n: i + rest for n, i in last.items()}
    buffers, sizes = _packed({n: one for n, one in enumerate(filled) if n not in leaving}, until)
    return fillings, Memory(tuple((type_, buffers.get(n)) for n, (_, type_) in enumerate(filled)), sizes)


def _packed(
    filled: Mapping[int, tuple[int, TensorType]], ends: Mapping[int, int]
) -> tuple[dict[int, int], tuple[int, ...]]:
    """Give each filled array the free buffer that fits best, else make the largest free one larger, else a new one.

    filled: number of an array -> the binding that fills it, its type. ends: until which binding it is in use.
    """
    sizes: list[int] = []
    until: list[int] = []
    places: dict[int, int] = {}
    for n, (i, type_) in filled.items():
        size = _bytes(type_)
        free = [buffer for buffer, end in enumerate(until) if end < i]
        place = min((b for b in free if sizes[b] >= size), default=max(free, default=None, key=sizes.__getitem__),
                    key=sizes.__getitem__)  # fmt: skip
        if place is None:
            place = len(sizes)
            sizes.append(0)
            until.append(0)
        sizes[place], until[place], places[n] = max(sizes[place], size), ends[n], place
    return places, tuple(sizes)


def _shape(type_: TensorType) -> tuple[int, ...]:
    return tuple(n or 0 for n in type_.shape)


def _bytes(type_: TensorType) -> int:
    return int(np.prod(_shape(type_), dtype=np.int64)) * holder(type_.dtype).itemsize


def _aligned(size: int) -> Array:
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


def _view(buffer: Array, type_: TensorType) -> Array:
    return buffer[: _bytes(type_)].view(holder(type_.dtype)).reshape(_shape(type_))
