"""Normalization, Rescaling, and the two layers that FeatureSpace adds (keras/src/layers/preprocessing)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, masks, promotion
from kconvert_schemas.dtypes import Array

EPSILON = 1e-7
"""keras.config.epsilon(), which no file records."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this module."""
    register("keras.layers.Normalization", normalization, compute_mask=masks.keep)
    register("keras.layers.Rescaling", rescaling, compute_mask=masks.keep)
    register("keras.layers.TFDConcat", concatenation, arguments=("xs",))
    register("keras.layers.TFDIdentity", identity, arguments=("x",))


def concatenation(call: LayerCall, emit: Emitter) -> Symbol:
    """The features of a FeatureSpace side by side, in the dtype that they share."""
    dtype = promotion.result_type(*(x.dtype for x in call.inputs))
    y: Symbol = emit.op("concatenate", *(emit.cast(x, dtype) for x in call.inputs), axis=call.config.int("axis"))
    return y


def identity(call: LayerCall, emit: Emitter) -> Symbol:
    """The feature as it is."""
    return call.x.with_mask(None)


def rescaling(call: LayerCall, emit: Emitter) -> Symbol:
    """The input times scale plus offset, all in the compute dtype."""
    dtype = call.layer.policy.compute
    scale, offset = (_constant(emit, call.config.get(name, 0.0), name) for name in ("scale", "offset"))
    scaled = emit.op("multiply", emit.cast(call.x, dtype), scale)
    y: Symbol = emit.op("add", scaled, offset)
    return y


def normalization(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean) / max(sqrt(variance), epsilon) with a mean and variance for each place on `axis`; or the inverse."""
    dtype = call.layer.policy.compute
    x = emit.cast(call.x, dtype)
    shape, kept = _kept_axes(call)
    mean, variance = (_statistic(call, emit, name, shape, kept) for name in ("mean", "variance"))
    deviation = emit.op("maximum", emit.op("sqrt", variance), emit.constant(EPSILON, dtype))
    y: Symbol
    if call.config.bool("invert", False):
        y = emit.op("add", mean, emit.op("multiply", x, deviation))
    else:
        y = emit.op("divide", emit.op("subtract", x, mean), deviation)
    return y


def _kept_axes(call: LayerCall) -> tuple[list[int | None], list[int]]:
    """Return the shape that the layer was built on, and the axes along which its statistics differ."""
    built = call.layer.build_config.get("input_shape")
    shape = list(built) if isinstance(built, (list, tuple)) else list(call.x.shape)
    axis = call.config.get("axis", -1)
    axes = [] if axis is None else call.config.ints("axis", -1)
    if any(not -len(shape) <= a < len(shape) for a in axes):
        raise Unsupported(f"its axis {axis} is outside its input of {len(shape)} axes")
    kept = sorted(a % len(shape) for a in axes)
    if len(set(kept)) != len(kept) or any(shape[a] is None for a in kept):
        raise Unsupported(f"its axis {axis} must name each axis once, and one of known size, in {tuple(shape)}")
    return shape, kept


def _statistic(call: LayerCall, emit: Emitter, name: str, shape: list[int | None], kept: list[int]) -> Symbol:
    """The mean or variance, with an axis of size 1 for each axis that it does not tell apart."""
    sizes = [shape[a] for a in kept]
    given = call.config.get(name)
    broadcast = [size if a in kept else 1 for a, size in enumerate(shape)]
    y: Symbol
    if given is None:
        stored = emit.weight(name, ("mean", "variance").index(name), shape=tuple(sizes), trainable=False)
        y = emit.op("reshape", stored, shape=broadcast)
        return y
    values = _values(given, name)
    if values.ndim > len(kept):
        raise Unsupported(f"its {name} has {values.ndim} axes, more than the {len(kept)} of its setting 'axis'")
    expanded = [1] * len(shape)
    for i in range(1, values.ndim + 1):
        expanded[kept[-i]] = values.shape[-i]
    try:
        held = np.broadcast_to(values.reshape(expanded), [size or 0 for size in broadcast])
    except ValueError:
        raise Unsupported(f"its {name} of shape {values.shape} does not fit the axes of sizes {sizes}") from None
    return emit.array(name, held, call.layer.policy.compute)


def _constant(emit: Emitter, given: Any, name: str) -> Symbol:
    return emit.constant(_values(given, name).tolist(), emit.layer.policy.compute)


def _values(given: Any, name: str) -> Array:
    """Return a number, a list, or a serialised array; numbers of JSON are float32 first, as TensorFlow reads them."""
    array = isinstance(given, Mapping) and given.get("class_name") in ("__numpy__", "__tensor__")
    inner = given["config"] if array and isinstance(given.get("config"), Mapping) else {"value": given, "dtype": None}
    try:
        values = np.asarray(inner.get("value"), inner.get("dtype"))
    except (TypeError, ValueError):
        values = np.asarray(None)
    if values.dtype.kind not in "iuf":
        raise Unsupported(f"its setting {name!r} must be numbers, got {given!r:.60}")
    return values.astype(np.float32) if values.dtype.kind == "f" and not array else values
