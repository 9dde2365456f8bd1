"""The sizes of one convolution, with channels last."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.windows import Pads, extent, pads_of, patches, within
from .site import Site, row_blocks
from .tape import Block

FILLED = 1 << 17
"""Bytes up to which memory is filled as a whole in less time than its edges one by one."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """x (batch, sizes..., channels), kernel (windows..., channels / groups, filters) -> (batch, places..., filters)."""

    batch: int
    sizes: tuple[int, ...]
    channels: int
    windows: tuple[int, ...]
    places: tuple[int, ...]
    filters: int
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int
    pads: Pads

    @property
    def depth(self) -> int:
        """Elements that one element of the result is a sum of."""
        return math.prod(self.windows) * self.channels // self.groups

    @property
    def positions(self) -> int:
        """Places of the result, over the whole batch."""
        return self.batch * math.prod(self.places)


def convolution(site: Site) -> Convolution | None:
    """Return the sizes of a `conv`; None for channels first and for one without elements."""
    attrs = site.node.attrs
    if attrs["data_format"] != "channels_last" or 0 in site.shape or 0 in site.shape_of(0):
        return None
    batch, *sizes, channels = site.shape_of(0)
    *windows, _, filters = site.shape_of(1)
    strides, dilations = attrs["strides"], attrs["dilation_rate"]
    spans = [extent(window, dilation) for window, dilation in zip(windows, dilations, strict=True)]
    pads = around(attrs, sizes, spans, strides)
    return Convolution(
        batch, tuple(sizes), channels, tuple(windows), site.shape[1:-1], filters, tuple(strides), tuple(dilations),
        attrs["groups"], pads,
    )  # fmt: skip


def around(attrs: Mapping[str, Any], sizes: Sequence[int], spans: Sequence[int], strides: Sequence[int]) -> Pads:
    """Return how much lies around each spatial axis: `zeros` absorbed from a pad, then what `padding` asks for."""
    zeros = attrs.get("zeros") or [(0, 0)] * len(sizes)
    padded = [size + sum(pair) for size, pair in zip(sizes, zeros, strict=True)]
    own = pads_of(padded, spans, strides, attrs["padding"])
    return [(a + c, b + d) for (a, b), (c, d) in zip(zeros, own, strict=True)]


def bands(conv: Convolution, elements: int, each: int, threads: int, least: int = 1) -> list[Block]:
    """Cut the result into bands of whole rows (places along the first spatial axis), for so many threads.

    A band has about `elements` elements, of which each place takes `each`, and at least `least` places.
    """
    across = math.prod(conv.places[1:])
    rows = max(-(-max(elements // each, least) // across), 1)
    return list(row_blocks((conv.batch, conv.places[0], 1), rows, threads))


def neighbourhood(
    do: Do, x: Array, conv: Convolution, block: Block, strides: Sequence[int], windows: Sequence[int]
) -> Array:  # fmt: skip
    """Return the windows that a band of the result reads: a view (batch, places..., windows..., channels).

    strides, windows: of the windows along each axis; those of `conv`, or of the tiles that cover it.
    """
    return patches(region(do, x, conv, block, strides, windows), windows, strides, conv.dilations)


def region(
    do: Do, x: Array, conv: Convolution, block: Block, strides: Sequence[int], windows: Sequence[int],
    outside: float = 0.0,
) -> Array:  # fmt: skip
    """Return what the windows of a band of the result cover: (batch, spatial..., channels).

    With padding, the rows of x that the band reads are copied into scratch memory with `outside` around them.
    """
    samples, rows = block if len(block) == 2 else (block[0], None)
    spans = [extent(window, dilation) for window, dilation in zip(windows, conv.dilations, strict=True)]
    positions = [(size + sum(pad) - span) // stride + 1 for size, pad, span, stride in
                 zip(conv.sizes, conv.pads, spans, strides, strict=True)]  # fmt: skip
    first, last = (rows.start, rows.stop) if rows is not None else (0, positions[0])
    begin = first * strides[0] - conv.pads[0][0]
    wanted = [(begin, (last - 1) * strides[0] + spans[0] + begin - first * strides[0])]
    wanted += [(-before, size + after) for (before, after), size in zip(conv.pads[1:], conv.sizes[1:], strict=True)]
    return _cut(do, x[samples], wanted, outside)


def _cut(do: Do, x: Array, wanted: Sequence[tuple[int, int]], outside: float) -> Array:
    """Return x (batch, spatial..., channels) from..to along each spatial axis, `outside` where there is no x."""
    sizes = x.shape[1:-1]
    inside = [slice(max(start, 0), min(stop, size)) for (start, stop), size in zip(wanted, sizes, strict=True)]
    if all(start >= 0 and stop <= size for (start, stop), size in zip(wanted, sizes, strict=True)):
        return x[within(inside)]
    sizes_around = [stop - start for start, stop in wanted]
    result = do.scratch("padded", (x.shape[0], *sizes_around, x.shape[-1]), x.dtype)
    there = [slice(part.start - start, part.stop - start) for part, (start, _) in zip(inside, wanted, strict=True)]
    if result.nbytes <= FILLED:
        do(np.copyto, result, outside)
    else:
        for axis, part in enumerate(there):
            for edge in (slice(0, part.start), slice(part.stop, sizes_around[axis])):
                if edge.start < edge.stop:
                    do(np.copyto, result[within([*there[:axis], edge])], outside)
    do(np.copyto, result[within(there)], x[within(inside)])
    return result


def put(do: Do, out: Array, values: Array, begun: Sequence[int] | None = None) -> None:
    """Put values (batch, places..., phases..., filters) where they belong in a band of the result.

    begun: how many of them along each axis come before the band.
    """
    rank = out.ndim - 2
    some = values.transpose(0, *(axis for i in range(rank) for axis in (1 + i, 1 + rank + i)), 1 + 2 * rank)
    sizes = [a * b for a, b in zip(some.shape[1:-1:2], some.shape[2:-1:2], strict=True)]
    if list(out.shape[1:-1]) == sizes:
        do(np.copyto, out.reshape(some.shape), some)
        return
    whole = do.scratch("whole", some.shape, some.dtype)
    do(np.copyto, whole, some)
    whole = whole.reshape(len(some), *sizes, some.shape[-1])
    starts = zip(begun or [0] * rank, out.shape[1:-1], strict=True)
    do(np.copyto, out, whole[within([slice(start, start + n) for start, n in starts])])
