"""Images (keras/src/ops/image.py). They come with or without a batch axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from ..bounds import counted
from ..framing import framed, middle, resized, single
from .operands import (
    expanded,
    given,
    join,
    known,
    number_like,
    permuted,
    register_table,
    reshaped,
    sizes,
    sliced,
    tensor,
    without_axes,
)
from .windows import layout


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations on images."""
    functions = {
        "Resize": resize, "CropImages": crop, "PadImages": pad, "RGBToGrayscale": grayscale, "RGBToHSV": rgb_to_hsv,
        "HSVToRGB": hsv_to_rgb, "GaussianBlur": gaussian_blur, "SobelEdges": sobel_edges,
    }  # fmt: skip
    register_table(register, ("images",), functions)
    register.refuse({"keras.ops.ElasticTransform": "it distorts images at random"})


def batched_images(call: LayerCall, emit: Emitter) -> tuple[Symbol, int, int]:
    """Return images with a batch axis, and their axes of height and channels."""
    x = given(call, emit, "images")
    if x.rank not in (3, 4):
        raise Unsupported(f"it takes images with three or four axes, got {x.type}")
    x = reshaped(emit, x, [1, *sizes(x)]) if x.rank == 3 else x
    return (x, 1, 3) if layout(call) == "channels_last" else (x, 2, 1)


def unbatched(call: LayerCall, emit: Emitter, y: Symbol) -> Symbol:
    """Drop the batch axis again where the call had none."""
    return without_axes(emit, y, [0]) if given(call, emit, "images").rank == 3 else y


def resize(call: LayerCall, emit: Emitter) -> Symbol:
    """Images resampled to `size`, in float32; cropped or padded to its shape before, where that is asked for."""
    x, first, _ = batched_images(call, emit)
    config = call.config
    size = config.ints("size", rank=2)
    interpolation = config.str("interpolation", "bilinear")
    if config.bool("crop_to_aspect_ratio", False):
        x = middle(emit, x, size, first, single)
    elif config.bool("pad_to_aspect_ratio", False):
        x = framed(emit, x, size, first, config.get("fill_value", 0.0))
    antialias = config.bool("antialias", False)
    return unbatched(call, emit, resized(emit, x, size, layout(call), interpolation, antialias).with_mask(None))


def crop(call: LayerCall, emit: Emitter) -> Symbol:
    """Images without rows and columns at their sides, or cut to a target size."""
    x, first, _ = batched_images(call, emit)
    for axis, before, after, target in _sides(call, first, "cropping"):
        size = known(x.shape[axis], "the size of the images")
        before = size - (target or 0) - (after or 0) if before is None else before
        length = size - (after or 0) - before if target is None else target
        if before < 0 or length < 0 or before + length > size:
            raise Unsupported(f"it cuts {length} elements from {before} on out of {size}")
        x = sliced(emit, x, axis, before, before + length)
    return unbatched(call, emit, x)


def pad(call: LayerCall, emit: Emitter) -> Symbol:
    """Images with zeros at their sides, or up to a target size."""
    x, first, _ = batched_images(call, emit)
    pads = [[0, 0]] * x.rank
    for axis, before, after, target in _sides(call, first, "padding"):
        if before is None or after is None:
            rest = (target or 0) - known(x.shape[axis], "the size of the images") - (before or 0) - (after or 0)
            before, after = rest if before is None else before, rest if after is None else after
        if min(before, after) < 0:
            raise Unsupported("its target size is smaller than the images")
        pads[axis] = [before, after]
    zero: Any = False if x.dtype == "bool" else 0
    return unbatched(call, emit, emit.op("pad", x, pads=pads, value=zero))


def _sides(call: LayerCall, first: int, what: str) -> list[tuple[int, int | None, int | None, int | None]]:
    """Return (axis, before, after, target size) for rows and columns."""
    names = (("top", "bottom", "height"), ("left", "right", "width"))
    return [
        (first + i, *(call.argument(name, None) for name in (f"{one}_{what}", f"{two}_{what}", f"target_{side}")))
        for i, (one, two, side) in enumerate(names)
    ]


def grayscale(call: LayerCall, emit: Emitter) -> Symbol:
    """0.2989 red + 0.587 green + 0.114 blue, in the dtype of the images; gray ones are handed on."""
    x, _, channels = batched_images(call, emit)
    if x.shape[channels] == 1:
        return unbatched(call, emit, x.with_mask(None))
    if x.shape[channels] != 3:
        raise Unsupported(f"it takes images with one or three channels, got {x.type}")
    dtype = join(x.dtype, "float")
    weights = tensor(emit, [0.2989, 0.5870, 0.1140], dtype)
    letters = "abcd"
    equation = f"{letters},{letters[channels]}->{letters.replace(letters[channels], '')}"
    y = emit.op("einsum", emit.cast(x, dtype), weights, equation=equation)
    return emit.cast(unbatched(call, emit, expanded(emit, y, [channels])), x.dtype)


def _three(emit: Emitter, x: Symbol, channels: int) -> list[Symbol]:
    if x.shape[channels] != 3 or not is_float(x.dtype):
        raise Unsupported(f"it takes floats with three channels, got {x.type}")
    return [sliced(emit, x, channels, i, i + 1) for i in range(3)]


def rgb_to_hsv(call: LayerCall, emit: Emitter) -> Symbol:
    """Hue (0 to 1), saturation and value of red, green and blue."""
    x, _, channels = batched_images(call, emit)
    red, green, blue = _three(emit, x, channels)
    value: Symbol = emit.op("max", x, axes=[channels], keepdims=True)
    spread = emit.op("subtract", value, emit.op("min", x, axes=[channels], keepdims=True))
    zero, one = number_like(emit, 0, x), number_like(emit, 1, x)
    saturation = emit.op("where", emit.op("greater", value, zero), emit.op("divide", spread, value), zero)
    unit = emit.op("divide", one, emit.op("multiply", number_like(emit, 6, x), spread))

    def hue(a: Symbol, b: Symbol, start: float) -> Symbol:
        turn = emit.op("multiply", unit, emit.op("subtract", a, b))
        return emit.op("add", turn, number_like(emit, start, x)) if start else turn

    other = emit.op("where", emit.op("equal", green, value), hue(blue, red, 2 / 6), hue(red, green, 4 / 6))
    angle = emit.op("where", emit.op("equal", red, value), hue(green, blue, 0.0), other)
    angle = emit.op("where", emit.op("greater", spread, zero), angle, zero)
    angle = emit.op("where", emit.op("less", angle, zero), emit.op("add", angle, one), angle)
    return unbatched(call, emit, emit.op("concatenate", angle, saturation, value, axis=channels))


def hsv_to_rgb(call: LayerCall, emit: Emitter) -> Symbol:
    """Red, green and blue of hue, saturation and value."""
    x, _, channels = batched_images(call, emit)
    hue, saturation, value = _three(emit, x, channels)
    zero, one = number_like(emit, 0, x), number_like(emit, 1, x)
    angle = emit.op("multiply", hue, number_like(emit, 6, x))
    rest = emit.op("subtract", one, saturation)

    def part(middle: int, sign: int, shift: int) -> Symbol:
        away = emit.op("abs", emit.op("subtract", angle, number_like(emit, middle, x)))
        away = away if sign > 0 else emit.op("negative", away)
        share = emit.op("add", away, number_like(emit, shift, x))
        share = emit.op("maximum", emit.op("minimum", share, one), zero)
        return emit.op("multiply", emit.op("add", rest, emit.op("multiply", saturation, share)), value)

    return unbatched(call, emit, emit.op("concatenate", part(3, 1, -1), part(2, -1, 2), part(4, -1, 2), axis=channels))


def _filtered(call: LayerCall, emit: Emitter, x: Symbol, kernel: Any, padding: str) -> Symbol:
    """Convolve every channel with kernel (rows, columns, filters); the filters of a channel stand together."""
    count = known(x.shape[-1 if layout(call) == "channels_last" else 1], "the number of channels")
    rows, columns, filters = kernel.shape
    weights = emit.array("kernel", np.tile(kernel[:, :, None, :], (1, 1, 1, count)), x.dtype)
    return emit.op(
        "conv", x, reshaped(emit, weights, [rows, columns, 1, count * filters]), strides=[1, 1], dilation_rate=[1, 1],
        groups=count, padding=padding, data_format=layout(call),
    )  # fmt: skip


def gaussian_blur(call: LayerCall, emit: Emitter) -> Symbol:
    """The mean of the pixels around, weighted by a Gaussian; zeros outside."""
    x, _, _ = batched_images(call, emit)
    size, sigma = call.config.ints("kernel_size", (3, 3), rank=2), call.config.get("sigma", (1.0, 1.0))

    def bell(count: int, width: float) -> Any:
        heights = np.exp(-0.5 * ((np.arange(count) - (count - 1) / 2) / width) ** 2)
        return heights / heights.sum()

    counted(size[0] * size[1])
    kernel = np.outer(bell(size[1], sigma[1]), bell(size[0], sigma[0])).reshape(size[0], size[1], 1)
    return unbatched(call, emit, _filtered(call, emit, x, kernel, "same"))


def sobel_edges(call: LayerCall, emit: Emitter) -> Symbol:
    """Vertical and horizontal differences by Sobel's filters, as a new last axis; edges are reflected."""
    x = given(call, emit, "images")
    first = layout(call) == "channels_first"
    if x.rank != 4:
        raise Unsupported(f"it takes images with four axes, got {x.type}")
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    axes = (2, 3) if first else (1, 2)
    padded = emit.op("pad", x, pads=[[1, 1] if i in axes else [0, 0] for i in range(4)], mode="reflect")
    y = _filtered(call, emit, padded, np.stack([down, down.T], axis=-1), "valid")
    channels = 1 if first else 3
    shape = sizes(y)
    shape[channels : channels + 1] = [known(x.shape[channels], "the number of channels"), 2]
    y = reshaped(emit, y, shape)
    return permuted(emit, y, [0, 1, 3, 4, 2]) if first else y
