"""What loading and running a bundle may cost: every limit in one place, with the setting that raises it.

Bundles that kconvert writes stay far below all of them; they stop bundles that were made to exhaust time or memory.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace

from .errors import InputError, show

MB = 1 << 20
NONE = "none"


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
    strings_size: bytes of all weights that are strings. value_size: bytes of one value whose shape the graph tells,
    unknown sizes counted as 1. run_memory: bytes of the values that a run holds at one time, once the shapes of the
    inputs are known; the memory of the machine.
    """

    graph_size: int = 64 * MB
    graph_depth: int = 200
    graph_digits: int = 20
    nodes: int = 200_000
    bodies: int = 8
    rank: int = 32
    strings_size: int = 256 * MB
    value_size: int = 4096 * MB
    run_memory: int = field(default_factory=_physical_memory)


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
