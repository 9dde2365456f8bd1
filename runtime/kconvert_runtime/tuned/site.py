"""One node with all that is known of it for one shape of the model's inputs: what a kernel is chosen by."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType

from ..calls import Do, at_once
from ..steps import Call
from .costs import Cost
from .tail import Operand, on_blocks, on_whole
from .tape import Block, Program

Work: TypeAlias = "Callable[[Do, Array, Block], object]"
"""Fills a block of the result: work(do, the block, its index)."""
Kept: TypeAlias = "dict[object, Any]"
"""Arrays that several plans of a model use."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node, the types of its inputs and outputs with every size known, and those inputs that are weights.

    tail: what is to be done to the result element by element; it reads the inputs from number `own` on. plain: gives
    the op's plain kernel. threads: how many of ours share the work. alone: whether BLAS keeps to one thread. kept: what
    plans of the same model share.
    """

    node: Node
    inputs: tuple[TensorType | None, ...]
    outputs: tuple[TensorType, ...]
    constants: tuple[Array | None, ...]
    own: int
    tail: Program | None = None
    plain: Callable[[], Call] | None = None
    threads: int = 1
    alone: bool = False
    kept: Kept = field(default_factory=dict, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return tuple(n or 0 for n in self.outputs[0].shape)

    def shape_of(self, index: int) -> tuple[int, ...]:
        """Shape of an input."""
        type_ = self.inputs[index]
        return tuple(n or 0 for n in type_.shape) if type_ else ()

    @property
    def operands(self) -> list[Operand]:
        """The shapes of what the tail reads, and those that are constant."""
        return [(self.shape_of(i), self.constants[i]) for i in range(self.own, len(self.inputs))]

    @property
    def tail_cost(self) -> Cost:
        """What the tail is expected to cost."""
        return self.tail.cost(math.prod(self.shape)) if self.tail else Cost()


def in_blocks(site: Site, blocks: Sequence[Block], prepare: Callable[[Sequence[Array]], Work]) -> Call:
    """Return a function (do, result, inputs...) that fills the result block by block, tail included.

    prepare: takes the inputs, returns what fills one block.
    """
    own, tail, shape = site.own, site.tail, site.shape
    if len(blocks) == 1:
        (block,) = blocks
        finish_whole = on_whole(tail, site.operands, shape) if tail else None

        def run_whole(do: Do, y: Array, *arrays: Array) -> None:
            prepare(arrays)(do, y, block)
            if finish_whole:
                finish_whole(do, y, arrays[own:])

        return run_whole
    bind = on_blocks(tail, site.operands, shape, blocks) if tail else None

    def run(do: Do, y: Array, *arrays: Array) -> None:
        work = prepare(arrays)

        def fill(do: Do, some: Sequence[Block]) -> None:
            finish = bind(do, arrays[own:]) if bind else None
            for block in some:
                out = y[block]
                work(do, out, block)
                if finish:
                    finish(do, out, block)

        do.each(fill, blocks, shared=site.threads > 1)

    return run


def whole(site: Site) -> Call:
    """Only the tail."""
    return in_blocks(site, tail_blocks(site), lambda arrays: lambda do, out, block: None)


def finished(site: Site) -> Call:
    """The plain kernel, and the tail on its result, which is returned."""
    assert site.plain is not None  # noqa: S101  (whoever asks for this has given it)
    plain, own = site.plain(), site.own
    if site.tail is None:
        return plain
    finish = whole(site)

    def run(*arrays: Array) -> Array:
        y = plain(*arrays[:own])
        fresh = y.flags.owndata and y.flags.writeable and not any(y is array for array in arrays)
        if not (fresh and y.flags.c_contiguous):
            y = np.array(y, order="C")
        finish(at_once, y, *arrays)
        return np.asarray(y)

    return run


def row_blocks(shape: Sequence[int], rows: int, parts: int = 1) -> Iterator[Block]:
    """Cut an array into blocks of about `rows` rows (all axes but the last), contiguous in C order, in order.

    With `parts`, there are as many for each part if there are enough rows. The last axis is cut only if it is the
    only one.
    """
    leading = tuple(shape[:-1]) if len(shape) > 1 else tuple(shape)
    if 0 in shape:
        return
    if not leading:
        yield (...,)
        return
    total = 1
    for size in leading:
        total *= size
    rows = max(min(rows, -(-total // parts)), 1)
    axis, inner = len(leading), 1
    while axis > 1 and inner * leading[axis - 1] <= rows:
        axis -= 1
        inner *= leading[axis]
    step = max(rows // inner, 1)
    yield from _cut(leading[:axis], step, parts)


def _cut(leading: tuple[int, ...], step: int, parts: int) -> Iterator[Block]:
    """Cut the last of these axes into pieces of about one size, at most `step` long, the axes before into ones."""
    *outer, length = leading
    count = -(-length // step)
    if math.prod(outer) % parts:
        count = min(-(-count // parts) * parts, length)
    bounds = [length * i // count for i in range(count + 1)]
    indices: list[tuple[slice, ...]] = [()]
    for size in outer:
        indices = [(*index, slice(i, i + 1)) for index in indices for i in range(size)]
    for index in indices:
        for start, stop in pairwise(bounds):
            yield (*index, slice(start, stop))


def column_blocks(shape: Sequence[int], parts: int) -> list[Block]:
    """Cut the last axis of an array into parts, as many as there are elements at most."""
    width = shape[-1]
    bounds = [width * i // parts for i in range(parts + 1)]
    rows = tuple(slice(0, size) for size in shape[:-1])
    return [(*rows, slice(start, stop)) for start, stop in pairwise(bounds) if start < stop]


def rows_and_columns(block: Block, shape: Sequence[int]) -> tuple[Block, slice]:
    """Return which rows of an array of this shape a block has, and which part of its last axis."""
    return (block, slice(None)) if len(block) < len(shape) else (block[:-1], block[-1])


ELEMENTS = 1 << 17
"""Elements of a block that is worked on element by element. Smaller ones would stay closer to the core, but each call
of NumPy ends with waiting for the interpreter's lock, which costs more where threads share the work."""


def tail_blocks(site: Site) -> list[Block]:
    """Return the blocks for work that goes element by element or row by row."""
    shape = site.shape
    size = math.prod(shape)
    if size <= 2 * ELEMENTS:
        return list(row_blocks(shape, size))
    row = shape[-1] if len(shape) > 1 else 1
    return list(row_blocks(shape, max(ELEMENTS // row, 1), site.threads))
