"""Convolution of each channel alone, with fewer multiplications along the first spatial axis (Winograd).

As in `winograd.py`, m results along that axis need m + r - 1 elements instead of m r. The elements of the window along
the other axes are summed as in `depthwise.py`, which takes most of the time; the transforms are products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import as_strided

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..steps import Call
from .candidates import candidate
from .costs import CALL, Cost, copied, gathered
from .depthwise import RATE, parts_of, repeated, sums
from .geometry import Convolution, convolution, region
from .site import Site, Work, in_blocks, row_blocks
from .tape import Block
from .winograd import READ, transforms

ELEMENTS = 1 << 18
"""Transformed elements that one thread holds at a time."""
WINDOW = 4
"""Elements of the window along the first axis at least: with fewer, transforms take as long as they save."""


@dataclass(frozen=True, slots=True)
class Strips:
    """The result in strips of m places along the first axis."""

    conv: Convolution
    m: int

    @property
    def reach(self) -> int:
        """Elements along the first axis that a strip is computed from, and that these are transformed into."""
        return self.m + self.conv.windows[0] - 1

    @property
    def count(self) -> int:
        """Strips along the first axis."""
        return -(-self.conv.places[0] // self.m)

    @property
    def given(self) -> int:
        """Elements of the input beside each other along all axes but the first."""
        beside = [size + sum(pad) for size, pad in zip(self.conv.sizes[1:], self.conv.pads[1:], strict=True)]
        return math.prod(beside) * self.conv.filters

    @property
    def taken(self) -> int:
        """The same of the result."""
        return math.prod(self.conv.places[1:]) * self.conv.filters

    @property
    def block(self) -> int:
        """Strips that are worked on at a time."""
        return max(ELEMENTS // (self.reach * (self.given + self.taken)), 1)

    def read(self, do: Do, x: Array, band: Block) -> Array:
        """Return what a band of strips is computed from: (batch, elements, spatial axes but the first..., filters)."""
        conv = self.conv
        before = conv.pads[0][0]
        after = (self.count - 1) * self.m + self.reach - conv.sizes[0] - before
        strips = replace(conv, pads=[(before, after), *conv.pads[1:]])
        spans = self.reach, *conv.windows[1:]
        return repeated(do, region(do, x, strips, band, (self.m, *conv.strides[1:]), spans),
                        conv.filters // conv.channels)  # fmt: skip


def _strips(site: Site) -> Strips | None:
    conv = convolution(site)
    if conv is None or conv.groups != conv.channels or len(conv.places) < 2 or site.outputs[0].dtype != "float32":
        return None
    if conv.windows[0] < WINDOW or conv.strides[0] > 1 or conv.dilations[0] > 1 or site.constants[1] is None:
        return None
    options = [Strips(conv, m) for m in range(2, READ[1] + 2 - conv.windows[0])]
    return min(options, key=lambda one: one.count * one.reach, default=None)


def _cost(site: Site) -> Cost | None:
    strips = _strips(site)
    if strips is None:
        return None
    conv, count, reach = strips.conv, strips.conv.batch * strips.count, strips.reach
    multiplied = count * reach * strips.taken * math.prod(conv.windows[1:])
    return (
        copied(math.prod(site.shape_of(0)) * 2)
        + gathered(count * 2 * reach * strips.given, strips.given)
        + gathered(count * (reach + strips.m) * strips.taken, strips.taken)
        + Cost(rest=4 * CALL * -(-count // strips.block) + multiplied / RATE)
    )


@candidate("conv", "depthwise winograd", _cost)
def depthwise_winograd(site: Site) -> Call:
    """Bands of strips: transform, sum along the other axes, transform back, the tail."""
    strips = _strips(site)
    kernel = site.constants[1]
    assert strips is not None and kernel is not None  # noqa: S101  (the cost is None then)
    conv, m, reach = strips.conv, strips.m, strips.reach
    there, turn, back = transforms(m, conv.windows[0])
    turned = np.tensordot(turn, kernel.astype(np.float64), 1).astype(np.float32)
    inner = replace(conv, windows=conv.windows[1:], strides=conv.strides[1:], dilations=conv.dilations[1:])
    parts = parts_of(inner, turned, conv.places[-1])
    into, out_of = there.astype(np.float32), back.astype(np.float32)
    bands = row_blocks((conv.batch, strips.count, 1), strips.block, site.threads)
    blocks = [(band[0], *(slice(cut.start * m, min(cut.stop * m, conv.places[0])) for cut in band[1:]))
              for band in bands]  # fmt: skip

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            band = (block[0], *(slice(cut.start // m, -(-cut.stop // m)) for cut in block[1:]))
            values = strips.read(do, x, band)
            batch, elements, *beside, filters = values.shape
            count = (elements - reach) // m + 1
            rows = do.reshaped("rows", values, (batch, elements, -1))
            each, row = rows.strides[:2]
            strip = as_strided(rows, (batch, count, reach, rows.shape[-1]), (each, row * m, row, rows.itemsize))
            inputs = do.scratch("transformed", strip.shape, x.dtype)
            do(np.matmul, into, strip, out=inputs)
            products = do.scratch("products", (*inputs.shape[:3], *out.shape[2:]), x.dtype)
            sums(do, parts, inputs.reshape(*inputs.shape[:3], *beside, filters), products)
            _take(do, out_of, products.reshape(*inputs.shape[:3], -1), out.reshape(batch, out.shape[1], -1))

        return work

    return in_blocks(site, blocks, prepare)


def _take(do: Do, matrix: Array, products: Array, out: Array) -> None:
    """Transform back: strips (batch, strips, elements, n) into places (batch, places, n), not all of the last strip."""
    batch, count, _, n = products.shape
    m, places = len(matrix), out.shape[1]
    whole = places // m
    if whole:
        do(np.matmul, matrix, products[:, :whole], out=out[:, : whole * m].reshape(batch, whole, m, n))
    if whole < count:
        do(np.matmul, matrix[: places - whole * m], products[:, whole], out=out[:, whole * m :])
