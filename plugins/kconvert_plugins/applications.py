"""Layer classes that networks of keras.applications define for themselves."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of ConvNeXt and Inception-ResNet; none of them supports masking."""
    register("keras.layers.LayerScale", layer_scale, arguments=("x",))
    register("keras.layers.StochasticDepth", stochastic_depth, arguments=("x", "training"))
    register("keras.layers.CustomScaleLayer", scaled_residual)


def layer_scale(call: LayerCall, emit: Emitter) -> Symbol:
    """ConvNeXt: x gamma, with a gamma for each channel of the last axis."""
    y: Symbol = emit.op("multiply", call.x, emit.weight("gamma", 0, shape=(call.config.int("projection_dim"),)))
    return y


def stochastic_depth(call: LayerCall, emit: Emitter) -> Symbol:
    """ConvNeXt: drops whole samples in training; else the tensor that came in, with its mask."""
    shape = [None, *[1] * (call.x.rank - 1)]
    y: Symbol = emit.op("dropout", call.x, rate=call.config.float("drop_path_rate"), noise_shape=shape)
    return y.with_mask(call.x.mask)


def scaled_residual(call: LayerCall, emit: Emitter) -> Symbol:
    """Inception-ResNet: the first input plus the second times a number."""
    if not isinstance(call.inputs, (list, tuple)) or len(call.inputs) != 2:
        raise Unsupported("it must be called with a list of two tensors")
    trunk, branch = call.inputs
    scaled = emit.op("multiply", branch, emit.constant(call.config.float("scale"), branch.dtype))
    y: Symbol = emit.op("add", trunk, scaled)
    return y
