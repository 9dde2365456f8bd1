"""Layers that cut, resample and stretch images, in training or not (keras/src/layers/preprocessing)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dtypes import FLOATS

from .framing import double, first_axis, framed, middle, resampled, resized, single
from .samples import each, kept, refused
from .shapes import sizes

MOVED_BOXES = refused("it moves bounding boxes along with the images; convert the model without them")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers."""
    register("keras.layers.Resizing", resizing, arguments=("data",))
    register("keras.layers.CenterCrop", center_crop, arguments=("data",))
    register("keras.layers.AutoContrast", auto_contrast, arguments=("data",))
    register("keras.layers.MaxNumBoundingBoxes", max_num_bounding_boxes, arguments=("data",))


def resizing(call: LayerCall, emit: Emitter) -> Any:
    """The images resampled to height x width in their own dtype; cut or framed to that shape before, if asked for."""
    if call.config.str("fill_mode", "constant") != "constant":
        raise Unsupported(f"its fill_mode must be constant, got {call.config['fill_mode']!r}")
    interpolation = call.config.str("interpolation", "bilinear")
    return each(
        call, emit, lambda x: _resized(call, emit, x, interpolation),
        masks=lambda x: _resized(call, emit, x, "nearest"), boxes=MOVED_BOXES,
    )  # fmt: skip


def _resized(call: LayerCall, emit: Emitter, x: Symbol, interpolation: str) -> Symbol:
    config, size, layout = call.config, _size(call), call.config.data_format()
    crops, pads = (config.bool(f"{name}_to_aspect_ratio", False) for name in ("crop", "pad"))
    if crops and pads:
        raise Unsupported("it both crops and pads to the aspect ratio; one of the two is possible")
    if crops:
        x = middle(emit, x, size, first_axis(layout), single)
    elif pads:
        x = framed(emit, x, size, first_axis(layout), config.get("fill_value", 0.0))
    return resized(emit, x, size, layout, interpolation, config.bool("antialias", False))


def _size(call: LayerCall) -> list[int]:
    size = [call.config.int(name) for name in ("height", "width")]
    if min(size) < 1:
        raise Unsupported(f"its height and width must be at least 1, got {size}")
    return size


def center_crop(call: LayerCall, emit: Emitter) -> Any:
    """The middle of the images in the compute dtype; of smaller ones the middle of that shape, resampled in float32."""
    return each(
        call, emit, lambda x: _cropped(call, emit, x), masks=lambda x: _cropped(call, emit, x), boxes=MOVED_BOXES
    )


def _cropped(call: LayerCall, emit: Emitter, x: Symbol) -> Symbol:
    size, layout = _size(call), call.config.data_format()
    first = first_axis(layout)
    x = emit.cast(x, call.layer.policy.compute)
    height, width = x.shape[first : first + 2]
    if height is None or width is None:
        raise Unsupported("it needs to know the size of the images, which the file leaves open")
    if height < size[0] or width < size[1]:
        return resampled(emit, middle(emit, x, size, first, double), size, layout, "bilinear")
    slices: list[list[int] | None] = [None] * x.rank
    for axis, length, wanted in ((first, height, size[0]), (first + 1, width, size[1])):
        start = (length - wanted) // 2
        slices[axis] = [start, start + wanted, 1]
    return emit.op("slice", x, slices=slices).with_mask(None)


def auto_contrast(call: LayerCall, emit: Emitter) -> Any:
    """Each channel stretched linearly over the whole value_range; left as it is where it holds one value only.

    Lowest and highest are those over the second and third axis, whatever the layout. All in the compute dtype.
    """
    if call.layer.policy.compute not in FLOATS:
        raise Unsupported(f"its dtype must be one of floats, got {call.layer.policy.name}")
    return each(call, emit, lambda x: _stretched(call, emit, x))


def _stretched(call: LayerCall, emit: Emitter, given: Symbol) -> Symbol:
    dtype = call.layer.policy.compute
    least, most = sorted(value_range(call))
    whole, own = (0.0, 255.0), (least, most)
    x = emit.cast(ranged(emit, given, own, whole, dtype), dtype)
    low = emit.op("min", x, axes=[1, 2], keepdims=True)
    high = emit.op("max", x, axes=[1, 2], keepdims=True)
    scale = emit.op("divide", emit.constant(255.0, dtype), emit.op("subtract", high, low))
    offset = emit.op("multiply", emit.op("negative", low), scale)
    y = emit.op("add", emit.op("multiply", x, scale), offset)
    y = emit.op("minimum", emit.op("maximum", y, emit.constant(0.0, dtype)), emit.constant(255.0, dtype))
    y = ranged(emit, y, whole, own, dtype)
    stretched: Symbol = emit.op("where", emit.op("isnan", y), emit.cast(given, dtype), y)
    return stretched


def value_range(call: LayerCall) -> tuple[float, float]:
    """Return the lowest and highest value that pixels have."""
    given = call.config.get("value_range", (0, 255))
    if not isinstance(given, (list, tuple)) or len(given) != 2 or not all(isinstance(n, (int, float)) for n in given):
        raise Unsupported(f"its value_range must be two numbers, got {given!r:.60}")
    return float(given[0]), float(given[1])


def ranged(emit: Emitter, x: Symbol, source: tuple[float, float], target: tuple[float, float], dtype: str) -> Symbol:
    """Map values linearly from one range to another in `dtype`; x itself, in its own dtype, if they are the same."""
    if source == target:
        return x
    low, high, to_low, to_high = (emit.constant(n, dtype) for n in (*source, *target))
    share = emit.op("divide", emit.op("subtract", emit.cast(x, dtype), low), emit.op("subtract", high, low))
    y: Symbol = emit.op("add", emit.op("multiply", share, emit.op("subtract", to_high, to_low)), to_low)
    return y


def max_num_bounding_boxes(call: LayerCall, emit: Emitter) -> Any:
    """The first max_number boxes and labels of each image, fewer made up with -1; images as they are."""
    return each(call, emit, kept, boxes=lambda boxes: _limited(call, emit, boxes))


def _limited(call: LayerCall, emit: Emitter, given: Mapping[str, Symbol]) -> Mapping[str, Symbol]:
    count, fill = call.config.int("max_number"), call.config.int("fill_value", -1)
    boxes, labels = given["boxes"], given["labels"]
    if boxes.shape[-1] != 4 or labels.rank != boxes.rank - 1 or count < 0:
        raise Unsupported(
            f"it takes boxes (batch, boxes, 4) and labels (batch, boxes), got {boxes.type}, {labels.type}"
        )
    axis = boxes.rank - 2
    return {"boxes": _filled(emit, boxes, axis, count, fill), "labels": _filled(emit, labels, axis, count, fill)}


def _filled(emit: Emitter, x: Symbol, axis: int, count: int, fill: int) -> Symbol:
    """Put `count` times `fill` behind x along an axis, and cut what is too much."""
    shape: list[int | str] = sizes(x, "like")
    shape[axis] = count
    rest = emit.op("full", x, shape=shape, value=fill if x.dtype not in FLOATS else float(fill), dtype=x.dtype)
    slices: list[list[int] | None] = [None] * x.rank
    slices[axis] = [0, count, 1]
    y: Symbol = emit.op("slice", emit.op("concatenate", x, rest, axis=axis), slices=slices)
    return y
