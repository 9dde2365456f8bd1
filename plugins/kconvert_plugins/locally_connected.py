"""Layers of Keras 2 that Keras 3 does not have: convolution with weights of its own at every place."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .operations.operands import known, reshaped, sizes
from .operations.patches import patches


@hookimpl
def register_layers(register: Register) -> None:
    """Register the locally connected layers."""
    register("keras2>LocallyConnected1D", locally_connected_1d)
    register("keras2>LocallyConnected2D", locally_connected_2d)


def locally_connected_1d(call: LayerCall, emit: Emitter) -> Symbol:
    """y[t] = window(t) kernel[t] + bias[t] (tf_keras/src/layers/locally_connected/locally_connected1d.py)."""
    x = reshaped(emit, call.x, [*sizes(call.x)[:2], 1, *sizes(call.x)[2:]])
    window, strides = call.config.ints("kernel_size", rank=1), call.config.ints("strides", 1, rank=1)
    y = _connected(call, emit, x, [*window, 1], [*strides, 1])
    return emit.activation(reshaped(emit, y, [*sizes(y)[:2], *sizes(y)[3:]]), call.config.get("activation"))


def locally_connected_2d(call: LayerCall, emit: Emitter) -> Symbol:
    """y[i, j] = window(i, j) kernel[i, j] + bias[i, j]; kernel (rows columns, window channels, filters)."""
    window, strides = call.config.ints("kernel_size", rank=2), call.config.ints("strides", 1, rank=2)
    return emit.activation(_connected(call, emit, call.x, window, strides), call.config.get("activation"))


def _connected(call: LayerCall, emit: Emitter, x: Symbol, window: list[int], strides: list[int]) -> Symbol:
    config = call.config
    if config.int("implementation", 1) != 1 or config.str("padding", "valid") != "valid":
        raise Unsupported("only implementation=1 with padding='valid' is converted")
    if config.data_format() != "channels_last":
        raise Unsupported("only data_format='channels_last' is converted")
    found = patches(emit, x, window, strides, [1, 1])
    _, rows, columns, places, channels = found.shape
    rows, columns = known(rows, "the size of its inputs"), known(columns, "the size of its inputs")
    width = known(places, "the window") * known(channels, "the number of channels")
    filters = config.int("filters")
    flat = reshaped(emit, found, [sizes(found)[0], rows * columns, width])
    kernel = emit.weight("kernel", 0, shape=(rows * columns, width, filters))
    y: Any = emit.op("einsum", flat, kernel, equation="bpk,pkf->bpf")
    y = reshaped(emit, y, [sizes(y)[0], rows, columns, filters])
    if not config.bool("use_bias", True):
        return y
    bias = emit.weight("bias", 1)
    return emit.op("add", y, reshaped(emit, bias, [rows, columns, filters]))
