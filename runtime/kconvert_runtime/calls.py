"""Calls of NumPy, made at once, or taken down to be made in every run.

A kernel that a plan has chosen says `do(np.add, x, y, out=z)` instead of calling. What else it works out, such as parts
of arrays and memory for what is in between, depends on shapes alone. So where its arrays lie in the same place in every
run, its calls are taken down in the first one, and later runs only make them: Python then does next to nothing between
two calls, and other threads seldom wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np

from kconvert_schemas.dtypes import Array

from .parallel import for_each, one_by_one, workers
from .scratch import LIMIT, Workspace, scratch

Item = TypeVar("Item")
Calls: TypeAlias = "list[Callable[[], object]]"


class Unfixed(Exception):
    """Calls of this kernel cannot be taken down."""


class AtOnce:
    """Makes every call when it is said."""

    def __call__(self, function: Callable[..., Any], *operands: Any, **options: Any) -> None:
        """Call a function, which writes to one of its operands or to `out`."""
        function(*operands, **options)

    def scratch(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Return memory for what is in between, with any content."""
        return scratch(name, shape, dtype)

    def reshaped(self, name: str, array: Array, shape: Sequence[int]) -> Array:
        """Return `array` in another shape."""
        return array.reshape(shape)

    def contents(self, array: Array) -> Array:
        """Return an array whose numbers the kernel reads other than by calls."""
        return array

    def each(self, work: Callable[[Do, Item], object], items: Iterable[Item], *, shared: bool) -> None:
        """Do work(do, item) for every item; if `shared`, on all cores."""
        (for_each if shared else one_by_one)(partial(work, self), items)


class Recording:
    """Takes down calls, for arrays that stay where they are."""

    def __init__(self, workspace: Workspace) -> None:
        self.calls: Calls = []
        self._workspace = workspace

    def __call__(self, function: Callable[..., Any], *operands: Any, **options: Any) -> None:
        """Take down a call."""
        self.calls.append(partial(function, *operands, **options))

    def scratch(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Return memory for what is in between; Unfixed for more than is kept."""
        if math.prod(shape) * np.dtype(dtype).itemsize > LIMIT:
            raise Unfixed
        return self._workspace.array(name, shape, dtype)

    def reshaped(self, name: str, array: Array, shape: Sequence[int]) -> Array:
        """Return `array` in another shape: a view, else memory of this name into which it is copied."""
        view = array.reshape(shape)
        if np.may_share_memory(view, array) or not array.size:
            return view
        copy = self.scratch(name, array.shape, array.dtype)
        self(np.copyto, copy, array)
        return copy.reshape(shape)

    def contents(self, array: Array) -> Array:
        """Raise Unfixed: another run has other numbers there."""
        raise Unfixed

    def each(self, work: Callable[[Do, Item], object], items: Iterable[Item], *, shared: bool) -> None:
        """Take down what work(do, item) does for every item; if `shared`, in as many parts as there are cores."""
        if not shared:
            for item in items:
                work(self, item)
            return
        lanes = [Recording(self._workspace.lane(i)) for i in range(workers())]
        for i, item in enumerate(items):
            work(lanes[i % len(lanes)], item)
        self.calls.append(partial(for_each, replay, [lane.calls for lane in lanes if lane.calls]))


Do: TypeAlias = "AtOnce | Recording"
at_once = AtOnce()


def replay(calls: Iterable[Callable[[], object]]) -> None:
    """Make calls that were taken down."""
    for call in calls:
        call()
