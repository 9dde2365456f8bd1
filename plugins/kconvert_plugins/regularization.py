"""Layers that only act in training (keras/src/layers/regularization)."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, hookimpl, masks

ARGUMENTS = ("inputs", "training")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this module; all of them hand on their input when running."""
    register("keras.layers.Dropout", dropout, arguments=ARGUMENTS, compute_mask=masks.keep)
    register("keras.layers.AlphaDropout", alpha_dropout, arguments=ARGUMENTS, compute_mask=masks.keep)
    register("keras.layers.GaussianDropout", gaussian_dropout, arguments=ARGUMENTS, compute_mask=masks.keep)
    register("keras.layers.GaussianNoise", gaussian_noise, arguments=ARGUMENTS, compute_mask=masks.keep)
    for rank in (1, 2, 3):
        name = f"keras.layers.SpatialDropout{rank}D"
        register(name, spatial_dropout, arguments=ARGUMENTS, compute_mask=masks.keep)
    register("keras.layers.ActivityRegularization", activity_regularization, compute_mask=masks.keep)


def dropout(call: LayerCall, emit: Emitter) -> Symbol:
    """Drops elements in training; those that share a place along axes of size 1 of noise_shape together."""
    return _training_only(call, emit, "dropout", rate=call.config.float("rate"), noise_shape=_noise_shape(call))


def alpha_dropout(call: LayerCall, emit: Emitter) -> Symbol:
    """Drops elements to SELU's saturation value in training."""
    return _training_only(call, emit, "alpha_dropout", rate=call.config.float("rate"), noise_shape=_noise_shape(call))


def spatial_dropout(call: LayerCall, emit: Emitter) -> Symbol:
    """Drops whole channels in training."""
    shape: list[int | None] = [None, *[1] * (call.x.rank - 1)]
    shape[-1 if call.config.data_format() == "channels_last" else 1] = None
    return _training_only(call, emit, "dropout", rate=call.config.float("rate"), noise_shape=shape)


def gaussian_dropout(call: LayerCall, emit: Emitter) -> Symbol:
    """Multiplies by noise around 1 in training."""
    return _training_only(call, emit, "gaussian_dropout", rate=call.config.float("rate"))


def gaussian_noise(call: LayerCall, emit: Emitter) -> Symbol:
    """Adds noise around 0 in training."""
    return _training_only(call, emit, "gaussian_noise", stddev=call.config.float("stddev"))


def activity_regularization(call: LayerCall, emit: Emitter) -> Any:
    """The inputs; the penalty on them belongs to training."""
    return call.inputs


def _training_only(call: LayerCall, emit: Emitter, op: str, **attrs: Any) -> Symbol:
    """Write the op; the result is the tensor that came in, with its mask."""
    y: Symbol = emit.op(op, call.x, **attrs)
    return y.with_mask(call.x.mask)


def _noise_shape(call: LayerCall) -> list[int | None] | None:
    shape = call.config.get("noise_shape")
    return None if shape is None else [None if size is None else int(size) for size in shape]
