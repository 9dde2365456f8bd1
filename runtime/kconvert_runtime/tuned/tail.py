"""A tape on the blocks of an array: which part of each operand stands against a block.

Rows of channels are short, and an operand with one number for each channel is read anew for each of them. Where all
operands allow it, several rows are taken for one, and such an operand is repeated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do, at_once
from .tape import Block, Program

Shape: TypeAlias = "tuple[int, ...]"
Operand: TypeAlias = "tuple[Shape, Array | None]"
"""The shape of an operand, and the operand if it is constant."""
Finish: TypeAlias = "Callable[[Do, Array, Block], None]"
"""Works in place on a block of an array: finish(do, the block, its index)."""
Bind: TypeAlias = "Callable[[Do, Sequence[Array]], Finish]"
Whole: TypeAlias = "Callable[[Do, Array, Sequence[Array]], object]"
"""Works in place on a whole array: finish(do, the array, the operands)."""
LARGE = 1 << 13
"""Elements from which on it pays to look how operands can be read faster."""
WIDE = 2048
"""Elements from which on a row is long enough for NumPy's inner loop."""


def on_blocks(tape: Program, operands: Sequence[Operand], shape: Shape, blocks: Sequence[Block]) -> Bind:
    """Return what takes the operands, and returns what works on a block of `shape`."""
    times = _repeats([one for one, _ in operands], shape, blocks)
    if times == 1:
        return lambda do, extras: _broadcast(tape, extras, shape)
    width = times * shape[-1]
    ready = [
        _repeated(at_once, "row", constant, shape[-1], times).copy()
        if constant is not None and constant.size <= shape[-1]
        else None
        for _, constant in operands
    ]

    def bind(do: Do, extras: Sequence[Array]) -> Finish:
        rows = [
            _repeated(do, f"row{i}", extra, shape[-1], times) if made is None else made
            for i, (extra, made) in enumerate(zip(extras, ready, strict=True))
        ]

        def finish(do: Do, out: Array, block: Block) -> None:
            parts = [
                row if row.size <= width else do.reshaped(f"rows{i}", row[block], (-1, width))
                for i, row in enumerate(rows)
            ]
            tape.run(do, out.reshape(-1, width), parts)

        return finish

    return bind


def on_whole(tape: Program, operands: Sequence[Operand], shape: Shape) -> Whole:
    """Return what works on a whole array of `shape`.

    Where that is small, all that is constant is made as large: NumPy takes more time to see how arrays of different
    shapes stand against each other than to work on so little.
    """
    if math.prod(shape) > LARGE:
        block = tuple(slice(0, n) for n in shape[:-1]) or (...,)
        bind = on_blocks(tape, operands, shape, [block])
        return lambda do, out, extras: bind(do, extras)(do, out, block)
    ready = [None if constant is None else _spread(constant, shape) for _, constant in operands]
    return lambda do, out, extras: tape.run(
        do, out, [_fitted(extra, shape) if made is None else made for extra, made in zip(extras, ready, strict=True)]
    )


def _spread(constant: Array, shape: Shape) -> Array:
    return _fitted(constant if constant.size == 1 else np.broadcast_to(constant, shape).copy(), shape)


def _fitted(extra: Array, shape: Shape) -> Array:
    """One number without axes, anything else with all axes."""
    return extra.reshape(()) if extra.size == 1 else extra[(None,) * (len(shape) - extra.ndim)]


def _repeated(do: Do, name: str, extra: Array, width: int, times: int) -> Array:
    """A row repeated, one number by itself, anything else as it is."""
    if extra.size == 1:
        return extra.reshape(1)
    if extra.size != width:
        return extra
    rows = do.scratch(name, (times, width), extra.dtype)
    do(np.copyto, rows, extra.reshape(1, width))
    return rows.reshape(-1)


def _broadcast(tape: Program, extras: Sequence[Array], shape: Shape) -> Finish:
    parts = [_sliced(extra, shape) for extra in extras]
    return lambda do, out, block: tape.run(do, out, [part(block) for part in parts])


def _repeats(operands: Sequence[Shape], shape: Shape, blocks: Sequence[Block]) -> int:
    """How many rows can be taken for one: of every block the same number, and fewer than a block has."""
    if (
        len(shape) < 2
        or 2 * shape[-1] > WIDE
        or any(len(one) == len(shape) for one in blocks)
        or not all(one == shape or _is_row(one, shape) for one in operands)
    ):
        return 1
    together = math.gcd(*(_rows(block, shape[:-1]) for block in blocks))
    return max((n for n in range(1, WIDE // shape[-1] + 1) if together % n == 0 and n < together), default=1)


def _is_row(operand: Shape, shape: Shape) -> bool:
    return math.prod(operand) in (1, shape[-1]) and operand[-1:] in ((), (1,), shape[-1:]) and shape[-1] > 1


def _rows(block: Block, leading: Shape) -> int:
    whole = (slice(None),) * (len(leading) - len(block))
    return math.prod(len(range(*cut.indices(size))) for cut, size in zip((*block, *whole), leading, strict=True))


def _sliced(extra: Array, shape: Shape) -> Callable[[Block], Array]:
    """Return the part of an operand that stands against a block of `shape`; it may be broadcast."""
    lacking = len(shape) - extra.ndim
    whole = [size == 1 for size in extra.shape]

    def part(block: Block) -> Array:
        if len(block) < len(shape) and all(whole[:-1]):
            return extra  # the last axis is not cut
        return extra[tuple(slice(None) if all_ else cut for all_, cut in zip(whole, block[lacking:], strict=False))]

    return part
