"""Images."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from ..operations.operands import axis_of, documented, expanded, known, number_like, sliced, tensor, without_axes
from .binding import Function, dtype, given, number, operation, register_functions, value, whole
from .extents import shape


@hookimpl
def register_layers(register: Register) -> None:
    """Register the functions of images."""
    register_functions(register, FUNCTIONS)


METHODS = {"bilinear": "bilinear", "nearest": "nearest", "bicubic": "bicubic", "lanczos3": "lanczos3",
           "lanczos5": "lanczos5", 0: "bilinear", 1: "nearest", 2: "bicubic"}  # fmt: skip


def resize(call: LayerCall, emit: Emitter) -> Symbol:
    """Images resampled, by half-pixel centers; float32 but for `nearest`."""
    x = given(call, emit, "images")
    method = METHODS.get(value(call, "method", "bilinear"))
    wanted = shape(call.get("size"))
    if method is None:
        raise Unsupported(f"its method {value(call, 'method')!r:.40} is not converted")
    if not all(isinstance(n, int) for n in wanted) or len(wanted) != 2:
        raise Unsupported("it resizes to a size that is known only when the model runs")
    if value(call, "preserve_aspect_ratio", False):
        raise Unsupported("it preserves the aspect ratio")
    return _resized(emit, x, wanted, method, bool(value(call, "antialias", False)))


def _resized(emit: Emitter, x: Symbol, wanted: list[Any], method: str, antialias: bool) -> Symbol:
    images = expanded(emit, x, [0]) if x.rank == 3 else x
    if images.rank != 4:
        raise Unsupported(f"it takes images with three or four axes, got {x.type}")
    nearest = method == "nearest"
    if nearest or is_float(x.dtype):
        given_ = images if is_float(x.dtype) else emit.cast(images, "float64")
    else:
        given_ = emit.cast(images, "float32")
    y: Symbol = emit.op(
        "resize", emit.cast(given_, "float32") if not nearest else given_, size=wanted, interpolation=method,
        antialias=antialias, data_format="channels_last",
    )  # fmt: skip
    y = emit.cast(y, x.dtype if nearest else "float32")
    return without_axes(emit, y, [0]) if x.rank == 3 else y


def _legacy(method: str) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        if value(call, "align_corners", False) or not value(call, "half_pixel_centers", False):
            return _by_corners(call, emit, method)
        return _resized(emit, given(call, emit, "images"), shape(call.get("size")), method, antialias=False)

    return ("images", "size", "align_corners", "half_pixel_centers"), documented(
        lower, f"Images resampled ({method}) as TensorFlow 1 did: pixels lie at their corners."
    )


def _by_corners(call: LayerCall, emit: Emitter, method: str) -> Symbol:
    """Resample by coordinates that do not lie in the middle of pixels: products with matrices of weights."""
    x = given(call, emit, "images")
    wanted = shape(call.get("size"))
    lengths = [n for n in wanted if isinstance(n, int)]
    if x.rank != 4 or len(lengths) != 2:
        raise Unsupported("it resizes to a size that is known only when the model runs")
    kind = x.dtype if method == "nearest" and is_float(x.dtype) else "float32"
    if method == "nearest" and not is_float(x.dtype):
        raise Unsupported("it resizes whole numbers")
    y = emit.cast(x, kind)
    for along, length in enumerate(lengths, 1):
        have = known(y.shape[along], "the size of the images")
        table = _weights(have, length, method, bool(value(call, "align_corners", False)))
        letters = {1: "abcd,eb->aecd", 2: "abcd,ec->abed"}[along]
        y = emit.op("einsum", y, emit.array(f"weights_{along}", np.array(table), kind), equation=letters)
    return y


def _weights(have: int, length: int, method: str, corners: bool) -> list[list[float]]:
    """Row i holds how much each of `have` pixels counts in pixel i of `length`."""
    scale = (have - 1) / (length - 1) if corners and length > 1 else have / length
    rows = []
    for i in range(length):
        row = [0.0] * have
        place = i * scale
        if method == "nearest":
            nearest = int(place + 0.5) if corners else int(place)
            row[min(nearest, have - 1)] = 1.0
        else:
            low = int(place)
            high = min(low + 1, have - 1)
            row[low] += 1.0 - (place - low)
            row[high] += place - low
        rows.append(row)
    return rows


def grayscale(call: LayerCall, emit: Emitter) -> Symbol:
    """0.2989 red + 0.587 green + 0.114 blue."""
    x = given(call, emit, "images")
    if not is_float(x.dtype):
        raise Unsupported("it takes whole numbers")
    weights = tensor(emit, [[0.2989], [0.5870], [0.1140]], x.dtype)
    return emit.op("matmul", x, weights)


def to_rgb(call: LayerCall, emit: Emitter) -> Symbol:
    """Gray images three times."""
    x = given(call, emit, "images")
    return emit.op("concatenate", x, x, x, axis=x.rank - 1)


def _flip(axis: int) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "image")
        return emit.op("flip", x, axes=[axis_of(axis, x.rank)])

    return ("image",), documented(lower, f"Images backwards along axis {axis}.")


def transpose(call: LayerCall, emit: Emitter) -> Symbol:
    """Rows and columns exchanged."""
    x = given(call, emit, "image")
    order = list(range(x.rank))
    order[-3], order[-2] = order[-2], order[-3]
    return emit.op("transpose", x, axes=order)


def standardize(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean) / max(standard deviation, 1 / sqrt(pixels)), each image by itself."""
    x = emit.cast(given(call, emit, "image"), "float32")
    axes = [x.rank - 3, x.rank - 2, x.rank - 1]
    pixels = 1
    for axis in axes:
        pixels *= known(x.shape[axis], "the size of the images")
    mean = emit.op("mean", x, axes=axes, keepdims=True)
    distance = emit.op("subtract", x, mean)
    deviation = emit.op("sqrt", emit.op("mean", emit.op("multiply", distance, distance), axes=axes, keepdims=True))
    return emit.op("divide", distance, emit.op("maximum", deviation, number_like(emit, pixels**-0.5, x)))


def _spans(x: Symbol) -> tuple[int, int]:
    return known(x.shape[-3], "the size of the images"), known(x.shape[-2], "the size of the images")


def crop(call: LayerCall, emit: Emitter) -> Symbol:
    """The pixels from an offset on, as many as the target says."""
    x = given(call, emit, "image")
    for axis, side in ((-3, "height"), (-2, "width")):
        start = whole(call, f"offset_{side}")
        x = sliced(emit, x, axis_of(axis, x.rank), start, start + whole(call, f"target_{side}"))
    return x


def pad(call: LayerCall, emit: Emitter) -> Symbol:
    """Zeros around, up to a target size."""
    x = given(call, emit, "image")
    pads = [[0, 0]] * x.rank
    for axis, side, have in zip((-3, -2), ("height", "width"), _spans(x), strict=True):
        before = whole(call, f"offset_{side}")
        pads[axis] = [before, whole(call, f"target_{side}") - before - have]
    return emit.op("pad", x, pads=pads, value=0)


def central_crop(call: LayerCall, emit: Emitter) -> Symbol:
    """The middle of the images."""
    x, share = given(call, emit, "image"), float(number(call, "central_fraction", 1.0))
    for axis, have in zip((-3, -2), _spans(x), strict=True):
        start = int((have - have * share) / 2)
        x = sliced(emit, x, axis_of(axis, x.rank), start, have - start)
    return x


def crop_or_pad(call: LayerCall, emit: Emitter) -> Symbol:
    """The middle of larger images, zeros around smaller ones."""
    x = given(call, emit, "image")
    for axis, side, have in zip((-3, -2), ("height", "width"), _spans(x), strict=True):
        target, along = whole(call, f"target_{side}"), axis_of(axis, x.rank)
        if have > target:
            start = (have - target) // 2
            x = sliced(emit, x, along, start, start + target)
        elif have < target:
            before = (target - have) // 2
            pads = [[before, target - have - before] if i == along else [0, 0] for i in range(x.rank)]
            x = emit.op("pad", x, pads=pads, value=0)
    return x


def convert(call: LayerCall, emit: Emitter) -> Symbol:
    """Whole numbers scaled to 0...1 as floats; floats in another precision."""
    x, kind = given(call, emit, "image"), dtype(call, "dtype", "float32")
    if is_float(x.dtype) and is_float(kind):
        return emit.cast(x, kind).with_mask(None)
    if x.dtype not in ("uint8", "int8", "uint16", "int16") or not is_float(kind):
        raise Unsupported(f"it converts {x.dtype} to {kind}")
    most = {"uint8": 255, "int8": 127, "uint16": 65535, "int16": 32767}[x.dtype]
    return emit.op("multiply", emit.cast(x, kind), emit.constant(1.0 / most, kind))


def brightness(call: LayerCall, emit: Emitter) -> Symbol:
    """Images plus a number."""
    x = _floats(given(call, emit, "image"))
    return emit.op("add", x, number_like(emit, float(number(call, "delta", None)), x))


def contrast(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean of the channel) factor + mean."""
    x = _floats(given(call, emit, "images"))
    mean = emit.op("mean", x, axes=[x.rank - 3, x.rank - 2], keepdims=True)
    factor = number_like(emit, float(number(call, "contrast_factor", None)), x)
    return emit.op("add", emit.op("multiply", emit.op("subtract", x, mean), factor), mean)


def _floats(x: Symbol) -> Symbol:
    if x.dtype != "float32":
        raise Unsupported(f"it takes {x.dtype} images, which TensorFlow scales before and after")
    return x


def rot90(call: LayerCall, emit: Emitter) -> Symbol:
    """Images turned by quarters."""
    x = given(call, emit, "image")
    return operation(emit, "Rot90", x, k=whole(call, "k", 1), axes=[x.rank - 3, x.rank - 2])


FUNCTIONS: dict[str, Function] = {
    "image.resize": (("images", "size", "method", "preserve_aspect_ratio", "antialias"), resize),
    "image.resize_bilinear": _legacy("bilinear"),
    "image.resize_nearest_neighbor": _legacy("nearest"),
    "image.rgb_to_grayscale": (("images",), grayscale),
    "image.grayscale_to_rgb": (("images",), to_rgb),
    "image.rgb_to_hsv": (("images",), lambda call, emit: operation(emit, "RGBToHSV", given(call, emit, "images"))),
    "image.hsv_to_rgb": (("images",), lambda call, emit: operation(emit, "HSVToRGB", given(call, emit, "images"))),
    "image.flip_left_right": _flip(-2),
    "image.flip_up_down": _flip(-3),
    "image.transpose": (("image",), transpose),
    "image.rot90": (("image", "k"), rot90),
    "image.per_image_standardization": (("image",), standardize),
    "image.crop_to_bounding_box": (
        ("image", "offset_height", "offset_width", "target_height", "target_width"), crop),
    "image.pad_to_bounding_box": (("image", "offset_height", "offset_width", "target_height", "target_width"), pad),
    "image.central_crop": (("image", "central_fraction"), central_crop),
    "image.resize_with_crop_or_pad": (("image", "target_height", "target_width"), crop_or_pad),
    "image.convert_image_dtype": (("image", "dtype", "saturate"), convert),
    "image.adjust_brightness": (("image", "delta"), brightness),
    "image.adjust_contrast": (("images", "contrast_factor"), contrast),
}  # fmt: skip
FUNCTIONS["image.rgb_to_hsv"][1].__doc__ = "Hue, saturation and value."
FUNCTIONS["image.hsv_to_rgb"][1].__doc__ = "Red, green and blue."
