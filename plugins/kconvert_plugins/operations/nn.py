"""Normalisation, encoding and attention as operations (keras/src/ops/nn.py)."""

from __future__ import annotations

import math
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .manipulation import repeated
from .operands import (
    axes_of,
    axis_of,
    dtype_setting,
    expanded,
    given,
    join,
    known,
    moved,
    number_like,
    register_table,
    reshaped,
    tensor,
)
from .positions import arange
from .reductions import norm_of

EPSILON = 1e-7
"""Keras' default for settings named epsilon that are None."""
LARGE = 3.38953e38


@hookimpl
def register_layers(register: Register) -> None:
    """Register normalisation, encoding and attention."""
    register_table(register, ("x",), {"Normalize": normalize, "Moments": moments, "OneHot": one_hot})
    register("keras.ops.MultiHot", multi_hot, arguments=("inputs",))
    register("keras.ops.BatchNorm", batch_norm, arguments=("x", "mean", "variance", "offset", "scale"))
    register("keras.ops.LayerNorm", layer_norm, arguments=("x", "gamma", "beta"))
    register("keras.ops.RMSNorm", rms_norm, arguments=("x", "scale"))
    arguments = ("query", "key", "value", "bias", "mask", "scale")
    register("keras.ops.DotProductAttention", attention, arguments=arguments)
    register("keras.ops.PSNR", psnr, arguments=("x1", "x2"))


def normalize(call: LayerCall, emit: Emitter) -> Symbol:
    """x over its norm along axes, which counts as epsilon at least."""
    x, order = given(call, emit), call.config.int("order", 2)
    epsilon = EPSILON if call.argument("epsilon", None) is None else call.config.float("epsilon")
    x = expanded(emit, x, [0]) if x.rank == 0 else x
    axes = axes_of(call.argument("axis", -1), x.rank)
    if order != 2:
        least = norm_of(emit, x, axes, order, keepdims=True)
        least = emit.op("maximum", least, number_like(emit, epsilon, least))
        return emit.op("divide", emit.cast(x, least.dtype), least)
    total = emit.op("sum", emit.op("multiply", x, x), axes=axes, keepdims=True)
    inverse = emit.op("minimum", _rsqrt(emit, total), number_like(emit, 1.0 / epsilon, x))
    return emit.op("multiply", x, inverse)


def _rsqrt(emit: Emitter, x: Symbol) -> Symbol:
    return emit.op("divide", number_like(emit, 1, x), emit.op("sqrt", x))


def moments(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """Mean and variance over axes; of 16-bit floats in float32, cut to the range of float16."""
    x = given(call, emit)
    axes, keepdims = axes_of(call.config["axes"], x.rank), call.config.bool("keepdims", False)
    half = x.dtype in ("float16", "bfloat16")
    found = mean_and_variance(emit, emit.cast(x, "float32") if half else x, axes, keepdims)
    return [_held(emit, y, x.dtype) if half else y for y in found]


def _held(emit: Emitter, y: Symbol, dtype: str) -> Symbol:
    y = emit.op("minimum", y, number_like(emit, 65504, y))
    return emit.cast(emit.op("maximum", y, number_like(emit, -65504, y)), dtype)


def mean_and_variance(emit: Emitter, x: Symbol, axes: list[int], keepdims: bool) -> list[Symbol]:
    """Return the mean of `x` and its mean square distance from that."""
    mean = emit.op("mean", x, axes=axes, keepdims=True)
    distance = emit.op("subtract", x, mean)
    variance = emit.op("mean", emit.op("multiply", distance, distance), axes=axes, keepdims=keepdims)
    return [mean if keepdims else emit.op("mean", x, axes=axes), variance]


def one_hot(call: LayerCall, emit: Emitter) -> Symbol:
    """1 at the place x of a new axis, 0 elsewhere."""
    x = given(call, emit)
    _refuse_sparse(call)
    return encoded(emit, x, call, dtype_setting(call, "float32"))


def encoded(emit: Emitter, x: Symbol, call: LayerCall, dtype: str) -> Symbol:
    """Return the one-hot code of `x`, with the classes along the call's `axis`."""
    whole = x if "int" in x.dtype else emit.cast(x, "int64")
    held = dtype if dtype != "bool" else "int8"
    y: Symbol = emit.op("one_hot", whole, depth=call.config.int("num_classes"), dtype=held)
    axis = axis_of(call.argument("axis", -1), y.rank)
    return emit.cast(moved(emit, y, [y.rank - 1], [axis]), dtype)


def _refuse_sparse(call: LayerCall) -> None:
    if call.argument("sparse", False):
        raise Unsupported("it makes a sparse tensor; set sparse=False")


def multi_hot(call: LayerCall, emit: Emitter) -> Symbol:
    """1 at every place that stands in a row of x."""
    x = given(call, emit, "inputs")
    y = encoded(emit, x, call, dtype_setting(call, "float32"))
    return emit.op("any" if y.dtype == "bool" else "max", y, axes=[1 if x.rank > 1 else 0])


def batch_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean) / sqrt(variance + epsilon) scale + offset, along one axis."""
    x, axis = given(call, emit), call.config.int("axis")
    parts = [call.argument(name, None) for name in ("mean", "variance", "scale", "offset")]
    found = [None if part is None else tensor(emit, part) for part in parts]
    if any(part is not None and (part.rank != 1 or part.dtype != x.dtype) for part in found):
        raise Unsupported("its statistics, scale and offset must be vectors of the dtype of x")
    return emit.op("batch_norm", x, *found, axis=axis, epsilon=call.config.float("epsilon", 1e-3))


def layer_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean) / sqrt(variance + epsilon) gamma + beta over axes, in float32 at least."""
    x = given(call, emit)
    axis = call.argument("axis", -1)
    axes = sorted(axis) if isinstance(axis, list) else [axis]
    wide = emit.cast(x, join(x.dtype, "float32"))
    gamma, beta = (_over(emit, wide, call.argument(name, None), axes) for name in ("gamma", "beta"))
    places = axes_of(axes, x.rank)
    epsilon = number_like(
        emit, EPSILON if call.argument("epsilon", None) is None else call.config.float("epsilon"), wide
    )
    mean, variance = mean_and_variance(emit, wide, places, keepdims=True)
    inverse = _rsqrt(emit, emit.op("add", variance, epsilon))
    if call.argument("rms_scaling", False):
        mean, beta = number_like(emit, 0, wide), None
    inverse = inverse if gamma is None else emit.op("multiply", inverse, gamma)
    shift = emit.op("multiply", emit.op("negative", mean), inverse)
    shift = shift if beta is None else emit.op("add", shift, beta)
    return emit.cast(emit.op("add", emit.op("multiply", wide, inverse), shift), x.dtype)


def _over(emit: Emitter, x: Symbol, value: Any, axes: list[int]) -> Symbol | None:
    """Return gamma or beta shaped to lie along axes of `x`."""
    if value is None:
        return None
    found = tensor(emit, value, x.dtype)
    if found.rank == x.rank or axes == [x.rank - 1]:
        return found
    places = axes_of(axes, x.rank)
    lengths = found.shape if found.rank == len(places) else [x.shape[i] for i in places]
    shape = [1] * x.rank
    for i, size in zip(places, lengths, strict=True):
        shape[i] = known(size, "the sizes of its axes")
    return reshaped(emit, found, shape)


def rms_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """x / sqrt(mean(x^2) + epsilon) scale over axes, in float32 at least."""
    x, scale = given(call, emit), call.argument("scale", None)
    wide = emit.cast(x, join(x.dtype, "float32"))
    wide = expanded(emit, wide, [0]) if wide.rank == 0 else wide
    epsilon = EPSILON if call.argument("epsilon", None) is None else call.config.float("epsilon")
    axes = axes_of(call.argument("axis", -1), wide.rank)
    square = emit.op("mean", emit.op("multiply", wide, wide), axes=axes, keepdims=True)
    y = emit.op("multiply", wide, _rsqrt(emit, emit.op("add", square, number_like(emit, epsilon, wide))))
    y = y if scale is None else emit.op("multiply", y, tensor(emit, scale, wide.dtype))
    return emit.cast(y, x.dtype)


def attention(call: LayerCall, emit: Emitter) -> Symbol:
    """softmax(query key / sqrt(size) + bias, where the mask holds) value, for tensors (batch, time, heads, size)."""
    names = ("query", "key", "value")
    found = [tensor(emit, call.argument(name)) for name in names]
    dtype = join(*(x.dtype for x in found))
    query, key, value = (emit.cast(x, dtype) for x in found)
    if any(x.rank != 4 for x in found) or call.argument("flash_attention", None):
        raise Unsupported("it takes tensors with four axes, and no flash attention on TensorFlow")
    heads, shared = query.shape[2], key.shape[2]
    if heads is not None and shared is not None and heads > shared > 1:
        key, value = (repeated(emit, x, 2, heads // shared, inner=True) for x in (key, value))
    logits = emit.op("einsum", query, key, equation="btnh,bsnh->bnts")
    logits = _masked(call, emit, _biased(call, emit, logits, key, dtype))
    weights = emit.cast(emit.op("softmax", logits, axes=[-1]), dtype)
    return emit.op("einsum", weights, value, equation="bnts,bsnh->btnh")


def _biased(call: LayerCall, emit: Emitter, logits: Symbol, key: Symbol, dtype: str) -> Symbol:
    """Return the logits in float32 at least, scaled, with the bias."""
    logits = emit.cast(logits, join(dtype, "float32"))
    scale, bias = call.argument("scale", None), call.argument("bias", None)
    if scale is None:
        scale = 1.0 / math.sqrt(known(key.shape[-1], "the size of the keys"))
    logits = emit.op("multiply", logits, tensor(emit, scale, logits.dtype))
    if bias is None:
        return logits
    return emit.op("add", logits, emit.cast(tensor(emit, bias, dtype), logits.dtype))


def _masked(call: LayerCall, emit: Emitter, logits: Symbol) -> Symbol:
    """Return the logits with a large negative number where the mask, or a later key, forbids."""
    mask = call.argument("mask", None)
    allowed = None if mask is None else tensor(emit, mask)
    if call.argument("is_causal", False):
        rows, columns = expanded(emit, arange(emit, logits, 2), [1]), arange(emit, logits, 3)
        causal = emit.op("greater_equal", rows, columns)
        allowed = causal if allowed is None else emit.op("logical_and", allowed, causal)
    if allowed is None:
        return logits
    return emit.op("where", allowed, logits, number_like(emit, LARGE * -0.7, logits))


def psnr(call: LayerCall, emit: Emitter) -> Symbol:
    """20 log10(max_val) - 10 log10(mean square difference)."""
    x1, x2 = given(call, emit, "x1"), given(call, emit, "x2")
    distance = emit.op("subtract", x1, x2)
    error = emit.op("mean", emit.op("multiply", distance, distance))
    ten = emit.op("log", number_like(emit, 10, x2))

    def decibel(x: Symbol, factor: int) -> Symbol:
        return emit.op("multiply", number_like(emit, factor, x2), emit.op("divide", emit.op("log", x), ten))

    return emit.op("subtract", decibel(number_like(emit, call.config.float("max_val"), x2), 20), decibel(error, 10))
