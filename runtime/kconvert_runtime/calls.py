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

from . import blas
from .parallel import for_each, one_by_one, pipelined, workers
from .scratch import LIMIT, Workspace, scratch

CALLS = 1 << 15
"""Calls that are taken down at most: each holds on to about half a kilobyte."""

NAMED = (np.maximum, np.minimum)
"""Functions of NumPy that take `out` by name only."""

Item = TypeVar("Item")
Made = TypeVar("Made")
Calls: TypeAlias = "list[Callable[[], object]]"
Make: TypeAlias = "Callable[[Do, Item], Made]"


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

    def handed_on(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Return memory for what another thread may read, which this one must not give away again meanwhile."""
        return np.empty(shape, dtype)

    def contents(self, array: Array) -> Array:
        """Return an array whose numbers the kernel reads other than by calls."""
        return array

    def each(self, work: Callable[[Do, Item], object], items: Iterable[Item], *, shared: bool) -> None:
        """Do work(do, item) for every item; if `shared`, on all cores."""
        (for_each if shared else one_by_one)(partial(work, self), items)

    def ahead(
        self, make: Make[Item, Made], use: Callable[[Do, Made], object], items: Iterable[Item], *, shared: bool
    ) -> None:
        """Do use(do, make(do, item)) for every item; if `shared`, as `pipelined` does."""
        todo, made = list(items), {}

        def make_one(i: int) -> None:
            made[i] = make(self, todo[i])

        def use_one(i: int) -> None:
            use(self, made.pop(i))

        _turns(make_one, use_one, len(todo), shared)

    def in_one_thread(self, work: Callable[[Do], object]) -> None:
        """Do work(do) with BLAS on one thread."""
        with blas.single_threaded():
            work(self)


class Recording:
    """Takes down calls, for arrays that stay where they are."""

    def __init__(self, workspace: Workspace) -> None:
        self.calls: Calls = []
        self.count = 0
        self._workspace = workspace

    def __call__(self, function: Callable[..., Any], *operands: Any, **options: Any) -> None:
        """Take down a call; Unfixed beyond CALLS of them."""
        self.count += 1
        if self.count > CALLS:
            raise Unfixed
        self.calls.append(_short(function, operands, options))

    def scratch(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Return memory for what is in between; Unfixed for more than is kept."""
        if math.prod(shape) * np.dtype(dtype).itemsize > LIMIT:
            raise Unfixed
        return self._workspace.array(name, shape, dtype)

    handed_on = scratch

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
        self(for_each, replay, self._of(*lanes))

    def ahead(
        self, make: Make[Item, Made], use: Callable[[Do, Made], object], items: Iterable[Item], *, shared: bool
    ) -> None:
        """Take down use(do, make(do, item)) for every item; if `shared`, to be done as `pipelined` does."""
        makes: list[Calls] = []
        uses: list[Calls] = []
        for item in items:
            first, then = Recording(self._workspace), Recording(self._workspace)
            use(then, make(first, item))
            for calls, all_ in zip(self._of(first, then), (makes, uses), strict=True):
                all_.append(calls)
        self(_turns, lambda i: replay(makes[i]), lambda i: replay(uses[i]), len(makes), shared)

    def in_one_thread(self, work: Callable[[Do], object]) -> None:
        """Take down work(do), for BLAS on one thread."""
        inner = Recording(self._workspace)
        work(inner)
        self(blas.in_one_thread(replay), *self._of(inner))

    def _of(self, *others: Recording) -> list[Calls]:
        self.count += sum(one.count for one in others)
        return [one.calls for one in others]


Do: TypeAlias = "AtOnce | Recording"
at_once = AtOnce()


def _turns(make: Callable[[int], object], use: Callable[[int], object], count: int, shared: bool) -> None:
    if shared:
        pipelined(make, use, count)
        return
    for i in range(count):
        make(i)
        use(i)


def _short(function: Callable[..., Any], operands: tuple[Any, ...], options: dict[str, Any]) -> Callable[[], object]:
    """Return the call in the form in which it takes Python the least time: small models consist of that."""
    if function is np.copyto and not options:
        target, source = operands
        if isinstance(source, np.ndarray):
            return partial(target.__setitem__, ..., source)
        return partial(target.fill, source)
    if isinstance(function, np.ufunc) and options.keys() == {"out"}:
        out = options["out"]
        operands = tuple(one if isinstance(one, np.ndarray) else np.asarray(one, out.dtype) for one in operands)
        if function not in NAMED:
            return partial(function, *operands, out)
    return partial(function, *operands, **options)


def replay(calls: Iterable[Callable[[], object]]) -> None:
    """Make calls that were taken down."""
    for call in calls:
        call()
