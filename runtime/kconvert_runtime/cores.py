"""Which core a thread runs on, where that can be told and set: on Linux.

Linux may wake a thread on the core of the one that wakes it, and leave both there for tens of milliseconds although
another core is idle. Work that two threads share then takes as long as in one, most often after a pause.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock


@cache
def _current() -> Callable[[], int] | None:
    """The C library's function that tells the core of the calling thread."""
    try:
        return ctypes.PyDLL(None).sched_getcpu if sys.platform == "linux" else None
    except (OSError, AttributeError):
        return None


class Apart:
    """Keeps threads off the core of the one that gives them work: they may run wherever else that one may.

    That one may fall asleep itself while it waits for them, and wake on the core of one of them: `held` prevents it.
    """

    def __init__(self, threads: Sequence[int]) -> None:
        """`threads`: their native ids."""
        self._threads = threads
        self._core = -1
        self._holding = Lock()

    def keep(self) -> int | None:
        """Keep the threads off the core of the calling thread; returns that core, None where it is not known."""
        current = _current()
        if sys.platform != "linux" or current is None:
            return None
        if (core := current()) == self._core:
            return core
        self._core = core
        try:
            others = os.sched_getaffinity(0) - {core}
            for thread in self._threads if others else ():
                os.sched_setaffinity(thread, others)
        except OSError:  # not allowed, or a thread has ended: it only takes longer then
            pass
        return core

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the threads off the core of the calling thread, and that one on it, as long as this lasts.

        Only one thread at a time is kept: several may happen to be on one core when they ask for it.
        """
        before: set[int] = set()
        alone = self._holding.acquire(blocking=False)
        try:
            core = self.keep()
            if alone and core is not None:
                before = _moved({core})
            yield
        finally:
            if len(before) > 1:
                _moved(before)
            if alone:
                self._holding.release()


def _moved(cores: set[int]) -> set[int]:
    """Let the calling thread run on these cores; returns where it could run before, nothing where that is not known."""
    if sys.platform != "linux":
        return set()
    try:
        before = os.sched_getaffinity(0)
        if before != cores:
            os.sched_setaffinity(0, cores)
    except OSError:
        return set()
    return before
