"""Element-by-element work as a list of NumPy calls that run in place, block by block, while a block is in cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from .costs import CALL, Cost

SLOW: dict[Any, float] = {
    np.exp: 3.5, np.tanh: 3.0, np.divide: 2.0, np.reciprocal: 2.0, np.sqrt: 2.0, np.log: 3.5, np.sin: 5.0, np.cos: 5.0,
    np.expm1: 40.0, np.log1p: 40.0,
}  # fmt: skip
"""How much longer these take than an addition."""
COMPARED = (np.maximum, np.minimum)
"""Functions that take an array faster than a number."""
RATE = 8e9
"""Additions a second, of elements that are in cache."""

Block: TypeAlias = tuple[Any, ...]
"""An index that cuts a block out of an array: slices of its first axes."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value on the tape; `extra` if it comes from outside: number `index` of the operands."""

    index: int
    extra: bool = False


Operand: TypeAlias = "Ref | float"


class Tape:
    """Records calls of NumPy's functions on values, each written once, which write to `out`."""

    def __init__(self, values: int, dtype: str = "float32") -> None:
        """`values`: how many values are there from the start; dtype: that of all values."""
        self.dtype = dtype
        self.calls: list[tuple[Callable[..., Any], tuple[Operand, ...], Ref]] = []
        self._count = values

    def __call__(self, function: Callable[..., Any], *operands: Operand) -> Ref:
        """Record one call; returns its result."""
        result = Ref(self._count)
        self._count += 1
        self.calls.append((function, operands, result))
        return result


@dataclass(frozen=True, slots=True)
class Program:
    """Calls on a pool of arrays: `buffers` of one shape, then operands from outside, numbers, arrays of one number.

    Buffer 0 holds the value that is there from the start, and the result at the end. A call is a function, the
    places in the pool of its arguments, and that of its result.
    """

    calls: tuple[tuple[Callable[..., Any], tuple[int, ...], int], ...]
    buffers: int
    numbers: tuple[float, ...]
    filled: tuple[float, ...] = ()

    def cost(self, elements: int) -> Cost:
        """Return what it is expected to cost."""
        weight = sum(SLOW.get(function, 1.0) for function, _, _ in self.calls)
        return Cost(rest=CALL * len(self.calls) + weight * elements / RATE)

    def run(self, do: Do, out: Array, extras: Sequence[Array]) -> None:
        """Work in place on `out`, with operands that fit it."""
        buffers = [do.scratch(BUFFERS[i], out.shape, out.dtype) for i in range(1, self.buffers)]
        pool: list[Any] = [out, *buffers, *extras, *self.numbers]
        for number in self.filled:
            pool.append(full(number, out.shape, out.dtype))
        spare = do.scratch("spare", out.shape, out.dtype) if out.size == 1 else None
        for function, places, target in self.calls:
            operands = [pool[i] for i in places]
            if spare is not None and target in places:  # NumPy takes three times as long for one number in place
                pool[target], spare = spare, pool[target]
            do(function, *operands, out=pool[target])
        if pool[0] is not out:
            do(np.copyto, out, pool[0])


BUFFERS = [f"tape{i}" for i in range(32)]
_full: dict[tuple[float, Any], Array] = {}


def full(number: float, shape: Sequence[int], dtype: Any) -> Array:
    """Return an array of one number, to be read only: NumPy compares two arrays faster than an array and a number."""
    size = math.prod(shape)
    array = _full.get((number, dtype))
    if array is None or array.size < size:
        array = np.full(size, number, dtype)
        array.flags.writeable = False
        _full[number, dtype] = array
    return array[:size].reshape(shape)


def finish(tape: Tape, result: Ref, extras: int, *, started: bool) -> Program:
    """Give the values of a tape buffers, as few as do; `started`: value 0 stands in buffer 0 from the start."""
    last = {ref: i for i, (_, operands, _) in enumerate(tape.calls) for ref in operands if isinstance(ref, Ref)}
    places: dict[Ref, int] = {Ref(0): 0} if started else {}
    free: list[int] = [] if started else [0]
    count = 1
    placed: list[tuple[Callable[..., Any], list[Operand], int]] = []
    for i, (function, operands, value) in enumerate(tape.calls):
        arguments: list[Operand] = [Ref(places[one]) if _inner(one) else one for one in operands]  # type: ignore[index]
        for one in {one for one in operands if isinstance(one, Ref) and not one.extra and last[one] == i}:
            free.append(places.pop(one))
        if value == result:
            target = 0
        elif free:
            target = free.pop(free.index(min(free)))
        else:
            target, count = count, count + 1
        places[value] = target
        placed.append((function, arguments, target))
    given = [
        (function in COMPARED, one) for function, arguments, _ in placed for one in arguments if isinstance(one, float)
    ]
    numbers, filled = (
        list(dict.fromkeys(one for compared, one in given if compared is which)) for which in (False, True)
    )
    first = count + extras
    calls = tuple(
        (
            function,
            tuple(
                _place(one, count, first, *((numbers, 0) if function not in COMPARED else (filled, len(numbers))))
                for one in arguments
            ),
            target,
        )
        for function, arguments, target in placed
    )
    return Program(calls, count, tuple(numbers), tuple(filled))


def _inner(operand: Operand) -> bool:
    return isinstance(operand, Ref) and not operand.extra


def _place(operand: Operand, buffers: int, first: int, numbers: list[float], after: int) -> int:
    """The place in the pool of an operand; numbers stand from `first` on, those in this list after so many others."""
    if isinstance(operand, Ref):
        return operand.index + (buffers if operand.extra else 0)
    return first + after + numbers.index(operand)
