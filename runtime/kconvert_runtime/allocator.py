"""Memory that arrays let go, kept for the next step that asks for it.

The system hands out memory in pages of 4 KB, each of which costs time when it is first written to. Training asks for
the same arrays in every step, so what it lets go is better kept. Only glibc can be told so; elsewhere nothing changes.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

TRIM, MAPPED = -1, -3
"""Parameters of mallopt: unused memory from which on it is handed back, arrays from which on each is mapped alone."""
ALL = 1 << 30
AFTER = {MAPPED: 1 << 25, TRIM: 1 << 26}
"""What glibc comes to by itself where large arrays are let go."""

_lock = threading.Lock()
_users = 0


@cache
def _glibc() -> Any:
    """The C library, where it is glibc."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # not on Windows
        return None
    return library if all(hasattr(library, name) for name in ("mallopt", "malloc_trim")) else None


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep what arrays let go; the last of several users at once hands it back."""
    global _users
    library = _glibc()
    if library is None:
        yield
        return
    with _lock:
        _users += 1
        if _users == 1:
            library.mallopt(TRIM, ALL)
            if not library.mallopt(MAPPED, ALL):
                library.mallopt(MAPPED, AFTER[MAPPED])
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                for parameter, value in AFTER.items():
                    library.mallopt(parameter, value)
                library.malloc_trim(0)
