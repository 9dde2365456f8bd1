"""Transposed convolution as a convolution, whose filters are the places of the result between two elements of x.

Of the result y, the elements y[q stride + p], for one p below the stride, are a convolution of x at the places q: with
those elements of the window that x meets there. All p read nearly the same elements of x, so one convolution, with
zeros where a p has none, gives all of them side by side, and each kernel for convolutions can be had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product as every

import numpy as np

from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.graph import TensorType
from kconvert_schemas.ops.windows import transposed_count

from ..calls import Do
from ..steps import Call
from .candidates import Candidate, candidate, candidates
from .costs import Cost, gathered
from .geometry import put
from .site import Site, Work, in_blocks, row_blocks
from .tape import Block

ELEMENTS = 1 << 17
"""Elements of the result that are put in place at a time."""
TOGETHER = 1 << 22
"""Elements of the results of the convolution that are held at a time: of so many rows of the batch."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: `window` elements of weights, `size` of x, `length` of the result, which lacks `front` at first.

    before: how many of those of the result are computed only to be left out, as its places begin earlier.
    """

    window: int
    size: int
    length: int
    stride: int
    front: int
    before: int = 0

    @property
    def places(self) -> int:
        """Places of the convolution."""
        return -(-self.length // self.stride)

    @property
    def reach(self) -> range:
        """How far before a place the elements of x lie that it reads."""
        first = -((self.stride - 1 + self.front) // self.stride)
        return range(first, (self.window - 1 - self.front) // self.stride + 1)

    @property
    def zeros(self) -> tuple[int, int]:
        """Elements that the places read before x and after it."""
        return self.reach[-1], self.places - 1 - self.reach[0] - (self.size - 1)

    def taps(self, phase: int) -> list[tuple[int, int]]:
        """Return which element of its window reads which element of the weights, for the results at `phase`."""
        met = [(self.reach[-1] - far, far * self.stride + phase + self.front) for far in self.reach]
        return [(place, tap) for place, tap in met if 0 <= tap < self.window]

    def earlier(self) -> Axis:
        """Return the axis with its places begun where, over all of them, the fewest elements are read."""
        begun = [replace(self, length=self.length + n, front=self.front - n, before=n)
                 for n in range(min(self.front, self.stride - 1) + 1)]  # fmt: skip
        return min(begun, key=lambda axis: axis.places * len(axis.reach))


def axes_of(site: Site) -> list[Axis] | None:
    """Return the spatial axes of a `conv_transpose`; None for channels first, dilated windows, or no elements."""
    attrs, x, y = site.node.attrs, site.shape_of(0), site.shape
    if attrs["data_format"] != "channels_last" or any(n != 1 for n in attrs["dilation_rate"]) or 0 in (*x, *y):
        return None
    outside = attrs["output_padding"] or [None] * (len(x) - 2)
    axes = []
    for window, size, stride, more, length in zip(
        site.shape_of(1), x[1:-1], attrs["strides"], outside, y[1:-1], strict=False
    ):
        _, front = transposed_count(size, window, stride, attrs["padding"], more)
        axes.append(Axis(window, size, length, stride, front))
    return axes if all(len(axis.reach) and min(axis.zeros) >= 0 for axis in axes) else None


@dataclass(frozen=True, slots=True)
class Inner:
    """A convolution of some rows of the batch with places along these axes, computed as this candidate does."""

    site: Site
    axes: list[Axis]
    candidate: Candidate
    cost: Cost


def _inner(site: Site) -> Inner | None:
    """The cheapest convolution; None where there is none."""
    axes, kernel = axes_of(site), site.constants[1]
    if axes is None or kernel is None:
        return None
    found = [Inner(inner, some, *option) for some in (axes, [axis.earlier() for axis in axes])
             for inner in [_convolution(site, some)] for option in candidates(inner)]  # fmt: skip
    return min(found, key=lambda one: one.cost.alone(1) / one.site.shape[0], default=None)


def _convolution(site: Site, axes: Sequence[Axis]) -> Site:
    """The convolution of as many rows of the batch as are computed at a time."""
    batch, *_, channels = site.shape_of(0)
    phases, places = math.prod(axis.stride for axis in axes), [axis.places for axis in axes]
    filters = phases * site.shape[-1]
    most = max(TOGETHER // (math.prod(places) * filters), 1)
    rows = max(n for n in range(1, min(most, batch) + 1) if batch % n == 0)
    ones = [1] * len(axes)
    attrs = {"strides": ones, "dilation_rate": ones, "groups": 1, "padding": "valid", "data_format": "channels_last",
             "zeros": [axis.zeros for axis in axes]}  # fmt: skip
    dtype = site.outputs[0].dtype
    shapes = (rows, *site.shape_of(0)[1:]), (*(len(axis.reach) for axis in axes), channels, filters)
    weights = np.broadcast_to(holder(dtype).type(0), shapes[1])  # their sizes are enough to choose by
    return Site(
        replace(site.node, op="conv", attrs=attrs),
        tuple(TensorType(shape, dtype) for shape in shapes),
        (TensorType((rows, *places, filters), dtype),),
        (None, weights),
        2,
        threads=site.threads,
        alone=site.alone,
    )


def _cost(site: Site) -> Cost | None:
    found = _inner(site)
    if found is None:
        return None
    return found.cost * (site.shape[0] // found.site.shape[0]) + gathered(math.prod(site.shape), site.shape[-1])


@candidate("conv_transpose", "as a convolution", _cost)
def as_convolution(site: Site) -> Call:
    """For some rows of the batch at a time the convolution, then bands of its results where they belong, the tail."""
    found, kernel = _inner(site), site.constants[1]
    assert found is not None and kernel is not None  # noqa: S101  (the cost is None then)
    inner, axes = found.site, found.axes
    weights = _spread(kernel, axes).reshape(inner.shape_of(1))
    convolve = found.candidate.build(replace(inner, constants=(None, weights), kept={}))
    batch, rows, own = site.shape[0], inner.shape[0], site.own

    def part(type_: TensorType | None) -> TensorType | None:
        whole = type_ is not None and len(type_.shape) == len(site.shape) and type_.shape[0] == batch
        return replace(type_, shape=(rows, *type_.shape[1:])) if type_ is not None and whole else type_

    some = tuple(part(type_) for type_ in site.inputs)
    outputs = tuple(one for one in map(part, site.outputs) if one is not None)
    arrange = _arrange(replace(site, inputs=some, outputs=outputs), axes)

    def run(do: Do, y: Array, x: Array, kernel: Array, *extras: Array) -> None:
        values = do.scratch("phases", inner.shape, x.dtype)
        for start in range(0, batch, rows):
            cut = slice(start, start + rows)
            convolve(do, values, x[cut], weights)
            beside = [one if type_ is part(type_) else one[cut]
                      for one, type_ in zip(extras, site.inputs[own:], strict=True)]  # fmt: skip
            arrange(do, y[cut], values, kernel, *beside)

    return run


def _spread(kernel: Array, axes: Sequence[Axis]) -> Array:
    """Kernel (windows..., filters, channels) -> (reaches..., channels, phases..., filters)."""
    *_, filters, channels = kernel.shape
    shape = (*(len(axis.reach) for axis in axes), channels, *(axis.stride for axis in axes), filters)
    weights = np.zeros(shape, kernel.dtype)
    for phase in np.ndindex(*(axis.stride for axis in axes)):
        for taps in every(*(axis.taps(p) for axis, p in zip(axes, phase, strict=True))):
            places, windows = zip(*taps, strict=True)
            index = (*places, slice(None), *phase)
            weights[index] = kernel[windows].T
    return weights


def bands_of(site: Site, axes: Sequence[Axis], rows: int) -> list[Block]:
    """Cut the result into bands that about so many rows of places of the first axis give, for the site's threads."""
    stride, length, before = axes[0].stride, axes[0].length, axes[0].before
    bands = row_blocks((site.shape[0], axes[0].places, 1), max(rows, 1), site.threads)
    return [(band[0], *(slice(max(cut.start * stride - before, 0), min(cut.stop * stride, length) - before)
                        for cut in band[1:])) for band in bands]  # fmt: skip


def places_of(block: Block, axes: Sequence[Axis]) -> Block:
    """Return the places that a band of the result comes from."""
    stride, before = axes[0].stride, axes[0].before
    return (block[0], *(slice((cut.start + before) // stride, -(-(cut.stop + before) // stride)) for cut in block[1:]))


def _arrange(site: Site, axes: Sequence[Axis]) -> Call:
    """Bands of the result: what the convolution gives for each place, put in rows; then the tail."""
    filters = site.shape[-1]
    across = math.prod(axis.length for axis in axes[1:]) * filters * axes[0].stride
    blocks = bands_of(site, axes, ELEMENTS // across)

    def prepare(arrays: Sequence[Array]) -> Work:
        places = [axis.places for axis in axes]
        values = arrays[0].reshape(site.shape[0], *places, *(axis.stride for axis in axes), filters)

        def work(do: Do, out: Array, block: Block) -> None:
            places = places_of(block, axes)
            begun = [axis.before if i or len(places) == 1 or not places[1].start else 0 for i, axis in enumerate(axes)]
            put(do, out, values[places], begun)

        return work

    return in_blocks(site, blocks, prepare)
