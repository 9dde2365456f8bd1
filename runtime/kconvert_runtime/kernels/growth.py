"""Bounds on memory that nothing can count before a run: outputs whose size depends on values, long formulas."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.limits import current

PIECE = 1 << 16
"""Elements that a formula with many intermediate results is computed for at a time."""


def in_pieces(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Let a function of each element alone work on a piece of its input at a time."""

    @wraps(function)
    def run(x: Array) -> Array:
        if x.size <= PIECE:
            return function(x)
        y, flat = np.empty(x.size, x.dtype), np.ascontiguousarray(x).reshape(-1)
        for start in range(0, x.size, PIECE):
            y[start : start + PIECE] = function(flat[start : start + PIECE])
        return y.reshape(x.shape)

    return run


def require_letters(count: int) -> None:
    """Raise ValueError where an op would make strings of so many letters that they go beyond `strings_size`."""
    if count > current().strings_size:
        raise ValueError(f"strings of {count} letters together (limit strings_size)")


def require_size(count: int, dtype: np.dtype[Any]) -> None:
    """Raise ValueError where so many elements, which depend on values, go beyond `value_size`."""
    if count * dtype.itemsize > current().value_size:
        raise ValueError(f"an output of {count} elements (limit value_size)")
