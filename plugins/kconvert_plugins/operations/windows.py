"""Convolution, pooling and blocks of images as operations (keras/src/ops/nn.py and image.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from ..adaptive_pooling import adaptive
from .operands import given, known, permuted, register_table, reshaped, sizes, sliced, tensor


@hookimpl
def register_layers(register: Register) -> None:
    """Register convolution, pooling and blocks."""
    register("keras.ops.Conv", conv, arguments=("inputs", "kernel"))
    register("keras.ops.DepthwiseConv", depthwise_conv, arguments=("inputs", "kernel"))
    separable = ("inputs", "depthwise_kernel", "pointwise_kernel")
    register("keras.ops.SeparableConv", separable_conv, arguments=separable)
    register_table(
        register,
        ("inputs",),
        {
            "MaxPool": max_pool,
            "AveragePool": average_pool,
            "AdaptiveMaxPool": adaptive_max_pool,
            "AdaptiveAveragePool": adaptive_average_pool,
        },
    )
    register_table(
        register,
        ("x",),
        {"DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth, "Fold": fold},
    )
    register.refuse(
        {
            "keras.ops.ConvTranspose": "Keras on TensorFlow confuses its padding and output_padding and cannot run it; "
            "use the layer Conv1DTranspose, Conv2DTranspose or Conv3DTranspose",
        }
    )


def layout(call: LayerCall) -> str:
    """Return the `data_format`, Keras' default for None."""
    return "channels_last" if call.argument("data_format", None) is None else call.config.data_format()


def _geometry(call: LayerCall, rank: int) -> dict[str, Any]:
    return {
        "strides": call.config.ints("strides", 1, rank=rank),
        "dilation_rate": call.config.ints("dilation_rate", 1, rank=rank),
        "padding": call.config.str("padding", "valid").lower(),
        "data_format": layout(call),
    }


def _channels(call: LayerCall, x: Symbol) -> int:
    return known(x.shape[-1 if layout(call) == "channels_last" else 1], "the number of channels")


def conv(call: LayerCall, emit: Emitter) -> Symbol:
    """Convolution with a kernel (spatial..., channels / groups, filters)."""
    x = given(call, emit, "inputs")
    kernel = tensor(emit, call.argument("kernel"), x.dtype)
    groups = _channels(call, x) // known(kernel.shape[-2], "the channels of the kernel")
    return emit.op("conv", x, kernel, groups=groups, **_geometry(call, x.rank - 2))


def depthwise_conv(call: LayerCall, emit: Emitter) -> Symbol:
    """Convolution of each channel with its own filters; kernel (spatial..., channels, filters of each)."""
    return _depthwise(call, emit, given(call, emit, "inputs"), call.argument("kernel"))


def _depthwise(call: LayerCall, emit: Emitter, x: Symbol, kernel: Any) -> Symbol:
    kernel = tensor(emit, kernel, x.dtype)
    *spatial, channels, each = (known(size, "the shape of the kernel") for size in kernel.shape)
    kernel = reshaped(emit, kernel, [*spatial, 1, channels * each])
    return emit.op("conv", x, kernel, groups=channels, **_geometry(call, x.rank - 2))


def separable_conv(call: LayerCall, emit: Emitter) -> Symbol:
    """A depthwise convolution, then one of windows of one element."""
    x = given(call, emit, "inputs")
    y = _depthwise(call, emit, x, call.argument("depthwise_kernel"))
    ones = [1] * (x.rank - 2)
    pointwise = tensor(emit, call.argument("pointwise_kernel"), x.dtype)
    return emit.op("conv", y, pointwise, strides=ones, dilation_rate=ones, data_format=layout(call))


def max_pool(call: LayerCall, emit: Emitter) -> Symbol:
    """The largest in each window."""
    return _pool(call, emit, "max_pool")


def average_pool(call: LayerCall, emit: Emitter) -> Symbol:
    """The mean of each window."""
    return _pool(call, emit, "avg_pool")


def _pool(call: LayerCall, emit: Emitter, op: str) -> Symbol:
    x = given(call, emit, "inputs")
    size = call.config.ints("pool_size", rank=x.rank - 2)
    strides = size if call.config.get("strides") is None else call.config.ints("strides", rank=x.rank - 2)
    padding = call.config.str("padding", "valid").lower()
    return emit.op(op, x, pool_size=size, strides=strides, padding=padding, data_format=layout(call))


def adaptive_max_pool(call: LayerCall, emit: Emitter) -> Symbol:
    """The largest of each of `output_size` windows along each axis."""
    return _adaptive(call, emit, "max_pool")


def adaptive_average_pool(call: LayerCall, emit: Emitter) -> Symbol:
    """The mean of each of `output_size` windows along each axis."""
    return _adaptive(call, emit, "avg_pool")


def _adaptive(call: LayerCall, emit: Emitter, op: str) -> Symbol:
    x = given(call, emit, "inputs")
    return adaptive(emit, x, op, call.config.ints("output_size", rank=x.rank - 2), layout(call))


def depth_to_space(call: LayerCall, emit: Emitter) -> Symbol:
    """Channels spread over blocks of pixels; the block's place is the slow part of the channel."""
    x, first = _last(call, emit)
    block = call.config.int("block_size")
    batch, height, width, _ = sizes(x)
    rest = known(x.shape[-1], "the number of channels") // block**2
    y = reshaped(emit, x, [batch, height, width, block, block, rest])
    y = permuted(emit, y, [0, 1, 3, 2, 4, 5])
    shape = [_times(y, 1, 2), _times(y, 3, 4)]
    y = reshaped(emit, y, [sizes(y)[0], *shape, rest])
    return _back(emit, y, first)


def space_to_depth(call: LayerCall, emit: Emitter) -> Symbol:
    """Blocks of pixels gathered into channels."""
    x, first = _last(call, emit)
    block = call.config.int("block_size")
    height, width = (known(size, "the size of the images") for size in x.shape[1:3])
    channels = known(x.shape[-1], "the number of channels")
    batch = sizes(x)[0]
    y = reshaped(emit, x, [batch, height // block, block, width // block, block, channels])
    y = permuted(emit, y, [0, 1, 3, 2, 4, 5])
    y = reshaped(emit, y, [sizes(y)[0], height // block, width // block, block * block * channels])
    return _back(emit, y, first)


def _times(x: Symbol, one: int, other: int) -> Any:
    parts = [x.shape[one], x.shape[other]]
    return f"x.{one}*x.{other}" if None in parts else int(parts[0] or 0) * int(parts[1] or 0)


def _last(call: LayerCall, emit: Emitter, name: str = "x") -> tuple[Symbol, bool]:
    """Return images with their channels last, and whether these came first."""
    x = given(call, emit, name)
    if x.rank != 4:
        raise Unsupported(f"it takes tensors with four axes, got {x.type}")
    first = layout(call) == "channels_first"
    return (permuted(emit, x, [0, 2, 3, 1]) if first else x), first


def _back(emit: Emitter, x: Symbol, first: bool) -> Symbol:
    return permuted(emit, x, [0, 3, 1, 2]) if first else x


def both(value: Any, what: str) -> list[int]:
    """Return a setting for rows and columns, which may be one number for both."""
    pair = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if len(pair) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) for n in pair):
        raise Unsupported(f"its {what} must be one or two whole numbers, got {value!r:.40}")
    return pair


def fold(call: LayerCall, emit: Emitter) -> Symbol:
    """The images whose windows are the columns, added up where they overlap."""
    x, config = given(call, emit), call.config
    window, rates, pad, strides, out = (
        both(config.get(name, default), name)
        for name, default in (
            ("kernel_size", None), ("dilation", 1), ("padding", 0), ("stride", 1), ("output_size", None),
        )
    )  # fmt: skip
    padded = [n + 2 * p for n, p in zip(out, pad, strict=True)]
    counts = [(n - rate * (k - 1) - 1) // s + 1 for n, rate, k, s in zip(padded, rates, window, strides, strict=True)]
    channels = known(x.shape[1], "the number of channels") // (window[0] * window[1])
    x = reshaped(emit, x, [sizes(x)[0], channels, *window, *counts])
    parts = [_placed(emit, x, place, counts, strides, rates, padded) for place in np.ndindex(*window)]
    y = parts[0]
    for part in parts[1:]:
        y = emit.op("add", y, part)
    return emit.op("slice", y, slices=[None, None, *([p, p + n, None] for p, n in zip(pad, out, strict=True))])


def _placed(
    emit: Emitter, x: Symbol, place: Sequence[int], counts: Sequence[int], strides: Sequence[int],
    rates: Sequence[int], padded: Sequence[int],
) -> Symbol:  # fmt: skip
    """Return one element of every window, where it belongs in the image: zeros put between, before and behind."""
    part: Symbol = emit.op("slice", x, slices=[None, None, *([i, i + 1, None] for i in place), None, None])
    wide = reshaped(emit, part, [sizes(part)[0], x.shape[1] or 0, counts[0], 1, counts[1], 1])
    wide = emit.op("pad", wide, pads=[[0, 0], [0, 0], [0, 0], [0, strides[0] - 1], [0, 0], [0, strides[1] - 1]])
    spread = [count * stride for count, stride in zip(counts, strides, strict=True)]
    y = reshaped(emit, wide, [sizes(wide)[0], x.shape[1] or 0, *spread])
    before = [i * rate for i, rate in zip(place, rates, strict=True)]
    for axis, (start, size, whole) in enumerate(zip(before, spread, padded, strict=True), start=2):
        y = sliced(emit, y, axis, 0, min(size, whole - start))
        after = whole - start - min(size, whole - start)
        y = emit.op("pad", y, pads=[[start, after] if i == axis else [0, 0] for i in range(4)])
    return y
