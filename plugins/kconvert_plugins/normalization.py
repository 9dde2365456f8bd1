"""Normalisation layers (keras/src/layers/normalization)."""

from __future__ import annotations

from collections.abc import Sequence

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, masks, promotion

from .shapes import sizes
from .unit_normalization import inverse_root


@hookimpl
def register_layers(register: Register) -> None:
    """Register the normalisation layers."""
    arguments = ("inputs", "training", "mask")
    register("keras.layers.BatchNormalization", batch_norm, arguments=arguments, compute_mask=masks.keep)
    register("keras.layers.LayerNormalization", layer_norm, compute_mask=masks.keep, autocast=False)
    register("keras.layers.GroupNormalization", group_norm, compute_mask=masks.keep, autocast=False)


def batch_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - moving mean) / sqrt(moving variance + epsilon) gamma + beta along one axis, in float32 or wider."""
    dtype = promotion.result_type(call.x.dtype, "float32")
    axis = _single(call)
    shape = (call.x.shape[axis],)
    names = (["gamma"] if call.config.bool("scale", True) else []) + (
        ["beta"] if call.config.bool("center", True) else []
    )
    found = {name: _wide(emit, name, i, shape, dtype) for i, name in enumerate(names)}
    moving = [
        _wide(emit, name, i, shape, dtype, trainable=False)
        for i, name in enumerate(("moving_mean", "moving_variance"), start=len(names))
    ]
    y: Symbol = emit.op(
        "batch_norm", emit.cast(call.x, dtype), *moving, found.get("gamma"), found.get("beta"), axis=axis,
        epsilon=call.config.float("epsilon"), momentum=call.config.float("momentum", 0.99),
    )  # fmt: skip
    return emit.cast(y, call.layer.policy.compute)


def layer_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean) / standard deviation, over axes, times gamma, plus beta, in float32 or wider."""
    x, given = call.x, sorted(call.config.ints("axis"))
    dtype = promotion.result_type(x.dtype, "float32")
    rms = call.config.bool("rms_scaling", False)
    axes = _axes(x, given)
    scaled, centred = call.config.bool("scale", True) or rms, call.config.bool("center", True) and not rms
    gamma = _over_axes(emit, x, given, "gamma", 0, dtype) if scaled else None
    beta = _over_axes(emit, x, given, "beta", int(scaled), dtype) if centred else None
    wide, epsilon = emit.cast(x, dtype), call.config.float("epsilon")
    if rms:
        y = _by_deviation(emit, wide, axes, epsilon, gamma)
    else:
        y = emit.op("layer_norm", wide, gamma, beta, axes=axes, epsilon=epsilon)
    return emit.cast(emit.cast(y, x.dtype), call.layer.policy.compute)


def group_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean) / standard deviation over all but batch and group, times gamma, plus beta, in float32 or wider."""
    x, axis = call.x, _single(call) % call.x.rank
    size, groups = x.shape[axis], call.config.int("groups", 32)
    groups = size if groups == -1 and size else groups
    if axis == 0 or not size or groups < 1 or size % groups:
        raise Unsupported(f"its {groups} groups do not divide axis {axis} of its input {x.type}")
    dtype = promotion.result_type(x.dtype, "float32")
    split = [*sizes(x)[:axis], groups, size // groups, *sizes(x)[axis + 1 :]]
    y = emit.op("reshape", emit.cast(x, dtype), shape=split)
    shape = [groups if i == axis else size // groups if i == axis + 1 else 1 for i in range(x.rank + 1)]
    gamma, beta = (
        emit.op("reshape", _wide(emit, name, index, (size,), dtype), shape=shape)
        if call.config.bool(setting, True)
        else None
        for name, setting, index in (("gamma", "scale", 0), ("beta", "center", int(call.config.bool("scale", True))))
    )
    over = [i for i in range(1, x.rank + 1) if i != axis]
    y = _normalized(emit, y, over, call.config.float("epsilon"), gamma, beta)
    y = emit.op("reshape", emit.cast(y, x.dtype), x, shape=sizes(x, "like"))
    return emit.cast(y, call.layer.policy.compute)


def _normalized(
    emit: Emitter, x: Symbol, axes: list[int], epsilon: float, gamma: Symbol | None, beta: Symbol | None
) -> Symbol:
    """Return x factor + (beta - mean factor), factor = gamma / sqrt(variance + epsilon): Keras' order of operations."""
    mean = emit.op("mean", x, axes=axes, keepdims=True)
    centred = emit.op("subtract", x, mean)
    variance = emit.op("mean", emit.op("multiply", centred, centred), axes=axes, keepdims=True)
    root = emit.op("sqrt", emit.op("add", variance, emit.constant(epsilon, x.dtype)))
    factor = emit.op("divide", emit.constant(1, x.dtype), root)
    factor = factor if gamma is None else emit.op("multiply", factor, gamma)
    shift = emit.op("multiply", emit.op("negative", mean), factor)
    shift = shift if beta is None else emit.op("add", shift, beta)
    y: Symbol = emit.op("add", emit.op("multiply", x, factor), shift)
    return y


def _single(call: LayerCall) -> int:
    axes = call.config.ints("axis", -1)
    if len(axes) != 1:
        raise Unsupported(f"it normalises along several axes at once, {axes}, which Keras 3 does not know")
    _axes(call.x, axes)
    return axes[0]


def _axes(x: Symbol, axes: Sequence[int]) -> list[int]:
    """Return axes counted from the front, in order."""
    if not axes or not all(-x.rank <= axis < x.rank for axis in axes):
        raise Unsupported(f"its axis {list(axes)} does not fit its input {x.type}")
    return sorted(axis % x.rank for axis in axes)


def _wide(
    emit: Emitter, name: str, index: int, shape: tuple[int | None, ...], dtype: str, trainable: bool = True
) -> Symbol:
    """Return a variable that Keras does not cast to the compute dtype, in `dtype`."""
    return emit.cast(emit.weight(name, index, shape=shape, trainable=trainable, cast=False), dtype)


def _over_axes(emit: Emitter, x: Symbol, axes: Sequence[int], name: str, index: int, dtype: str) -> Symbol:
    """Return a variable shaped like `axes` in the order given, as Keras lays it over the axes from the front."""
    weight = _wide(emit, name, index, tuple(x.shape[axis] for axis in axes), dtype)
    if [axis % x.rank for axis in axes] == _axes(x, axes):
        return weight
    size_of = {axis % x.rank: size for axis, size in zip(axes, weight.shape, strict=True)}
    return emit.op("reshape", weight, shape=[size_of[axis] for axis in _axes(x, axes)])


def _by_deviation(emit: Emitter, x: Symbol, axes: Sequence[int], epsilon: float, gamma: Symbol | None) -> Symbol:
    """Return x, not centred, by its standard deviation over axes: Keras' `rms_scaling`."""
    centred = emit.op("subtract", x, emit.op("mean", x, axes=list(axes), keepdims=True))
    variance = emit.op("mean", emit.op("multiply", centred, centred), axes=list(axes), keepdims=True)
    y: Symbol = emit.op("multiply", x, inverse_root(emit, emit.op("add", variance, emit.constant(epsilon, x.dtype))))
    if gamma is None:
        return y
    rest = iter(gamma.shape)
    shape = [next(rest) if axis in axes else 1 for axis in range(x.rank)]
    return emit.op("multiply", y, emit.op("reshape", gamma, shape=shape))
