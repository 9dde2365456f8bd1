"""Windows cut out of images and volumes (keras/src/ops/image.py and nn.py)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .operands import expanded, given, known, permuted, reshaped, sizes, without_axes
from .windows import both, layout


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that cut windows out."""
    register("keras.ops.ExtractPatches", extract_patches, arguments=("images",))
    register("keras.ops.Unfold", unfold, arguments=("x",))


def patches(emit: Emitter, x: Symbol, window: Sequence[int], strides: Sequence[int], rates: Sequence[int]) -> Symbol:
    """Return the windows of x (batch, spatial..., channels) as (batch, places..., window, channels)."""
    lengths = [known(size, "the size of the images") for size in x.shape[1:-1]]
    reach = [(n - 1) * rate for n, rate in zip(window, rates, strict=True)]
    counts = [(n - r - 1) // s + 1 for n, r, s in zip(lengths, reach, strides, strict=True)]
    if min(counts) < 1:
        raise Unsupported("its windows do not fit into the images")
    if list(window) == list(strides) and set(rates) == {1}:
        return _tiles(emit, x, window, counts)
    return _slices(emit, x, window, counts, strides, rates)


def _tiles(emit: Emitter, x: Symbol, window: Sequence[int], counts: Sequence[int]) -> Symbol:
    """Windows side by side: every axis split in two, and the second halves moved back."""
    whole = [count * n for count, n in zip(counts, window, strict=True)]
    if whole != list(x.shape[1:-1]):
        x = emit.op("slice", x, slices=[None, *([0, n, None] for n in whole), None])
    split = [n for pair in zip(counts, window, strict=True) for n in pair]
    rank, dims = len(window), sizes(x)
    y = reshaped(emit, x, [dims[0], *split, dims[-1]])
    y = permuted(emit, y, [0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1])
    return reshaped(emit, y, [sizes(y)[0], *counts, math.prod(window), sizes(y)[-1]])


def _slices(
    emit: Emitter, x: Symbol, window: Sequence[int], counts: Sequence[int], strides: Sequence[int],
    rates: Sequence[int],
) -> Symbol:  # fmt: skip
    """A slice for each place in the window, joined along a new axis."""
    parts = []
    for places in np.ndindex(*window):
        bounds = [
            [place * rate, place * rate + (count - 1) * stride + 1, stride]
            for place, rate, count, stride in zip(places, rates, counts, strides, strict=True)
        ]
        part: Symbol = emit.op("slice", x, slices=[None, *bounds, None])
        parts.append(expanded(emit, part, [part.rank - 1]))
    return emit.op("concatenate", *parts, axis=x.rank - 1)


def extract_patches(call: LayerCall, emit: Emitter) -> Symbol:
    """The windows of images or volumes as channels: place in the window, then channel, the last the fastest."""
    config, x = call.config, given(call, emit, "images")
    size = config["size"]
    rank = len(size) if isinstance(size, list) else 2
    if x.rank not in (rank + 1, rank + 2):
        raise Unsupported(f"its windows have {rank} axes, its images {x.type}")
    alone, first = x.rank == rank + 1, layout(call) == "channels_first"
    x = expanded(emit, x, [0]) if alone else x
    x = permuted(emit, x, [0, *range(2, rank + 2), 1]) if first else x
    window = config.ints("size", rank=rank)
    strides = window if config.get("strides") is None else config.ints("strides", rank=rank)
    rates = config.ints("dilation_rate", 1, rank=rank)
    if config.str("padding", "valid").lower() == "same":
        x = _same(emit, x, window, strides, rates)
    y = patches(emit, x, window, strides, rates)
    depth = known(y.shape[-2], "the size of the windows") * known(y.shape[-1], "the number of channels")
    y = reshaped(emit, y, [*sizes(y)[:-2], depth])
    y = permuted(emit, y, [0, rank + 1, *range(1, rank + 1)]) if first else y
    return without_axes(emit, y, [0]) if alone else y


def _same(emit: Emitter, x: Symbol, window: Sequence[int], strides: Sequence[int], rates: Sequence[int]) -> Symbol:
    """Pad images so that windows start at every stride, the odd element after."""
    pads = [[0, 0]]
    for size, n, stride, rate in zip(x.shape[1:-1], window, strides, rates, strict=True):
        size = known(size, "the size of the images")
        total = max((-(-size // stride) - 1) * stride + (n - 1) * rate + 1 - size, 0)
        pads.append([total // 2, total - total // 2])
    return emit.op("pad", x, pads=[*pads, [0, 0]])


def unfold(call: LayerCall, emit: Emitter) -> Symbol:
    """The windows of images (batch, channels, height, width) as columns: channel, row and column of the window."""
    x, config = given(call, emit), call.config
    window, rates, pad, strides = (
        both(config.get(name, default), name)
        for name, default in (("kernel_size", None), ("dilation", 1), ("padding", 0), ("stride", 1))
    )
    x = emit.op("pad", x, pads=[[0, 0], [0, 0], [pad[0]] * 2, [pad[1]] * 2]) if any(pad) else x
    y = patches(emit, permuted(emit, x, [0, 2, 3, 1]), window, strides, rates)
    channels, count = known(y.shape[4], "the number of channels"), window[0] * window[1]
    y = permuted(emit, y, [0, 4, 3, 1, 2])
    return reshaped(emit, y, [sizes(y)[0], channels * count, (y.shape[3] or 0) * (y.shape[4] or 0)])
