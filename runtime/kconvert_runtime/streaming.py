"""Long inputs, a batch at a time: the next one is read and the last one written while one is computed."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError
from kconvert_schemas.graph import Port

from .inputs import fit as fitted
from .inputs import prepare
from .sizes import TooMuch

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")
Batch = tuple[int, int]
Shape = tuple[int, ...]


class Sink(Protocol):
    """Where results go, batch after batch, in order."""

    def put(self, start: int, stop: int, rows: int, results: Sequence[Array]) -> None:
        """Take the outputs of the rows from `start` to `stop`, of `rows` in all."""


def stream(
    ports: Sequence[Port], given: Sequence[Any], run: Callable[[list[Array]], list[Array]], batch_size: int,
    sink: Sink, report: Callable[[int, int], None] | None = None, *,
    fit: Callable[[tuple[Shape, ...]], object] = lambda shapes: None, behind: bool = False,
) -> None:  # fmt: skip
    """Run the rows of the inputs `given` in batches and give the results to `sink`; one empty batch for no rows.

    fit: raises TooMuch for shapes of a batch that go beyond the limits; batches are made smaller then.

    Arrays that are mapped from files are read ahead in a thread, and their memory is let go of; behind: `sink` works
    in a thread, too. Models with a fixed batch take all rows at once. Raises InputError.
    """
    arrays = [_fitted(port, value) for port, value in zip(ports, given, strict=True)]
    rows = _rows(arrays)
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, got {batch_size}.")
    if any(port.type.shape[:1] != (None,) for port in ports):
        batch_size = max(rows, 1)
    else:
        batch_size = _allowed(min(batch_size, max(rows, 1)), arrays, fit)
    batches = [(start, min(start + batch_size, rows)) for start in range(0, max(rows, 1), batch_size)]
    maps = [found for array in arrays if (found := mapping(array)) is not None]

    def read(batch: Batch) -> list[Array]:
        parts = [prepare(port, array[slice(*batch)]) for port, array in zip(ports, arrays, strict=True)]
        return [np.array(part) for part in parts] if maps else parts

    with ExitStack() as stack:
        inputs = _ahead(stack.enter_context(_thread()), read, batches) if maps else map(read, batches)
        write = _Behind(stack.enter_context(_thread()), sink.put) if behind and len(batches) > 1 else sink.put
        for (start, stop), batch in zip(batches, inputs, strict=True):
            write(start, stop, rows, run(batch))
            let_go(maps)
            if report:
                report(stop, rows)
        if isinstance(write, _Behind):
            write.wait()


class Collected:
    """The outputs of all rows in one array each, or in the arrays `given` for them."""

    def __init__(self, names: Sequence[str], given: Sequence[Array] | None = None) -> None:
        self.names = names
        self.given = given
        self._whole: list[Array | None] = [None] * len(names)
        self._parts: list[list[Array]] = [[] for _ in names]

    def put(self, start: int, stop: int, rows: int, results: Sequence[Array]) -> None:
        """Take the outputs of some rows. An output that has not a row for each of the input is joined at the end."""
        for i, result in enumerate(results):
            by_row = result.ndim > 0 and len(result) == stop - start
            if start == 0 and by_row and (self.given is not None or stop < rows):
                self._whole[i] = self._place(i, (rows, *result.shape[1:]), result.dtype)
            whole = self._whole[i]
            if whole is None:
                self._parts[i].append(result)
            elif not by_row or whole.shape[1:] != result.shape[1:]:
                raise InputError(
                    f"Output {self.names[i]} has the shape {result.shape} for rows {start} to {stop}, and other rows "
                    "another. Run such rows in calls of their own."
                )
            else:
                whole[start:stop] = result

    def arrays(self) -> list[Array]:
        """Return the outputs."""
        return [
            whole if whole is not None else _joined(parts)
            for whole, parts in zip(self._whole, self._parts, strict=True)
        ]

    def _place(self, index: int, shape: tuple[int, ...], dtype: Any) -> Array:
        if self.given is None:
            return np.empty(shape, dtype)
        array = self.given[index]
        if array.shape != shape or array.dtype != dtype:
            raise InputError(
                f"out for {self.names[index]} must be {dtype}{list(shape)}, got {array.dtype}{list(array.shape)}."
            )
        return array


def _joined(parts: Sequence[Array]) -> Array:
    if len(parts) == 1:
        return parts[0]
    if parts[0].ndim == 0:
        raise InputError("An output of this model has no rows; run all rows at once, with a larger batch size.")
    return np.concatenate(parts)


def _fitted(port: Port, value: Any) -> Array:
    """Return an array of the input's shape; numbers in an array are not converted before their batch comes."""
    if isinstance(value, np.ndarray) and value.ndim and port.type.dtype != "string":
        return fitted(port, np.asarray(value))
    return prepare(port, value)


def _rows(arrays: Sequence[Array]) -> int:
    sizes = {array.shape[0] for array in arrays if array.ndim}
    if len(sizes) > 1:
        raise InputError(f"All inputs must have the same number of rows, got {', '.join(map(str, sorted(sizes)))}.")
    return sizes.pop() if sizes else 0


def _allowed(batch_size: int, arrays: Sequence[Array], fit: Callable[[tuple[Shape, ...]], object]) -> int:
    """Return how many rows can be run at a time; raises TooMuch if one is too many."""
    while True:
        try:
            fit(tuple((min(batch_size, len(array)), *array.shape[1:]) for array in arrays))
        except TooMuch:
            if batch_size == 1:
                raise
            batch_size = -(-batch_size // 2)
        else:
            return batch_size


def mapping(array: Any) -> mmap.mmap | None:
    """Return the file mapping in which an array lies, if it can only be read."""
    if array.flags.writeable:
        return None
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None


def let_go(maps: Sequence[mmap.mmap]) -> None:
    """Let go of the memory in which parts of files were read: the rows are copied, and come again if asked for."""
    for one in maps:
        if hasattr(mmap, "MADV_DONTNEED"):
            one.madvise(mmap.MADV_DONTNEED)


def _thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # only now: few runs need it

    return ThreadPoolExecutor(1, "kconvert-files")


def _ahead(pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield work(item) for all items, working on the next one while this one is used."""
    last: Future[Result] | None = None
    for item in items:
        following = pool.submit(work, item)
        if last is not None:
            yield last.result()
        last = following
    if last is not None:
        yield last.result()


class _Behind:
    """A function whose calls are done in a thread, one after the other; an error comes with the next call."""

    def __init__(self, pool: ThreadPoolExecutor, function: Callable[..., None]) -> None:
        self._pool = pool
        self._function = function
        self._last: Future[None] | None = None

    def __call__(self, *arguments: Any) -> None:
        self.wait()
        self._last = self._pool.submit(self._function, *arguments)

    def wait(self) -> None:
        if self._last is not None:
            self._last.result()
