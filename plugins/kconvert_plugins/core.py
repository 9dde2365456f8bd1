"""Dense, Activation, embeddings, Masking and Identity (keras/src/layers/core)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, masks, promotion

from .quantized_dense import Form, quantized
from .quantized_embedding import quantized_embedding, quantized_reversible_embedding

BASE = "it is a base class, which computes nothing. Convert a model of the classes derived from it"


@hookimpl
def register_layers(register: Register) -> None:
    """Register the core layers."""
    register("keras.layers.InputLayer", input_layer, arguments=())
    register("keras.layers.Dense", dense, compute_mask=masks.keep, quantized=quantized_dense)
    register("keras.layers.Activation", activation, compute_mask=masks.keep)
    register("keras.layers.Identity", identity, compute_mask=masks.keep)
    register(
        "keras.layers.Embedding", embedding, compute_mask=embedding_mask, autocast=False, quantized=quantized_embedding
    )
    register(
        "keras.layers.ReversibleEmbedding", reversible_embedding, arguments=("inputs", "reverse"), autocast=False,
        quantized=quantized_reversible_embedding,
    )  # fmt: skip
    register("keras.layers.Masking", masking, compute_mask=masking_mask)
    register.refuse(
        {
            "keras.layers.Lambda": "a Lambda holds Python code, which is never run. Rebuild it from layers and "
            "keras.ops, or make it a registered class and write a plugin for that",
            "keras.layers.Layer": BASE,
            "keras.layers.Wrapper": BASE,
        }
    )


def input_layer(call: LayerCall, emit: Emitter) -> Any:
    """The model's input; models read these layers themselves, so it is never called in a graph."""
    raise Unsupported("it is called as a layer; an input only starts a model")


def dense(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(x kernel + bias) over the last axis; x of integers is cast to the kernel's dtype.

    A LoRA layer is saved with its low-rank part added to the kernel, so it is a plain one.
    """
    units = call.config.int("units")
    kernel = emit.weight("kernel", 0, shape=(call.x.shape[-1], units))
    dtype = promotion.result_type(call.x.dtype, kernel.dtype)
    y = emit.op("matmul", emit.cast(call.x, dtype), emit.cast(kernel, dtype))
    if call.config.bool("use_bias", True):
        y = emit.op("add", y, emit.cast(emit.weight("bias", 1, shape=(units,)), dtype))
    return emit.activation(y, call.config.get("activation"))


def quantized_dense(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(x kernel + bias) with a quantized kernel."""
    rows, units, has_bias = call.x.shape[-1], call.config.int("units"), call.config.bool("use_bias", True)
    if rows is None:
        raise Unsupported(f"the last axis of its input {call.x.type} must have a known size")
    form = Form(
        product=lambda x, kernel: emit.op("matmul", x, kernel),
        kernel_shape=(rows, units),
        rows=rows,
        columns=units,
        scale_shape=(units,),
        axes=(-1,),
        aligned=lambda scale: scale,
        bias=(lambda y, bias: emit.op("add", y, emit.cast(bias((units,)), y.dtype))) if has_bias else None,
    )
    return quantized(call, emit, form)


def activation(call: LayerCall, emit: Emitter) -> Symbol:
    """An activation by name, or as a layer."""
    return emit.activation(call.x, call.config.get("activation"))


def identity(call: LayerCall, emit: Emitter) -> Any:
    """The inputs, whatever their structure."""
    return call.inputs


def embedding(call: LayerCall, emit: Emitter) -> Symbol:
    """Rows of a table; indices other than int32 and int64 become int32, negative ones count from the end."""
    shape = (call.config.int("input_dim"), call.config.int("output_dim"))
    table = emit.weight("embeddings", 0, shape=shape, cast=False)
    indices = call.x if call.x.dtype in ("int32", "int64") else emit.cast(call.x, "int32")
    return emit.cast(emit.op("take", table, indices, axis=0), call.layer.policy.compute)


def reversible_embedding(call: LayerCall, emit: Emitter) -> Symbol:
    """An embedding; with `reverse` the product with its transposed table, or with a table of its own."""
    if not call.get("reverse"):
        return embedding(call, emit).with_mask(embedding_mask(call, None, emit))
    x, config = call.x, call.config
    table, features = config.int("input_dim"), config.int("output_dim")
    if config.bool("tie_weights", True):
        kernel = emit.op("transpose", emit.weight("embeddings", 0, shape=(table, features)), axes=[1, 0])
    else:
        kernel = emit.weight("reverse_embeddings", 1, shape=(features, table))
    dtype = config.get("reverse_dtype") or promotion.result_type(x.dtype, kernel.dtype)
    y: Symbol = emit.op("matmul", emit.cast(x, dtype), emit.cast(kernel, dtype))
    if config.get("logit_soft_cap") is None:
        return y
    cap = emit.constant(config.float("logit_soft_cap"), y.dtype)
    return emit.op("multiply", emit.op("tanh", emit.op("divide", y, cap)), cap)


def embedding_mask(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """True where the input is not 0, with `mask_zero`."""
    if not call.config.bool("mask_zero", False):
        return None
    return emit.op("not_equal", call.x, emit.constant(0, call.x.dtype))


def masking(call: LayerCall, emit: Emitter) -> Symbol:
    """0 where every feature equals `mask_value`, which is float32 (or int32) whatever the layer's dtype."""
    dtype = promotion.result_type(call.x.dtype, "int")
    x, zero = emit.cast(call.x, dtype), emit.constant(0, dtype)
    y: Symbol = emit.op("where", _differs(call, emit, keepdims=True), x, zero)
    return y.with_mask(_differs(call, emit, keepdims=False))


def masking_mask(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """Never asked for: `masking` attaches the mask itself."""
    return mask


def _differs(call: LayerCall, emit: Emitter, keepdims: bool) -> Symbol:
    value = _mask_value(call, emit)
    dtype = promotion.result_type(call.x.dtype, value.dtype)
    found = emit.op("not_equal", emit.cast(call.x, dtype), emit.cast(value, dtype))
    return emit.op("any", found, axes=[-1], keepdims=keepdims)


def _mask_value(call: LayerCall, emit: Emitter) -> Symbol:
    """Return `mask_value`: a number, or an array of one for each feature."""
    value = call.config.get("mask_value", 0.0)
    if isinstance(value, Mapping):
        array = value.get("config")
        if value.get("class_name") not in ("__numpy__", "__tensor__") or not isinstance(array, Mapping):
            raise Unsupported("its mask_value is neither a number nor an array")
        return emit.constant(array.get("value"), str(array.get("dtype")))
    whole = isinstance(value, int) and not isinstance(value, bool)
    return emit.constant(value if whole else call.config.float("mask_value", 0.0), "int32" if whole else "float32")
