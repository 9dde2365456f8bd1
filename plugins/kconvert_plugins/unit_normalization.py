"""UnitNormalization, RMSNormalization and SpectralNormalization (keras/src/layers/normalization)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, masks, promotion


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers that divide by a length."""
    register("keras.layers.UnitNormalization", unit_norm, compute_mask=masks.keep)
    register("keras.layers.RMSNormalization", rms_norm, arguments=("x",))
    register("keras.layers.SpectralNormalization", spectral_norm, arguments=("inputs", "training"))


def unit_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """The input over its Euclidean length along axis."""
    return l2_normalized(emit, call.x, call.config.ints("axis", -1), epsilon=1e-12)


def rms_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """The input over sqrt(mean(x^2) + epsilon) over axes, in float32 or wider, times a scale along the last axes."""
    x, axes = call.x, sorted(call.config.ints("axis", -1))
    dtype = promotion.result_type(x.dtype, "float32")
    wide = emit.cast(x, dtype)
    mean = emit.op("mean", emit.op("multiply", wide, wide), axes=axes, keepdims=True)
    root = inverse_root(emit, emit.op("add", mean, emit.constant(call.config.float("epsilon", 1e-6), dtype)))
    scale = emit.weight("scale", 0, shape=tuple(x.shape[axis] for axis in axes))
    y = emit.op("multiply", emit.op("multiply", wide, root), emit.cast(scale, dtype))
    return emit.cast(y, x.dtype)


def spectral_norm(call: LayerCall, emit: Emitter) -> Any:
    """The layer inside, in the dtype of the input; its kernel was divided by its norm when it was trained."""
    layer = emit.child(call.config["layer"], "layer")
    if layer.policy.quantization is not None and layer.policy.quantization.mode != "float8":
        raise Unsupported(f"its layer has the dtype policy {layer.policy.name}; Keras cannot load the two together")
    y: Symbol = emit.call(layer, call.x)
    index = 1 if emit.has_weight(1) else 0  # the first is the kernel, once more
    vector = emit.weight("vector_u", index, shape=(1, None), trainable=False, cast=False)
    emit.spectral(layer, vector, call.config.int("power_iterations", 1))
    return y if y.dtype == call.x.dtype else emit.op("cast", y, dtype=call.x.dtype)


def l2_normalized(emit: Emitter, x: Symbol, axes: Sequence[int], epsilon: float = 1e-7) -> Symbol:
    """Return x over its Euclidean length along axes, which counts as `epsilon` at least."""
    total = emit.op("sum", emit.op("multiply", x, x), axes=list(axes), keepdims=True)
    bounded = emit.op("minimum", inverse_root(emit, total), emit.constant(1 / epsilon, x.dtype))
    return emit.op("multiply", x, bounded)


def inverse_root(emit: Emitter, x: Symbol) -> Symbol:
    """Return 1 / sqrt(x), rounded once."""
    return emit.op("power", x, emit.constant(-0.5, x.dtype))
