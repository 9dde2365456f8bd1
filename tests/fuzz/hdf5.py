"""Damaged HDF5 files: whatever is wrong must be an HDF5Error, soon and without much memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from kconvert.hdf5 import Dataset, File, Group, HDF5Error
from kconvert.hdf5.source import Source
from tests.fuzz.mutate import mutated
from tests.hdf5.files import CHUNKED, PLAIN, VERSIONS, many, written

SIZE_LIMIT = 40_000


@cache
def seeds() -> list[bytes]:
    """Small files of every kind."""
    fills = [*PLAIN.values(), *(make() for make in CHUNKED.values())]
    found = [written(fill, version) for version in VERSIONS for fill in fills]
    found += [written(many(20, 20, 1), version, track_order=True, userblock_size=512) for version in VERSIONS]
    return [data for data in found if len(data) < SIZE_LIMIT]


def damaged(seed: int) -> tuple[bytes, bool]:
    """File number `seed`, and whether checksums count: without them, the damage reaches deeper."""
    random = Random(seed)
    return mutated(random.choice(seeds()), random), random.random() < 0.4


def check(seed: int) -> bool:
    """Read file number `seed`; tell whether something was found to be wrong."""
    data, checksums = damaged(seed)
    agrees = Source.agrees
    if not checksums:
        Source.agrees = lambda self, data: True  # type: ignore[method-assign]
    try:
        return read_all(data) > 0
    finally:
        Source.agrees = agrees  # type: ignore[method-assign]


def read_all(data: bytes) -> int:
    """Read all that can be read; returns the number of errors. Goes on after each, to reach more code."""
    try:
        root = File(data).root
    except HDF5Error:
        return 1
    errors = 0
    seen: set[int] = set()
    stack: list[Group] = [root]
    while stack:
        group = stack.pop()
        if group.address in seen:
            continue
        seen.add(group.address)
        for names, read in ((attributes, group.attribute), (members, group.__getitem__)):
            for name in names(group) or ():
                found = attempt(lambda: read(name))  # noqa: B023 (called at once)
                errors += found is None
                if isinstance(found, Dataset):
                    errors += attempt(found.read) is None
                elif isinstance(found, Group):
                    stack.append(found)
    return errors


def attributes(group: Group) -> list[str] | None:
    return attempt(lambda: group.attribute_names)


def members(group: Group) -> list[str] | None:
    return attempt(lambda: group.names)


def attempt(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except HDF5Error:
        return None
