"""How many threads NumPy's BLAS uses, where that can be told and set.

Many small products are faster on one thread each, with the parallelism outside (`parallel.py`): BLAS' own
threads wait for each other in every product. NumPy has no function for it; OpenBLAS, which NumPy's wheels
carry, exports two. Where they are not found nothing is set, and nothing here runs in parallel.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

FOLDERS = ("../numpy.libs", ".dylibs", ".libs")
NAMES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")
SMALL = {"skylakex", "cooperlake", "sapphirerapids"}
"""Processors for which OpenBLAS has kernels for small products."""

_lock = threading.Lock()
_users = 0


@cache
def _library() -> Callable[[str], Any] | None:
    """What finds functions of NumPy's own OpenBLAS by their names."""
    home = Path(np.__file__).parent
    for file in (file for folder in FOLDERS for file in sorted((home / folder).glob("*openblas*"))):
        try:
            library = ctypes.CDLL(str(file))
        except OSError:
            continue
        for name in NAMES:
            if hasattr(library, name.format("set_num_threads")):
                return partial(_function, library, name)
    return None


def _function(library: ctypes.CDLL, name: str, function: str) -> Any:
    return getattr(library, name.format(function), None)


@cache
def _control() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """The functions that get and set the number of BLAS' threads."""
    find = _library()
    found = None if find is None else (find("get_num_threads"), find("set_num_threads"))
    return found if found and all(found) else None


def core() -> str:
    """Return for which processor the kernels are that OpenBLAS uses; empty where that is not known."""
    find = _library()
    name = find("get_corename") if find else None
    if name is None:
        return ""
    name.restype = ctypes.c_char_p
    return (name() or b"").decode(errors="replace")


@cache
def has_small_kernels() -> bool:
    """Tell whether BLAS computes small products of float32 without copying their factors first."""
    return core().lower() in SMALL


@cache
def threads() -> int:
    """The number of threads that BLAS was set up with, so its environment variables hold here too; 1 if unknown."""
    control = _control()
    return max(int(control[0]()), 1) if control else 1


_nothing: AbstractContextManager[None] = nullcontext()


def limited(parallel: bool) -> AbstractContextManager[None]:
    """Keep BLAS on one thread if kernels run in parallel themselves."""
    return single_threaded() if parallel else _nothing


def in_one_thread(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return `call`, with BLAS on one thread while it runs."""

    def run(*arguments: Any) -> Any:
        with single_threaded():
            return call(*arguments)

    return run


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep BLAS on one thread; the last of several users at once sets back what was."""
    global _users
    control = _control()
    if control is None:
        yield
        return
    most = threads()
    with _lock:
        _users += 1
        if _users == 1:
            control[1](1)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                control[1](most)


def alone() -> bool:
    """Tell whether BLAS keeps to one thread now, so that ours may share work."""
    return _users > 0
