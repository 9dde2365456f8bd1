"""Memory for what a kernel needs while it runs, kept for the next call."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

LIMIT = 1 << 26
"""Bytes above which memory is not kept."""


class Workspace:
    """Arrays by name. What asks for a name again gets the same memory, so only one thing at a time may use it."""

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}
        self._lanes: list[Workspace] = []

    def array(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Return an array with any content."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        if size > LIMIT:
            return np.empty(shape, dtype)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.nbytes < size:
            buffer = self._buffers[name] = np.empty(size, np.uint8)
        return np.asarray(buffer[:size].view(dtype).reshape(shape))

    def lane(self, index: int) -> Workspace:
        """Return the workspace of the thread with this number, of those that work together."""
        while len(self._lanes) <= index:
            self._lanes.append(Workspace())
        return self._lanes[index]


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.workspace = Workspace()


_kept = _OfThread()


def scratch(name: str, shape: Sequence[int], dtype: Any) -> Array:
    """Return an array with any content. The next call with this name in this thread gives the same memory."""
    return _kept.workspace.array(name, shape, dtype)
