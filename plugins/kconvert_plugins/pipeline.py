"""Layers one after the other, as one layer (keras/src/layers/preprocessing/pipeline.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kconvert import Emitter, LayerCall, Register, Unsupported, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layer."""
    register("keras.layers.Pipeline", pipeline, autocast=False)


def pipeline(call: LayerCall, emit: Emitter) -> Any:
    """Each layer on what the one before gives, with its own dtype and masks."""
    layers = call.config.get("layers")
    if not isinstance(layers, (list, tuple)) or not layers or not all(isinstance(c, Mapping) for c in layers):
        raise Unsupported("it must hold a list of layers")
    if _holds_something(call.mask):
        raise Unsupported("it is called with a mask of its own; put one on its input instead")
    given = call.inputs
    for layer in emit.children(layers, "layers"):
        given = emit.call(layer, given)
    return given


def _holds_something(mask: Any) -> bool:
    """Tell whether a nest of masks holds one; files record a nest of nulls for inputs without masks."""
    parts = mask.values() if isinstance(mask, Mapping) else mask if isinstance(mask, (list, tuple)) else None
    return mask is not None if parts is None else any(map(_holds_something, parts))
