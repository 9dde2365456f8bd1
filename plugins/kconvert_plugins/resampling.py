"""Layers that pad, cut and repeat along spatial axes (keras/src/layers/reshaping). None of them supports masking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dtypes import INTEGERS

from .shapes import sizes


def _limits(dtype: str) -> tuple[float, float]:
    """Return the outermost float32 numbers that a whole-number dtype can hold."""
    info = np.iinfo(dtype)
    high = np.float32(info.max)
    return float(info.min), float(high if int(high) <= info.max else np.nextafter(high, np.float32(0)))


LIMITS = {
    "float16": (-65504.0, 65504.0),
    "bfloat16": (-3.3895313892515355e38, 3.3895313892515355e38),
    **{dtype: _limits(dtype) for dtype in INTEGERS},
}
"""The smallest and the largest finite number of each dtype, as float32."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers, each for every rank that Keras has."""
    register([f"keras.layers.ZeroPadding{rank}D" for rank in (1, 2, 3)], zero_padding)
    register([f"keras.layers.Cropping{rank}D" for rank in (1, 2, 3)], cropping)
    register(["keras.layers.UpSampling1D", "keras.layers.UpSampling3D"], up_sampling)
    register("keras.layers.UpSampling2D", up_sampling_2d)


def zero_padding(call: LayerCall, emit: Emitter) -> Symbol:
    """Zeros before and after each spatial axis."""
    pairs = _pairs(call, "padding")
    y: Symbol = emit.op("pad", call.x, pads=[pairs.get(axis, [0, 0]) for axis in range(call.x.rank)])
    return y


def cropping(call: LayerCall, emit: Emitter) -> Symbol:
    """Elements cut off before and after each spatial axis."""
    pairs = _pairs(call, "cropping")
    for axis, (before, after) in pairs.items():
        size = call.x.shape[axis]
        if size is not None and before + after >= size:
            raise Unsupported(f"its cropping {[before, after]} leaves nothing of the {size} elements of axis {axis}")
    slices = [[pairs[axis][0], -pairs[axis][1] or None, 1] if axis in pairs else None for axis in range(call.x.rank)]
    y: Symbol = emit.op("slice", call.x, slices=slices)
    return y


def up_sampling(call: LayerCall, emit: Emitter) -> Symbol:
    """Each element several times along each spatial axis."""
    axes = _axes(call)
    return _repeat(emit, call.x, dict(zip(axes, call.config.ints("size", rank=len(axes)), strict=True)))


def up_sampling_2d(call: LayerCall, emit: Emitter) -> Symbol:
    """Each pixel several times, or samples in between, which are computed in float32 whatever the dtype."""
    interpolation = call.config.str("interpolation", "nearest")
    if interpolation == "nearest":
        return up_sampling(call, emit)
    factors = call.config.ints("size", rank=2)
    size = [_times(sizes(call.x)[axis], factor) for axis, factor in zip(_axes(call), factors, strict=True)]
    x = emit.cast(call.x, "float32")
    y = emit.op("resize", x, size=size, interpolation=interpolation, data_format=call.config.data_format())
    return saturate(emit, y, call.x.dtype)


def saturate(emit: Emitter, x: Symbol, dtype: str) -> Symbol:
    """Cast float32 `x` to `dtype`: whole numbers are rounded, what lies outside becomes the nearest number inside."""
    if dtype in ("float32", "float64"):
        return emit.cast(x, dtype)
    if dtype not in LIMITS:
        raise Unsupported(f"its input must be numbers, got {dtype}")
    low, high = (emit.constant(limit, "float32") for limit in LIMITS[dtype])
    y = emit.op("round", x) if dtype in INTEGERS else x
    return emit.cast(emit.op("maximum", emit.op("minimum", y, high), low), dtype)


def _axes(call: LayerCall) -> list[int]:
    """Return the spatial axes; Unsupported if the input has not as many as the layer's name says."""
    rank = int(call.layer.key[-2])
    if call.x.rank != rank + 2:
        raise Unsupported(f"its input must have {rank + 2} axes, got {call.x.type}")
    first = 1 if call.config.data_format() == "channels_last" else 2
    return list(range(first, first + rank))


def _pairs(call: LayerCall, name: str) -> dict[int, list[int]]:
    """Return [before, after] by axis, from one number, a number for each axis, or a pair for each axis."""
    axes, value = _axes(call), call.config.get(name)
    if isinstance(value, int):
        value = [value] * len(axes)
    elif len(axes) == 1:
        value = [value]
    pairs = [[entry, entry] if isinstance(entry, int) else entry for entry in value or ()]
    if len(pairs) != len(axes) or not all(_is_pair(pair) for pair in pairs):
        raise Unsupported(f"its setting {name!r} must be [before, after] for each axis, got {call.config.get(name)!r}")
    return {axis: list(pair) for axis, pair in zip(axes, pairs, strict=True)}


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value)
    )


def _times(size: int | str, factor: int) -> int | str:
    return f"{size}*{factor}" if isinstance(size, str) else size * factor


def _repeat(emit: Emitter, x: Symbol, factors: Mapping[int, int]) -> Symbol:
    """Repeat each element along axes: a new axis of size 1 behind each, broadcast, and merged with it."""
    split: list[int | str] = []
    spread: list[int | str] = []
    merged: list[int | str] = []
    for axis, size in enumerate(sizes(x)):
        here = f"x.{len(split)}" if isinstance(size, str) else size
        factor = factors.get(axis)
        split += [size] if factor is None else [size, 1]
        spread += [here] if factor is None else [here, factor]
        merged.append(here if factor is None else _times(here, factor))
    y = emit.op("broadcast_to", emit.op("reshape", x, shape=split), shape=spread)
    repeated: Symbol = emit.op("reshape", y, shape=merged)
    return repeated
