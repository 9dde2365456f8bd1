"""Calls of NumPy, made at once, or taken down to be made in every run.

A kernel that a plan has chosen says `do(np.add, x, y, out=z)` instead of calling. What else it works out, such as parts
of arrays and memory for what is in between, depends on shapes alone. So where its arrays lie in the same place in every
run, its calls are taken down in the first one, and later runs only make them: Python then does next to nothing between
two calls, and other threads seldom wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
Span: TypeAlias = "tuple[int, int]"
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

    def each(self, work: Callable[[Do, Sequence[Item]], object], items: Sequence[Item], *, shared: bool) -> None:
        """Do work(do, some items) for all items; if `shared`, on all cores."""
        (for_each if shared else one_by_one)(partial(work, self), _among(items, workers() if shared else 1))

    def again(self, known: dict[Any, Calls], key: Any, work: Callable[[Do], object]) -> None:
        """Do work(do), whose calls are `known` where the work with this key has been taken down before."""
        work(self)

    def ahead(
        self, make: Make[Item, Made], use: Callable[[Do, Made], object], items: Sequence[Item], places: int, *,
        shared: bool,
    ) -> None:  # fmt: skip
        """Do use(do, make(do, item)) for every item; if `shared`, as `pipelined` does."""
        made = {}

        def make_one(i: int) -> None:
            made[i] = make(self, items[i])

        def use_one(i: int) -> None:
            use(self, made.pop(i))

        _turns(make_one, use_one, len(items), places if shared else None)

    def in_one_thread(self, work: Callable[[Do], object]) -> None:
        """Do work(do) with BLAS on one thread."""
        with blas.single_threaded():
            work(self)


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that was taken down. reads, writes: bytes from..to in memory; None where they are not known."""

    call: Callable[[], object]
    reads: tuple[Span, ...] = ()
    writes: tuple[Span, ...] | None = None


class Recording:
    """Takes down calls, for arrays that stay where they are.

    parts: what is to be done one after the other: calls for one thread, or for each of several threads.
    """

    def __init__(self, workspace: Workspace, lane: int | None = None) -> None:
        """`lane`: the number of the thread that makes the calls for one, if it is one of those that share the work."""
        self.parts: list[list[list[Taken]]] = []
        self.count = 0
        self._workspace = workspace
        self._own = workspace if lane is None else workspace.lane(lane)

    def __call__(self, function: Callable[..., Any], *operands: Any, **options: Any) -> None:
        """Take down a call; Unfixed beyond CALLS of them."""
        self._take(_taken(function, operands, options))

    def _take(self, taken: Taken) -> None:
        self.count += 1
        if self.count > CALLS:
            raise Unfixed
        if not self.parts or len(self.parts[-1]) > 1:
            self.parts.append([[]])
        self.parts[-1][0].append(taken)

    @property
    def calls(self) -> Calls:
        """All calls, those for several threads as one."""
        found: Calls = []
        for lanes in self.parts:
            each = [[taken.call for taken in lane] for lane in lanes]
            found.extend(each[0] if len(each) == 1 else [partial(for_each, replay, each)])
        return found

    def scratch(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Return memory for what is in between; Unfixed for more than is kept."""
        if math.prod(shape) * np.dtype(dtype).itemsize > LIMIT:
            raise Unfixed
        return self._own.array(name, shape, dtype)

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

    def each(self, work: Callable[[Do, Sequence[Item]], object], items: Sequence[Item], *, shared: bool) -> None:
        """Take down what work(do, some items) does for all items; if `shared`, in as many parts as there are cores."""
        if not shared:
            work(self, items)
            return
        lanes = []
        for i, some in enumerate(_among(items, workers())):
            lane = Recording(self._workspace.lane(i))
            work(lane, some)
            lanes.append([taken for (part,) in lane.parts for taken in part])
            self.count += lane.count
        if self.count > CALLS:
            raise Unfixed
        self.parts.append(lanes)

    def again(self, known: dict[Any, Calls], key: Any, work: Callable[[Do], object]) -> None:
        """Take down what work(do) does once for each key; those with the same key do the same in the same memory."""
        if key not in known:
            inner = Recording(self._own)
            work(inner)
            (known[key],) = self._of(inner)
        self._take(Taken(partial(replay, known[key])))

    def ahead(
        self, make: Make[Item, Made], use: Callable[[Do, Made], object], items: Sequence[Item], places: int, *,
        shared: bool,
    ) -> None:  # fmt: skip
        """Take down use(do, make(do, item)) for every item; if `shared`, to be done as `pipelined` does."""
        makes: list[Calls] = []
        uses: list[Calls] = []
        for item in items:
            first, then = Recording(self._own), Recording(self._own)
            use(then, make(first, item))
            for calls, all_ in zip(self._of(first, then), (makes, uses), strict=True):
                all_.append(calls)
        turns = partial(_turns, lambda i: replay(makes[i]), lambda i: replay(uses[i]), len(items))
        self._take(Taken(partial(turns, places if shared else None)))

    def in_one_thread(self, work: Callable[[Do], object]) -> None:
        """Take down work(do), for BLAS on one thread."""
        inner = Recording(self._own)
        work(inner)
        self._take(Taken(partial(blas.in_one_thread(replay), *self._of(inner))))

    def _of(self, *others: Recording) -> list[Calls]:
        self.count += sum(one.count for one in others)
        return [one.calls for one in others]


Do: TypeAlias = "AtOnce | Recording"
at_once = AtOnce()


def _turns(make: Callable[[int], object], use: Callable[[int], object], count: int, places: int | None) -> None:
    if places is not None:
        pipelined(make, use, count, places)
        return
    for i in range(count):
        make(i)
        use(i)


def _among(items: Sequence[Item], threads: int) -> list[Sequence[Item]]:
    """Cut items into as many parts as there are threads, or items if these are fewer."""
    count = max(min(threads, len(items)), 1)
    return [items[len(items) * i // count : len(items) * (i + 1) // count] for i in range(count)]


def _taken(function: Callable[..., Any], operands: tuple[Any, ...], options: dict[str, Any]) -> Taken:
    """Return the call in the form in which it takes Python the least time: small models consist of that."""
    arrays = [one for one in (*operands, *options.values()) if isinstance(one, np.ndarray)]
    reads = tuple(span(one) for one in arrays if one.size)
    if function is np.copyto and not options:
        target, source = operands
        if isinstance(source, np.ndarray):
            return Taken(partial(target.__setitem__, ..., source), reads, reads[:1])
        return Taken(partial(target.fill, source), reads, reads)
    if "out" not in options:
        return Taken(partial(function, *operands, **options))
    out = options["out"]
    writes = (span(out),) if out.size else ()
    if isinstance(function, np.ufunc) and options.keys() == {"out"}:
        operands = tuple(one if isinstance(one, np.ndarray) else np.asarray(one, out.dtype) for one in operands)
        if function not in NAMED:
            return Taken(partial(function, *operands, out), reads, writes)
    return Taken(partial(function, *operands, **options), reads, writes)


def span(array: Array) -> Span:
    """Return where the bytes of an array, which has some, begin and end in memory."""
    low = high = int(array.__array_interface__["data"][0])
    for size, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            low += (size - 1) * stride
        else:
            high += (size - 1) * stride
    return low, high + array.itemsize


def replay(calls: Iterable[Callable[[], object]]) -> None:
    """Make calls that were taken down."""
    for call in calls:
        call()
