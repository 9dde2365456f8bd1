"""Dense, Activation, Embedding, Masking and Identity (keras/src/layers/core)."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, hookimpl, masks


@hookimpl
def register_layers(register: Register) -> None:
    """Register the core layers."""
    register("keras.layers.InputLayer", input_layer)
    register("keras.layers.Dense", dense, compute_mask=masks.keep)
    register("keras.layers.Activation", activation, compute_mask=masks.keep)
    register("keras.layers.Identity", identity, compute_mask=masks.keep)
    register("keras.layers.Embedding", embedding, compute_mask=embedding_mask)
    register("keras.layers.Masking", masking, compute_mask=masking_mask)
    register.refuse(
        {
            "keras.layers.Lambda": "a Lambda holds Python code, which is never run. Rebuild it from layers and "
            "keras.ops, or make it a registered class and write a plugin for that",
        }
    )


def input_layer(call: LayerCall, emit: Emitter) -> Any:
    """The model's input; models read these layers themselves, so it is never called in a graph."""
    return call.inputs


def dense(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(x kernel + bias) over the last axis."""
    units = call.config.int("units")
    y = emit.op("matmul", call.x, emit.weight("kernel", 0, shape=(call.x.shape[-1], units)))
    if call.config.bool("use_bias", True):
        y = emit.op("add", y, emit.weight("bias", 1, shape=(units,)))
    return emit.activation(y, call.config.get("activation"))


def activation(call: LayerCall, emit: Emitter) -> Symbol:
    """An activation by name."""
    return emit.activation(call.x, call.config.get("activation"))


def identity(call: LayerCall, emit: Emitter) -> Any:
    """The inputs, whatever their structure."""
    return call.inputs


def embedding(call: LayerCall, emit: Emitter) -> Symbol:
    """Rows of a table; inputs that are not int32 or int64 are cut to int32."""
    shape = (call.config.int("input_dim"), call.config.int("output_dim"))
    table = emit.weight("embeddings", 0, shape=shape)
    indices = call.x if call.x.dtype in ("int32", "int64") else emit.cast(call.x, "int32")
    y: Symbol = emit.op("take", table, indices, axis=0)
    return y


def embedding_mask(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """True where the index is not 0, with `mask_zero`."""
    if not call.config.bool("mask_zero", False):
        return None
    return emit.op("not_equal", call.x, emit.constant(0, call.x.dtype))


def masking(call: LayerCall, emit: Emitter) -> Symbol:
    """0 where every feature equals `mask_value`."""
    keep = emit.cast(_differs(call, emit, keepdims=True), call.x.dtype)
    y: Symbol = emit.op("multiply", call.x, keep)
    return y.with_mask(_differs(call, emit, keepdims=False))


def masking_mask(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """True where a feature differs from `mask_value`."""
    return _differs(call, emit, keepdims=False)


def _differs(call: LayerCall, emit: Emitter, keepdims: bool) -> Symbol:
    value = emit.constant(call.config.float("mask_value", 0.0), call.x.dtype)
    found: Symbol = emit.op("any", emit.op("not_equal", call.x, value), axes=[-1], keepdims=keepdims)
    return found
