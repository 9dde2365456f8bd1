"""Convolution layers (keras/src/layers/convolutional). None of them supports masking."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the convolution layers, each for every rank that Keras has."""
    register([f"keras.layers.Conv{rank}D" for rank in (1, 2, 3)], conv)
    register([f"keras.layers.Conv{rank}DTranspose" for rank in (1, 2, 3)], conv_transpose)
    register([f"keras.layers.DepthwiseConv{rank}D" for rank in (1, 2)], depthwise_conv)
    register([f"keras.layers.SeparableConv{rank}D" for rank in (1, 2)], separable_conv)


def conv(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(conv(x, kernel) + bias); 'causal' padding looks at earlier steps only."""
    config, x, rank = call.config, call.x, rank_of(call)
    filters, groups, windows = config.int("filters"), config.int("groups", 1), config.ints("kernel_size", rank=rank)
    channels = _channels(call, rank)
    if groups < 1 or channels % groups:
        raise Unsupported(f"its {channels} input channels do not divide into {groups} groups")
    kernel = emit.weight("kernel", 0, shape=(*windows, channels // groups, filters))
    padding = _padding(call, "valid", "same", *(["causal"] if rank == 1 else []))
    if padding == "causal":
        x, padding = _causal(call, emit, windows[0]), "valid"
    if padding == "same" and rank == 3 and groups == 1 and x.dtype in ("float16", "float64"):
        _require_whole_steps(call, windows)
    y = emit.op("conv", x, kernel, padding=padding, groups=groups, **_geometry(call, rank))
    return _finish(call, emit, y, filters, index=1)


def conv_transpose(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(conv_transpose(x, kernel) + bias)."""
    config, rank = call.config, rank_of(call)
    filters, windows = config.int("filters"), config.ints("kernel_size", rank=rank)
    outside = None if config.get("output_padding") is None else config.ints("output_padding", rank=rank)
    kernel = emit.weight("kernel", 0, shape=(*windows, filters, _channels(call, rank)))
    y = emit.op(
        "conv_transpose", call.x, kernel,
        padding=_padding(call, "valid", "same"), output_padding=outside, **_geometry(call, rank),
    )  # fmt: skip
    return _finish(call, emit, y, filters, index=1)


def depthwise_conv(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(conv(x, kernel) + bias), `depth_multiplier` filters for each channel alone."""
    y = _depthwise(call, emit, "kernel")
    return _finish(call, emit, y, _depth(call), index=1)


def separable_conv(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(conv(conv(x, depthwise_kernel), pointwise_kernel) + bias)."""
    rank, filters = rank_of(call), call.config.int("filters")
    kernel = emit.weight("pointwise_kernel", 1, shape=(*[1] * rank, _depth(call), filters))
    ones = [1] * rank
    y = emit.op(
        "conv", _depthwise(call, emit, "depthwise_kernel"), kernel,
        padding="valid", strides=ones, dilation_rate=ones, data_format=call.config.data_format(),
    )  # fmt: skip
    return _finish(call, emit, y, filters, index=2)


def rank_of(call: LayerCall) -> int:
    """Return the number of spatial axes that the layer's name states, as in Conv2DTranspose."""
    return next(int(letter) for letter in call.layer.key if letter.isdigit())


def _depthwise(call: LayerCall, emit: Emitter, name: str) -> Symbol:
    """Convolve each channel with its filters: Keras' kernel (spatial..., channels, multiplier) in as many groups."""
    rank = rank_of(call)
    channels, windows = _channels(call, rank), call.config.ints("kernel_size", rank=rank)
    kernel = emit.weight(name, 0, shape=(*windows, channels, call.config.int("depth_multiplier")))
    kernel = emit.op("reshape", kernel, shape=[*windows, 1, _depth(call)])
    padding = _padding(call, "valid", "same")
    y: Symbol = emit.op("conv", call.x, kernel, padding=padding, groups=channels, **_geometry(call, rank))
    return y


def _depth(call: LayerCall) -> int:
    return _channels(call, rank_of(call)) * call.config.int("depth_multiplier")


def _channels(call: LayerCall, rank: int) -> int:
    """Return the number of input channels, which Keras needs to know; Unsupported if the rank is not rank + 2."""
    if call.x.rank != rank + 2:
        raise Unsupported(f"its input must have {rank + 2} axes, got {call.x.type}")
    channels = call.x.shape[-1 if call.config.data_format() == "channels_last" else 1]
    if not channels:
        raise Unsupported(f"the number of channels of its input must be known, got {call.x.type}")
    return channels


def _padding(call: LayerCall, *choices: str) -> str:
    return call.config.str("padding", "valid", choices=choices)


def _geometry(call: LayerCall, rank: int) -> dict[str, object]:
    """Return the attributes strides, dilation_rate and data_format of an op."""
    return {
        "strides": call.config.ints("strides", 1, rank=rank),
        "dilation_rate": call.config.ints("dilation_rate", 1, rank=rank),
        "data_format": call.config.data_format(),
    }


def _finish(call: LayerCall, emit: Emitter, y: Symbol, filters: int, index: int) -> Symbol:
    """Add the bias (variable number `index`) along the channels, and apply the activation."""
    if call.config.bool("use_bias", True):
        bias = emit.weight("bias", index, shape=(filters,))
        if call.config.data_format() == "channels_first":
            bias = _beside_channels(emit, bias, y)
        y = emit.op("add", y, bias)
    return emit.activation(y, call.config.get("activation"))


def _require_whole_steps(call: LayerCall, windows: list[int]) -> None:
    """Refuse what TensorFlow's 3D convolution in float16 and float64 gives other numbers for than in float32.

    Where two or more elements are left over behind the last window, those skip half of them in front.
    """
    if call.config.data_format() == "channels_first":
        return
    strides = call.config.ints("strides", 1, rank=3)
    for size, window, stride in zip(call.x.shape[1:-1], windows, strides, strict=True):
        rest = stride if size is None else (size - 1) % stride + 1
        if rest > window + 1:
            raise Unsupported(
                f"with 'same' padding its windows of {window} in steps of {stride} leave elements out, where "
                f"TensorFlow in {call.x.dtype} disagrees with itself in float32. Use float32 or 'valid' padding"
            )


def _beside_channels(emit: Emitter, bias: Symbol, y: Symbol) -> Symbol:
    """Shape a bias for channels that stand before the spatial axes."""
    (filters,) = bias.shape
    if filters == y.shape[-1] and filters != 1:
        raise Unsupported(
            f"its {filters} biases fit the last of its spatial axes too, which has {filters} elements: with TensorFlow "
            "Keras adds them there, with other backends to the channels. Use channels_last"
        )
    shaped: Symbol = emit.op("reshape", bias, shape=[filters, *[1] * (y.rank - 2)])
    return shaped


def _causal(call: LayerCall, emit: Emitter, window: int) -> Symbol:
    """Pad with zeros before the first step, so that no window reaches beyond its own step."""
    before = call.config.ints("dilation_rate", 1, rank=1)[0] * (window - 1)
    axis = 1 if call.config.data_format() == "channels_last" else 2
    y: Symbol = emit.op("pad", call.x, pads=[[before, 0] if i == axis else [0, 0] for i in range(3)])
    return y
