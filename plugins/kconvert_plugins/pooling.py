"""Pooling layers (keras/src/layers/pooling)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dtypes import FLOATS, INTEGERS

from .shapes import expand


@hookimpl
def register_layers(register: Register) -> None:
    """Register the pooling layers; GlobalAveragePooling1D alone looks at a mask, and none hands one on."""
    for rank in (1, 2, 3):
        register(f"keras.layers.MaxPooling{rank}D", max_pooling)
        register(f"keras.layers.AveragePooling{rank}D", average_pooling)
        register(f"keras.layers.GlobalMaxPooling{rank}D", global_max_pooling)
    register("keras.layers.GlobalAveragePooling1D", global_average_pooling_1d, arguments=("inputs", "mask"))
    register(["keras.layers.GlobalAveragePooling2D", "keras.layers.GlobalAveragePooling3D"], global_average_pooling)


def max_pooling(call: LayerCall, emit: Emitter) -> Symbol:
    """Largest of each window."""
    return _pool(call, emit, "max_pool")


def average_pooling(call: LayerCall, emit: Emitter) -> Symbol:
    """Mean of each window; padding does not count."""
    return _pool(call, emit, "avg_pool")


def global_max_pooling(call: LayerCall, emit: Emitter) -> Symbol:
    """Largest of each channel."""
    return _reduce(call, emit, call.x, "any" if call.x.dtype == "bool" else "max")


def global_average_pooling(call: LayerCall, emit: Emitter) -> Symbol:
    """Mean of each channel; of whole numbers in float32."""
    return _reduce(call, emit, call.x if call.x.dtype in FLOATS else emit.cast(call.x, "float32"), "mean")


def global_average_pooling_1d(call: LayerCall, emit: Emitter) -> Symbol:
    """Mean over the steps that the mask keeps; NaN where it keeps none."""
    if call.mask is None:
        return global_average_pooling(call, emit)
    if not isinstance(call.mask, Symbol):
        raise Unsupported(f"its mask must be a tensor, got {type(call.mask).__name__}")
    x = _summable(call.x, emit)
    mask, last = emit.cast(call.mask, "bool"), call.config.data_format() == "channels_last"
    steps = expand(emit, mask, 2 if last else 1)
    kept = emit.op("where", steps, x, emit.constant(0, x.dtype))
    sums = [_reduce(call, emit, values, "sum") for values in (kept, emit.cast(steps, x.dtype))]
    if x.dtype not in FLOATS:
        sums = [emit.cast(value, "float32") for value in sums]
    mean: Symbol = emit.op("divide", *sums)
    return mean


def _pool(call: LayerCall, emit: Emitter, op: str) -> Symbol:
    config, rank = call.config, call.x.rank - 2
    if rank != _rank(call):
        raise Unsupported(f"its input must have {_rank(call) + 2} axes, got {call.x.type}")
    pool_size = config.ints("pool_size", rank=rank)
    strides = pool_size if config.get("strides") is None else config.ints("strides", rank=rank)
    padding = config.str("padding", "valid", choices=("valid", "same"))
    y: Symbol = emit.op(
        op, call.x, pool_size=pool_size, strides=strides, padding=padding, data_format=config.data_format()
    )
    return y


def _rank(call: LayerCall) -> int:
    """Return the number of spatial axes that the layer's name ends with, as in MaxPooling2D."""
    return int(call.layer.key[-2])


def _reduce(call: LayerCall, emit: Emitter, x: Symbol, op: str) -> Symbol:
    """Reduce over the spatial axes."""
    rank = _rank(call)
    if x.rank != rank + 2:
        raise Unsupported(f"its input must have {rank + 2} axes, got {x.type}")
    first = 1 if call.config.data_format() == "channels_last" else 2
    axes = list(range(first, first + rank))
    y: Symbol = emit.op(op, x, axes=axes, keepdims=call.config.bool("keepdims", False))
    return y


def _summable(x: Symbol, emit: Emitter) -> Symbol:
    """Cast small whole numbers to the dtype that Keras adds them up in."""
    wide = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}
    if x.dtype not in FLOATS + INTEGERS and x.dtype != "bool":
        raise Unsupported(f"its input must be numbers, got {x.type}")
    return emit.cast(x, wide.get(x.dtype, x.dtype))
