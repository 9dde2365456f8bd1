"""Convolution and pooling."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from ..operations.operands import documented, known, number_like, sliced
from .binding import Function, alike, given, number, operation, plain, register_functions, value, whole


@hookimpl
def register_layers(register: Register) -> None:
    """Register convolution and pooling."""
    register_functions(register, FUNCTIONS)


def _first(call: LayerCall) -> bool:
    return str(value(call, "data_format", "NHWC") or "NHWC").startswith("NC")


def _window(call: LayerCall, name: str, rank: int, default: Any = 1) -> list[int]:
    """Return sizes of the spatial axes, given for one, for these, or for all axes."""
    found = plain(value(call, name, default))
    entries = list(found) if isinstance(found, (list, tuple)) else [found]
    if not all(isinstance(n, int) for n in entries):
        raise Unsupported(f"its {name} must be whole numbers in the file")
    if len(entries) == 1:
        return entries * rank
    if len(entries) == rank + 2:
        outer, inner = ([entries[0], entries[1]], entries[2:]) if _first(call) else (
            [entries[0], entries[-1]], entries[1:-1])  # fmt: skip
        if outer != [1, 1]:
            raise Unsupported(f"its {name} {entries} step over rows or channels")
        return inner
    if len(entries) != rank:
        raise Unsupported(f"its {name} {entries} do not fit {rank} axes")
    return entries


def _padding(call: LayerCall) -> str:
    found = value(call, "padding", "VALID")
    if str(found).upper() not in ("VALID", "SAME"):
        raise Unsupported("its padding must be VALID or SAME; pad with tf.pad")
    return str(found).lower()


def _layout(call: LayerCall) -> str:
    return "channels_first" if _first(call) else "channels_last"


def _first_of(call: LayerCall, *names: str) -> str:
    """Return the first of several names of an argument that is there."""
    return next((name for name in names if call.get(name) is not None), names[0])


def conv(call: LayerCall, emit: Emitter) -> Symbol:
    """Convolution."""
    x, weights = alike(call, emit, _first_of(call, "input", "value"), _first_of(call, "filters", "filter"))
    rank = x.rank - 2
    return operation(
        emit, "Conv", x, weights, strides=_window(call, _first_of(call, "strides", "stride"), rank),
        padding=_padding(call), data_format=_layout(call),
        dilation_rate=_window(call, _first_of(call, "dilations", "dilation_rate"), rank),
    )  # fmt: skip


def depthwise(call: LayerCall, emit: Emitter) -> Symbol:
    """Convolution of each channel with its own filters."""
    x, weights = alike(call, emit, "input", "filter")
    return _depthwise(call, emit, x, weights)


def _depthwise(call: LayerCall, emit: Emitter, x: Symbol, weights: Symbol) -> Symbol:
    rates = "rate" if call.get("rate") is not None else "dilations"
    return operation(
        emit, "DepthwiseConv", x, weights, strides=_window(call, "strides", 2), padding=_padding(call),
        data_format=_layout(call), dilation_rate=_window(call, rates, 2),
    )  # fmt: skip


def separable(call: LayerCall, emit: Emitter) -> Symbol:
    """A depthwise convolution, then one of windows of one element."""
    x, depth, point = alike(call, emit, "input", "depthwise_filter", "pointwise_filter")
    y = _depthwise(call, emit, x, depth)
    return operation(emit, "Conv", y, point, strides=1, padding="valid", data_format=_layout(call), dilation_rate=1)


def _pool(name: str, rank: int | None) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "input" if call.get("input") is not None else "value")
        axes = rank or x.rank - 2
        return operation(
            emit, name, x, pool_size=_window(call, "ksize", axes), padding=_padding(call), data_format=_layout(call),
            strides=_window(call, "strides", axes),
        )  # fmt: skip

    return ("input", "ksize", "strides", "padding", "data_format", "value"), documented(lower, f"As keras.ops {name}.")


def _blocks(name: str) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "input")
        return operation(emit, name, x, block_size=whole(call, "block_size"), data_format=_layout(call))

    return ("input", "block_size", "data_format"), documented(lower, f"As keras.ops {name}.")


def conv_transpose(call: LayerCall, emit: Emitter) -> Symbol:
    """Refuse: the output shape is computed outside."""
    raise Unsupported("transposed convolution as a function is not converted; use the layer Conv2DTranspose")


def lrn(call: LayerCall, emit: Emitter) -> Symbol:
    """x / (bias + alpha s)^beta, where s is the sum of squares of the channels around."""
    x = given(call, emit, "input")
    radius = whole(call, "depth_radius", 5)
    bias, alpha, beta = (float(number(call, name, start)) for name, start in (("bias", 1), ("alpha", 1), ("beta", 0.5)))
    channels = known(x.shape[-1], "the number of channels")
    pads = [*[[0, 0]] * (x.rank - 1), [radius, radius]]
    squares: Symbol = emit.op("pad", emit.op("multiply", x, x), pads=pads)
    total: Any = None
    for start in range(2 * radius + 1):
        part = sliced(emit, squares, x.rank - 1, start, start + channels)
        total = part if total is None else emit.op("add", total, part)
    scale = emit.op("add", number_like(emit, bias, x), emit.op("multiply", number_like(emit, alpha, x), total))
    return emit.op("divide", x, emit.op("power", scale, number_like(emit, beta, x)))


def patches(call: LayerCall, emit: Emitter) -> Symbol:
    """The windows of images as channels."""
    x = given(call, emit, "images")
    sizes, strides, rates = (_window(call, name, 2) for name in ("sizes", "strides", "rates"))
    settings = {"size": sizes, "strides": strides, "dilation_rate": rates, "padding": _padding(call)}
    return operation(emit, "ExtractPatches", x, data_format="channels_last", **settings)


CONV = (
    "input", "filters", "strides", "padding", "data_format", "dilations", "value", "filter", "stride", "dilation_rate",
    "use_cudnn_on_gpu",
)  # fmt: skip
SEPARABLE = ("input", "depthwise_filter", "pointwise_filter", "strides", "padding", "data_format", "rate", "dilations")
FUNCTIONS: dict[str, Function] = {
    "conv1d": (CONV, conv),
    "conv2d": (CONV, conv),
    "conv3d": (CONV, conv),
    "convolution": (CONV, conv),
    "depthwise_conv2d": (("input", "filter", "strides", "padding", "data_format", "rate", "dilations"), depthwise),
    "separable_conv2d": (SEPARABLE, separable),
    "max_pool": _pool("MaxPool", None),
    "max_pool1d": _pool("MaxPool", 1),
    "max_pool2d": _pool("MaxPool", 2),
    "max_pool3d": _pool("MaxPool", 3),
    "avg_pool": _pool("AveragePool", None),
    "avg_pool1d": _pool("AveragePool", 1),
    "avg_pool2d": _pool("AveragePool", 2),
    "avg_pool3d": _pool("AveragePool", 3),
    "depth_to_space": _blocks("DepthToSpace"),
    "space_to_depth": _blocks("SpaceToDepth"),
    "local_response_normalization": (("input", "depth_radius", "bias", "alpha", "beta"), lrn),
    "image.extract_patches": (("images", "sizes", "strides", "rates", "padding"), patches),
    "conv2d_transpose": (("input", "filters", "output_shape", "strides", "padding", "data_format"), conv_transpose),
}
