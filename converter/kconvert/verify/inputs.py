"""Inputs that find mistakes: made for a model from its signature and its graph, the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kconvert_schemas.dtypes import Array, cast
from kconvert_schemas.graph import Graph, Port, TensorType

from .ranges import Range, find_range

ROWS = 3
LENGTHS = (7, 1, 16)
"""Sizes of open axes, one for each step; of pictures (two or more open axes before the last) `SIDES` in turn."""
SIDES = ((32, 64), (64, 32), (33, 47))
LARGE, SMALL = 100.0, 1e-3
ODD_WORDS = ("", " ", "zzqx unknown", "Ünïcødé 漢字", "A,b. C!  d\te")

Rng = np.random.Generator
Draw = Callable[[Rng, tuple[int, ...]], Array]


@dataclass(frozen=True, slots=True)
class Case:
    """Arrays by input name, and what is special about them."""

    name: str
    inputs: Mapping[str, Array]


def make_cases(graph: Graph, weights: Mapping[str, Array]) -> Iterator[Case]:
    """Yield cases, the ordinary one first: kinds of values, then batches of 1 and 0, then other sizes of open axes."""
    ports = graph.inputs.ports
    ranges = {port.name: find_range(graph, weights, port.value, port.type.dtype) for port in ports}

    def case(name: str, kind: str, rows: int = ROWS, step: int = 0) -> Case:
        return Case(name, {p.name: _array(p, ranges[p.name], kind, rows, step, seed) for seed, p in enumerate(ports)})

    yield case("ordinary", "ordinary")
    if any(_is_number(port.type) for port in ports):
        for kind in ("zeros", "negative", "large", "small", "padded"):
            yield case(kind, kind)
    if any(port.type.dtype == "string" for port in ports):
        yield case("known words", "known")
        yield case("odd strings", "odd")
        yield case("empty strings", "empty")
    if all(port.type.shape[:1] == (None,) for port in ports):
        yield case("batch of 1", "ordinary", 1)
        yield case("batch of 0", "ordinary", 0)
    if any(None in port.type.shape[1:] for port in ports):
        for step in range(1, len(LENGTHS)):
            yield case(f"open axes of {LENGTHS[step]}", "padded" if step == 2 else "ordinary", ROWS, step)


def _is_number(type_: TensorType) -> bool:
    return type_.dtype != "string"


def _array(port: Port, found: Range, kind: str, rows: int, step: int, seed: int) -> Array:
    rng = np.random.default_rng(seed + 1)
    shape = _shape(port.type, rows, step)
    if port.type.dtype == "string":
        return _strings(rng, shape, found.words, kind)
    values = _whole(rng, shape, found.below, kind) if found.below else _numbers(rng, shape, kind)
    if port.type.dtype == "bool":
        values = values > 0
    elif port.type.dtype.startswith("uint"):
        values = np.abs(values)
    return cast(_padded(values) if kind == "padded" else values, port.type.dtype)


def _shape(type_: TensorType, rows: int, step: int) -> tuple[int, ...]:
    """Fill in the open sizes: pictures get sides that convolutions and pooling leave something of."""
    inner = type_.shape[1:-1]
    sides = len(inner) >= 2 and inner.count(None) >= 2
    sizes: list[int] = []
    for axis, size in enumerate(type_.shape):
        open_size = SIDES[step][axis % 2] if sides else LENGTHS[step]
        sizes.append(size if size is not None else rows if axis == 0 else open_size)
    return tuple(sizes)


def _numbers(rng: Rng, shape: tuple[int, ...], kind: str) -> Array:
    values = rng.normal(size=shape)
    kinds: dict[str, Callable[[], Array]] = {
        "zeros": lambda: np.zeros(shape),
        "negative": lambda: -np.abs(values),
        "large": lambda: values * LARGE,
        "small": lambda: values * SMALL,
    }
    return kinds.get(kind, lambda: values)()


def _whole(rng: Rng, shape: tuple[int, ...], below: int, kind: str) -> Array:
    """Indices from 0; the largest there is for 'large'."""
    if kind in ("zeros", "large"):
        return np.full(shape, 0 if kind == "zeros" else below - 1)
    return rng.integers(0, below, shape)


def _padded(values: Array) -> Array:
    """Zeros at the end of each row, more in each; the last row is zeros alone, as padding and masks have it."""
    values = values.copy()
    for row in range(len(values) if values.ndim > 1 else 0):
        kept = values.shape[1] * (len(values) - 1 - row) // max(len(values), 1)
        values[row, kept:] = 0
    return values


def _strings(rng: Rng, shape: tuple[int, ...], words: tuple[str, ...], kind: str) -> Array:
    """Texts of up to six words; in the ordinary case known and odd ones in turn, in capitals at times."""
    known = [word for word in words if word] or ["a", "word", "the 2nd"]
    array = np.empty(shape, object)
    for index in range(array.size):
        drawn = [known[i] for i in rng.integers(0, len(known), rng.integers(1, 7) if shape[-1:] == (1,) else 1)]
        text = {"empty": "", "odd": ODD_WORDS[index % len(ODD_WORDS)], "known": drawn[0]}.get(kind)
        if text is None:
            text = [" ".join(drawn), ODD_WORDS[index % len(ODD_WORDS)], drawn[0].title(), drawn[0]][index % 4]
        array.flat[index] = text
    return array
