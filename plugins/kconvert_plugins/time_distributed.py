"""TimeDistributed (keras/src/layers/rnn/time_distributed.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kconvert import Emitter, LayerCall, LayerSpec, Register, Symbol, Unsupported, hookimpl, masks
from kconvert_schemas import TensorType

from .row_by_row import MODELS, names, row_by_row

WIDTHS = {"float16": 1, "bfloat16": 1, "float32": 2, "float64": 3}

PLAIN = names(
    """
    Dense Activation ReLU LeakyReLU ELU Identity Dropout Flatten Reshape Permute RepeatVector
    Conv1D Conv2D Conv3D SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D
    MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    """
)
"""Layers whose `call` asks for no dtype: it computes in that of its input."""

OWN_DTYPE = MODELS | names("SimpleRNN LSTM GRU RNN Bidirectional")
"""Layers whose `call` calls others, each with its own dtype policy."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register TimeDistributed."""
    register(
        "keras.layers.TimeDistributed", time_distributed, arguments=("inputs", "training", "mask"),
        compute_mask=masks.keep,
    )  # fmt: skip


def time_distributed(call: LayerCall, emit: Emitter) -> Symbol:
    """A layer on each time step: on all at once where it treats every sample by itself, else one after another."""
    x, mask = call.x, call.mask
    if x.rank < 3:
        raise Unsupported(f"it must be called with a tensor of 3 axes or more, got {x.type}")
    if isinstance(mask, Symbol) and mask.rank < 2:
        raise Unsupported(f"its mask must have at least the axes (batch, time), got {mask.type}")
    layer = _unpenalised(_in_dtype(call, emit.child(call.config["layer"], "layer")))
    if _stateful(layer.config):
        raise Unsupported("its layer is stateful, so that a time step starts from the state of the one before")
    if layer.model is not None and isinstance(layer.model.outputs, (list, tuple, Mapping)):
        raise Unsupported("its layer is a model that gives a list or dict; give the model one output, not in a list")
    return _together(emit, layer, x, mask) if row_by_row(emit, layer) else _one_by_one(emit, layer, x, mask)


def _in_dtype(call: LayerCall, layer: LayerSpec) -> LayerSpec:
    """Return the layer as Keras runs it: by `call` without `__call__`, so in the dtype policy of TimeDistributed.

    Where that is a mixed one the layer's variables are cast to its compute dtype; else they are what they are.
    """
    outer, inner = call.layer.policy, layer.policy
    if inner.quantization is not None:
        if inner.quantization.mode != "float8":
            raise Unsupported(f"its layer has the dtype policy {inner.name}, whose scales Keras overlooks in here")
        inner = replace(inner, quantization=None, name=inner.name.partition("_from_")[2])
        layer = replace(layer, policy=inner)
    if outer.name == inner.name or layer.key in OWN_DTYPE:
        return layer
    plain, mixed = layer.key in PLAIN, outer.compute != outer.variable
    narrower = plain and WIDTHS.get(inner.variable, 9) < WIDTHS.get(outer.compute, 0)
    cast = mixed or inner.variable == outer.compute or narrower
    if not cast or (inner.compute != outer.compute and not plain):
        raise Unsupported(f"its dtype policy is {outer.name}, that of its layer {inner.name}; give both the same")
    return replace(layer, policy=replace(inner, compute=outer.compute))


def _unpenalised(layer: LayerSpec) -> LayerSpec:
    """Return the layer without the penalty of what it gives, which Keras adds in `__call__`."""
    return replace(layer, config={**layer.config, "activity_regularizer": None}) if layer.config else layer


def _stateful(value: Any) -> bool:
    """Whether a config, or one nested in it, says so."""
    if isinstance(value, (list, tuple)):
        return any(_stateful(item) for item in value)
    return isinstance(value, Mapping) and (value.get("stateful") is True or _stateful(list(value.values())))


def _together(emit: Emitter, layer: LayerSpec, x: Symbol, mask: Symbol | None) -> Symbol:
    """Join the axes batch and time, call the layer, and part them again."""
    with emit.over_steps(x.shape[1]):
        y = _called(emit, layer, _joined(emit, x).with_mask(None if mask is None else _joined(emit, mask)))
    rest = [f"x.{i}" if size is None else size for i, size in enumerate(y.shape) if i > 0]
    parted: Symbol = emit.op("reshape", y, x, shape=["like.0", "like.1" if x.shape[1] is None else x.shape[1], *rest])
    return parted


def _joined(emit: Emitter, x: Symbol) -> Symbol:
    rest = [f"x.{i}" if size is None else size for i, size in enumerate(x.shape) if i > 1]
    joined: Symbol = emit.op("reshape", x, shape=["x.0*x.1", *rest])
    return joined


def _one_by_one(emit: Emitter, layer: LayerSpec, x: Symbol, mask: Symbol | None) -> Symbol:
    """Scan over the steps. A mask (batch, time) has nothing left at a step that a layer could use."""
    if mask is not None and mask.rank > 2:
        raise Unsupported(f"its layer may mix samples, so is run step by step, which its mask {mask.type} rules out")
    step = TensorType((x.shape[0], *x.shape[2:]), x.dtype)
    body = emit.body({"x": step}, lambda x_t: _called(emit, layer, x_t))
    y: Symbol = emit.op("scan", x, body=body)[0]
    return y


def _called(emit: Emitter, layer: LayerSpec, x: Symbol) -> Symbol:
    y = emit.call(layer, x)
    if not isinstance(y, Symbol) or not y.rank:
        raise Unsupported("its layer must give one tensor with a batch axis")
    return y
