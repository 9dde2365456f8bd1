"""Activation layers (keras/src/layers/activations)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, hookimpl, masks


@hookimpl
def register_layers(register: Register) -> None:
    """Register the activation layers."""
    register("keras.layers.LeakyReLU", leaky_relu, compute_mask=masks.keep)


def leaky_relu(call: LayerCall, emit: Emitter) -> Symbol:
    """x above 0, negative_slope x below."""
    slope = call.config.float("negative_slope", 0.3)
    y: Symbol = emit.op("leaky_relu", call.x, negative_slope=slope)
    return y
