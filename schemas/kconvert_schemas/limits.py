"""What loading and running a bundle may cost: every limit in one place, with the setting that raises it.

Bundles that kconvert writes stay far below all of them; they stop bundles that were made to exhaust time or memory.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from functools import cache

from .errors import InputError, show

MB = 1 << 20
ROW = 150_000
"""Elements that count as a row of an input, about a picture of 224 x 224: more is more rows."""
NONE = "none"


@cache
def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


@dataclass(frozen=True, slots=True)
class BundleLimits:
    """Bounds on what a bundle may ask for.

    graph_size: bytes of graph.json. graph_depth: how deep its JSON may be nested. graph_digits: of a whole number in
    it. nodes: of the graph and its bodies together. bodies: how deep bodies may be nested. rank: axes of a value.
    strings_size: bytes of all weights that are strings, and letters that an op makes. value_size: bytes of one value,
    sizes that the graph leaves open counted as 1. run_memory: bytes of the values that a run holds at one time, once
    the shapes of the inputs are known; row_memory: more of them for each row. run_seconds: how long a run may compute
    on one core, as estimated before it starts; row_seconds: more of them for each row. `rows` says what a row is.
    text_size: bytes of an input of text (.json, .csv, .txt, a line of --stream). array_size: of an array that is
    unpacked or comes through a pipe, and of the pixels of a picture; arrays in .npy files are read as far as needed.
    """

    graph_size: int = 32 * MB
    graph_depth: int = 200
    graph_digits: int = 20
    nodes: int = 50_000
    bodies: int = 8
    rank: int = 32
    strings_size: int = 64 * MB
    value_size: int = 1024 * MB
    run_memory: int = 512 * MB
    row_memory: int = 128 * MB
    run_seconds: int = 6
    row_seconds: int = 4
    text_size: int = 32 * MB
    array_size: int = 256 * MB

    def memory(self, rows: int) -> int:
        """Return how many bytes a run of so many rows may hold; never more than the machine has, but for `none`."""
        allowed = self.run_memory + rows * self.row_memory
        return allowed if allowed >= sys.maxsize else min(allowed, max(_physical_memory(), self.run_memory))

    def seconds(self, rows: int) -> int:
        """Return how long a run of so many rows may take."""
        return self.run_seconds + rows * self.row_seconds


def rows(shapes: Iterable[Sequence[int]]) -> int:
    """Return how many rows inputs of these shapes are: their first sizes, or as many as they hold of ROW elements."""
    return max((max(shape[0] if shape else 1, math.prod(shape) // ROW) for shape in shapes), default=0)


DEFAULT = BundleLimits()
_IN_FORCE: ContextVar[BundleLimits] = ContextVar("bundle_limits", default=DEFAULT)


def current() -> BundleLimits:
    """Return the limits in force."""
    return _IN_FORCE.get()


@contextmanager
def in_force(limits: BundleLimits) -> Iterator[None]:
    """Let other limits hold within the block."""
    token = _IN_FORCE.set(limits)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def parse_limits(settings: Iterable[str]) -> BundleLimits:
    """Return the limits with changes such as 'nodes=500000' or 'graph_size=none'; InputError for others."""
    return replace(DEFAULT, **changes(settings, list(asdict(DEFAULT))))


def changes(settings: Iterable[str], names: list[str]) -> dict[str, int]:
    """Return what settings NAME=VALUE say of limits called `names`; InputError for what is none."""
    found = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in names:
            raise InputError(f"There is no limit {show(name)}. The limits are {', '.join(names)}.")
        if value != NONE and not (value.isdecimal() and len(value) < 19):
            raise InputError(f"The limit {name} takes a whole number, or {NONE}; received {show(value)}.")
        found[name] = sys.maxsize if value == NONE else int(value)
    return found
