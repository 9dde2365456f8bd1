"""Activation layers (keras/src/layers/activations)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, masks


@hookimpl
def register_layers(register: Register) -> None:
    """Register the activation layers."""
    register("keras.layers.ReLU", relu, compute_mask=masks.keep)
    register("keras.layers.LeakyReLU", leaky_relu, compute_mask=masks.keep)
    register("keras.layers.PReLU", prelu, compute_mask=masks.keep)
    register("keras.layers.ELU", elu, compute_mask=masks.keep)
    register("keras.layers.Softmax", softmax, arguments=("inputs", "mask"), compute_mask=masks.keep)


def relu(call: LayerCall, emit: Emitter) -> Symbol:
    """The input above threshold, at most max_value; negative_slope (x - threshold) below."""
    slope, threshold = call.config.float("negative_slope", 0.0), call.config.float("threshold", 0.0)
    limit = None if call.config.get("max_value") is None else call.config.float("max_value")
    if slope and limit is None and not threshold:
        return emit.op("leaky_relu", call.x, negative_slope=slope)
    return emit.op("relu", call.x, negative_slope=slope, max_value=limit, threshold=threshold)


def leaky_relu(call: LayerCall, emit: Emitter) -> Symbol:
    """The input above 0, negative_slope times it below."""
    return emit.op("leaky_relu", call.x, negative_slope=call.config.float("negative_slope", 0.3))


def prelu(call: LayerCall, emit: Emitter) -> Symbol:
    """max(x, 0) - alpha max(-x, 0), with an alpha for each position of x that is not on the shared axes."""
    x, shape = call.x, list(call.x.shape[1:])
    for axis in call.config.get("shared_axes") or []:
        shape[axis - 1] = 1
    alpha = emit.weight("alpha", 0, shape=tuple(shape))
    below = emit.op("multiply", emit.op("negative", alpha), emit.op("relu", emit.op("negative", x)))
    return emit.op("add", emit.op("relu", x), below)


def elu(call: LayerCall, emit: Emitter) -> Symbol:
    """The input above 0, alpha (exp(x) - 1) below."""
    return emit.op("elu", call.x, alpha=call.config.float("alpha", 1.0))


def softmax(call: LayerCall, emit: Emitter) -> Symbol:
    """exp(x) over its sum along axis; 0 where the mask is False."""
    return masked_softmax(emit, call.x, call.mask, call.config.ints("axis", -1))


def masked_softmax(emit: Emitter, x: Symbol, mask: Symbol | None, axes: list[int]) -> Symbol:
    """Return what a Softmax layer gives: softmax along axes, 0 where a mask is given and not above 0.5."""
    if mask is None:
        return _softmax(emit, x, axes)
    if mask.rank > x.rank:
        raise Unsupported(f"its mask {mask.type} has more axes than its input {x.type}")
    kept = mask if mask.dtype == "bool" else emit.op("greater", mask, emit.constant(0.5, mask.dtype))
    lowest = emit.constant(-3e4 if x.dtype == "float16" else -1e9, x.dtype)
    y = _softmax(emit, emit.op("where", kept, x, lowest), axes)
    return emit.op("where", kept, y, emit.constant(0.0, y.dtype))


def _softmax(emit: Emitter, x: Symbol, axes: list[int]) -> Symbol:
    """Along several axes exp(x - log(sum(exp(x)))), step by step as Keras rounds and meets infinities."""
    if len(axes) == 1:
        return emit.op("softmax", x, axes=axes)
    most: Symbol = emit.op("max", x, axes=axes, keepdims=True)
    most = emit.op("where", emit.op("isfinite", most), most, emit.constant(0, x.dtype))
    total = emit.op("sum", emit.op("exp", emit.op("subtract", x, most)), axes=axes, keepdims=True)
    return emit.op("exp", emit.op("subtract", x, emit.op("add", emit.op("log", total), most)))
