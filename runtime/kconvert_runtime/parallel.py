"""Work on several cores: NumPy lets go of the interpreter's lock while it computes.

The threads are plain ones that wait at a queue. What `concurrent.futures` adds to that costs as much again as the
waiting itself, and takes long to import.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Any, Generic, TypeVar

import numpy as np

from . import blas
from .cores import Apart

Item = TypeVar("Item")
Result = TypeVar("Result")

_inside = threading.local()


def workers() -> int:
    """How many threads share the work: as many as BLAS would use."""
    return blas.threads()


def for_each(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call `work` on every item, on all cores; returns when all is done, and raises what a call raised.

    Must run under `blas.single_threaded`, as plans do. In a worker, and for a single item, nothing is shared.
    """
    todo = list(items)
    if len(todo) < 2 or not shares():
        one_by_one(work, todo)
        return
    shared = iter(todo)
    helpers = [Job(partial(one_by_one, work, shared)) for _ in range(min(workers(), len(todo)) - 1)]
    try:
        with held():
            one_by_one(work, shared)
    finally:
        for _ in shared:  # after an error nothing new is begun
            pass
        for helper in helpers:
            if not helper.cancel():
                helper.result()


PLACES = 4
"""Items that are made and not used yet at most: more would only leave the caches."""


def places() -> int:
    """How many items `pipelined` best has made and not used: while one is used, each other core makes one."""
    return min(max(workers(), 2), PLACES)


def pipelined(make: Callable[[int], object], use: Callable[[int], object], count: int, places: int) -> None:
    """Call make(i), on all cores, and when that is done use(i), in order and in this thread, for i in range(count).

    Item i + places is begun after use(i), so it may take the memory of item i. Must run under `blas.single_threaded`.
    In a worker, and for a single item, nothing is shared.
    """
    if count < 2 or not shares():
        for i in range(count):
            make(i)
            use(i)
        return
    todo, free = iter(range(count)), threading.Semaphore(places)
    unfinished = [threading.Lock() for _ in range(count)]
    for lock in unfinished:
        lock.acquire()

    def make_next(wait: bool) -> bool:
        if not free.acquire(blocking=wait):
            return False
        i = next(todo, None)
        if i is None:
            free.release()
            return False
        try:
            make(i)
        finally:
            unfinished[i].release()
        return True

    def help_() -> None:
        while make_next(wait=True):
            pass

    helpers = [Job(help_) for _ in range(min(workers(), count) - 1)]
    try:
        with held():
            for i, lock in enumerate(unfinished):
                while not lock.acquire(blocking=False):
                    if not make_next(wait=False):  # then another thread is at it
                        lock.acquire()
                        break
                use(i)
                free.release()
    finally:
        for _ in todo:  # after an error nothing new is begun
            pass
        free.release(len(helpers))
        for helper in helpers:
            if not helper.cancel():
                helper.result()


def one_by_one(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call `work` on every item in this thread."""
    for item in items:
        work(item)


def shares() -> bool:
    """Whether there are other threads that this one can give work to."""
    return workers() > 1 and not getattr(_inside, "worker", False)


class Job(Generic[Result]):
    """A call for another thread, unless it is cancelled before one gets to it."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._begun, self._unfinished = threading.Lock(), threading.Lock()
        self._unfinished.acquire()
        self._results: list[Result] = []
        self._error: BaseException | None = None
        _helpers().take(self)

    def run(self) -> None:
        """Make the call, in the thread that gets to it."""
        if not self._begun.acquire(blocking=False):
            return
        try:
            self._results.append(self._call())
        except BaseException as error:  # raised again where the result is asked for
            self._error = error
        finally:
            self._unfinished.release()

    def cancel(self) -> bool:
        """Keep the call from being made; False if it has begun."""
        return self._begun.acquire(blocking=False)

    def result(self) -> Result:
        """Wait for the call, and return or raise what it did."""
        self._unfinished.acquire()
        if self._error is not None:
            raise self._error
        return self._results[0]


class Helpers:
    """Threads that make the calls of jobs, one fewer than share the work."""

    def __init__(self) -> None:
        from queue import SimpleQueue  # only now: small models need none

        self._jobs: SimpleQueue[Job[Any]] = SimpleQueue()
        threads = [threading.Thread(target=self._serve, name="kconvert", daemon=True) for _ in range(workers() - 1)]
        for thread in threads:
            thread.start()
        self.apart = Apart([thread.native_id for thread in threads if thread.native_id is not None])

    def take(self, job: Job[Any]) -> None:
        """Let one of the threads make the call of a job, on another core than the calling thread's."""
        self.apart.keep()
        self._jobs.put(job)

    def _serve(self) -> None:
        _inside.worker = True
        with np.errstate(all="ignore"):
            while True:
                self._jobs.get().run()


_helpers = cache(Helpers)


def held() -> AbstractContextManager[None]:
    """Return a context in which the calling thread, which waits for others in between, stays on its core."""
    return _helpers().apart.held()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not live on in a process that is forked
