"""Memory for what a kernel needs while it runs, kept by each thread for the next call."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

_kept = threading.local()
LIMIT = 1 << 26
"""Bytes above which memory is not kept."""


def scratch(name: str, shape: Sequence[int], dtype: Any) -> Array:
    """Return an array with any content. The next call with this name in this thread gives the same memory."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size > LIMIT:
        return np.empty(shape, dtype)
    buffers = _kept.__dict__
    buffer = buffers.get(name)
    if buffer is None or buffer.nbytes < size:
        buffer = buffers[name] = np.empty(size, np.uint8)
    return np.asarray(buffer[:size].view(dtype).reshape(shape))
