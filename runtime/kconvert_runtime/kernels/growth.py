"""Bounds on outputs whose size depends on values, which nothing can count before a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.limits import current


def require_letters(count: int) -> None:
    """Raise ValueError where an op would make strings of so many letters that they go beyond `strings_size`."""
    if count > current().strings_size:
        raise ValueError(f"strings of {count} letters together (limit strings_size)")


def require_size(count: int, dtype: np.dtype[Any]) -> None:
    """Raise ValueError where so many elements, which depend on values, go beyond `value_size`."""
    if count * dtype.itemsize > current().value_size:
        raise ValueError(f"an output of {count} elements (limit value_size)")
