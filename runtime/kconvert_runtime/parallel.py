"""Work on several cores: NumPy lets go of the interpreter's lock while it computes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from . import blas

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")

_inside = threading.local()


def workers() -> int:
    """How many threads share the work: as many as BLAS would use."""
    return blas.threads()


@cache
def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # only now: it takes as long to import as all of this package

    return ThreadPoolExecutor(workers() - 1, "kconvert")


def for_each(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call `work` on every item, on all cores; returns when all is done, and raises what a call raised.

    Must run under `blas.single_threaded`, as plans do. In a worker, and for a single item, nothing is shared.
    """
    todo = list(items)
    if len(todo) < 2 or workers() < 2 or getattr(_inside, "worker", False):
        one_by_one(work, todo)
        return
    shared = iter(todo)
    helpers: list[Future[None]] = [_pool().submit(_help, work, shared) for _ in range(min(workers(), len(todo)) - 1)]
    try:
        one_by_one(work, shared)
    finally:
        for _ in shared:  # after an error nothing new is begun
            pass
        for helper in helpers:
            if not helper.cancel():
                helper.result()


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield work(item) for every item, in order; each is computed on another core while the one before is in use.

    Must run under `blas.single_threaded`. In a worker, and for a single item, nothing is shared.
    """
    todo = list(items)
    if len(todo) < 2 or workers() < 2 or getattr(_inside, "worker", False):
        yield from map(work, todo)
        return
    result = work(todo[0])
    for item in todo[1:]:
        coming = _pool().submit(_as_worker, work, item)
        yield result
        result = work(item) if coming.cancel() else coming.result()
    yield result


def one_by_one(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call `work` on every item in this thread."""
    for item in items:
        work(item)


def _help(work: Callable[[Item], object], shared: Iterator[Item]) -> None:
    _as_worker(partial(one_by_one, work), shared)


def _as_worker(work: Callable[[Item], Result], item: Item) -> Result:
    _inside.worker = True
    with np.errstate(all="ignore"):
        return work(item)
