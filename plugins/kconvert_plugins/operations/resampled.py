"""Images resampled by computed weights, and the similarity of two images (keras/src/ops/image.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import ArrayConstant, Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_integer

from ..bounds import counted
from .operands import (
    apply,
    axes_of,
    expanded,
    given,
    join,
    known,
    moved,
    permuted,
    register_table,
    reshaped,
    sizes,
    sliced,
    strong,
    tensor,
    without_axes,
)
from .positions import arange
from .windows import layout

FILTERS = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "triangle": "linear", "cubic": "cubic",
           "bicubic": "cubic", "tricubic": "cubic", "lanczos3": "lanczos3", "lanczos5": "lanczos5"}  # fmt: skip
LEAST = 1000 * float(np.finfo(np.float32).eps)
"""Weights whose sum is not larger count nothing."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that resample images by computed weights, and their similarity."""
    arguments = ("images", "output_shape", "scale", "translation")
    register("keras.ops.ScaleAndTranslate", scale_and_translate, arguments=arguments)
    register_table(register, ("image1", "image2"), {"SSIM": ssim})


def scale_and_translate(call: LayerCall, emit: Emitter) -> Symbol:
    """Images stretched by `scale` and moved by `translation` along each of `spatial_dims`."""
    x = given(call, emit, "images")
    scale, shift = strong(emit, [call.argument("scale"), call.argument("translation")])
    shape = call.argument("output_shape")
    shape = shape.value if isinstance(shape, ArrayConstant) else shape
    method = FILTERS[call.config.str("method", choices=tuple(FILTERS))]
    antialias = call.config.bool("antialias", True)
    axes = axes_of(call.config.ints("spatial_dims"), x.rank)
    if not isinstance(shape, list) or len(shape) != x.rank or not all(isinstance(shape[axis], int) for axis in axes):
        raise Unsupported("its output shape must be known")
    if is_integer(x.dtype) and axes:
        raise Unsupported("Keras on TensorFlow fails on whole numbers; cast them to floats")
    y = x.with_mask(None)
    for i, axis in enumerate(axes):
        factors = [sliced(emit, one, 0, i, i + 1) for one in (scale, shift)]
        weights = _weights(emit, x, axis, shape[axis], factors, method, antialias)
        y = emit.op("matmul", moved(emit, y, [axis], [x.rank - 1]), emit.cast(weights, y.dtype))
        y = moved(emit, y, [x.rank - 1], [axis])
    return y


def _weights(
    emit: Emitter, x: Symbol, axis: int, count: int, factors: list[Symbol], method: str, antialias: bool
) -> Any:
    """Return how much each element along an axis (rows) counts for each of `count` elements of the result."""
    scale, shift = factors
    inverse = apply(emit, "divide", 1, scale)
    width = (
        apply(emit, "maximum", inverse, 1) if antialias else apply(emit, "add", apply(emit, "multiply", scale, 0), 1)
    )
    places = apply(emit, "add", tensor(emit, np.arange(counted(count)).tolist(), scale.dtype), 0.5)
    places = emit.op("subtract", emit.op("multiply", places, inverse), emit.op("multiply", shift, inverse))
    places = apply(emit, "subtract", places, 0.5)
    elements = expanded(emit, emit.cast(arange(emit, x, axis), scale.dtype), [1])
    distance = emit.op("abs", emit.op("subtract", places, elements))
    weights = _filter(emit, emit.op("divide", distance, width), method)
    total = emit.op("sum", weights, axes=[0], keepdims=True)
    safe = emit.op("where", apply(emit, "equal", total, 0), emit.constant(1, total.dtype), total)
    counts = apply(emit, "greater", emit.op("abs", total), LEAST)
    weights = apply(emit, "where", counts, emit.op("divide", weights, safe), 0)
    last = apply(emit, "subtract", emit.cast(_size(emit, x, axis), scale.dtype), 0.5)
    inside = emit.op("logical_and", apply(emit, "greater_equal", places, -0.5), emit.op("less_equal", places, last))
    return apply(emit, "where", inside, weights, 0)


def _size(emit: Emitter, x: Symbol, axis: int) -> Symbol:
    size = x.shape[axis]
    if size is not None:
        return emit.constant(size, "int32")
    return apply(emit, "add", emit.op("max", arange(emit, x, axis)), 1)


def _filter(emit: Emitter, x: Symbol, method: str) -> Any:
    """Return the weight of elements at the distance x."""
    if method == "linear":
        return apply(emit, "maximum", 0, apply(emit, "subtract", 1, x))
    return _keys(emit, x) if method == "cubic" else _lanczos(emit, x, int(method[-1]))


def _keys(emit: Emitter, x: Symbol) -> Any:
    """Keys' cubic convolution with a = -1/2."""
    near = apply(emit, "subtract", apply(emit, "multiply", 1.5, x), 2.5)
    near = apply(emit, "add", emit.op("multiply", emit.op("multiply", near, x), x), 1)
    far = apply(emit, "add", apply(emit, "multiply", -0.5, x), 2.5)
    far = apply(emit, "subtract", emit.op("multiply", far, x), 4)
    far = apply(emit, "add", emit.op("multiply", far, x), 2)
    y = emit.op("where", apply(emit, "greater_equal", x, 1), far, near)
    return emit.op("where", apply(emit, "greater_equal", x, 2), emit.constant(0, x.dtype), y)


def _lanczos(emit: Emitter, x: Symbol, radius: int) -> Any:
    """radius sin(pi x) sin(pi x / radius) / (pi x)^2."""
    angle = apply(emit, "multiply", np.pi, x)
    wave = emit.op("sin", apply(emit, "divide", angle, radius))
    wave = emit.op("multiply", apply(emit, "multiply", radius, emit.op("sin", angle)), wave)
    square = emit.op("multiply", x, x)
    square = apply(emit, "multiply", float(np.pi**2), square)
    safe = emit.op("where", apply(emit, "equal", x, 0), emit.constant(1, x.dtype), square)
    y = emit.op("where", apply(emit, "greater", x, 1e-3), emit.op("divide", wave, safe), emit.constant(1, x.dtype))
    return emit.op("where", apply(emit, "greater", x, radius), emit.constant(0, x.dtype), y)


def ssim(call: LayerCall, emit: Emitter) -> Symbol:
    """The structural similarity of images, from the means and variances under a window shaped like a bell."""
    one, other = given(call, emit, "image1"), given(call, emit, "image2")
    original, dtype = one.dtype, join(one.dtype, "float")
    channels_first, alone = layout(call) == "channels_first", one.rank == 3
    planes = []
    for x in (one, other):
        x = emit.cast(expanded(emit, x, [0]) if x.rank == 3 else x, dtype)
        planes.append(x if channels_first else permuted(emit, x, [0, 3, 1, 2]))
    if any(x.rank != 4 for x in planes):
        raise Unsupported(f"it compares images, got {one.type} and {other.type}")
    config = call.config
    size = config.int("filter_size", 11)
    kernel = reshaped(emit, _bell(emit, size, config.float("filter_sigma", 1.5), dtype), [size, size, 1, 1])
    constants = [(config.float(k, v) * config.float("max_val", 1.0)) ** 2 for k, v in (("k1", 0.01), ("k2", 0.03))]
    channels = known(planes[0].shape[1], "the number of channels")
    flat = [reshaped(emit, x, [-1, *sizes(x)[2:], 1]) for x in planes]
    value = emit.op("mean", _similarity(emit, flat[0], flat[1], kernel, constants), axes=[1, 2, 3])
    value = emit.op("mean", reshaped(emit, value, [-1, channels]), axes=[1])
    return emit.cast(without_axes(emit, value, [0]) if alone else value, original)


def _bell(emit: Emitter, size: int, sigma: float, dtype: str) -> Any:
    """Return a Gaussian window that adds up to 1, computed in `dtype`."""
    x = apply(emit, "subtract", tensor(emit, list(range(counted(size))), dtype), (size - 1) / 2)
    x = apply(emit, "divide", emit.op("negative", emit.op("multiply", x, x)), 2.0 * sigma**2)
    x = emit.op("exp", x)
    x = emit.op("divide", x, emit.op("sum", x))
    return emit.op("multiply", expanded(emit, x, [1]), x)


def _similarity(emit: Emitter, x: Symbol, y: Symbol, kernel: Symbol, constants: list[float]) -> Any:
    def mean(z: Symbol) -> Any:
        return emit.op("conv", z, kernel, strides=[1, 1], dilation_rate=[1, 1])

    def times(a: Symbol, b: Symbol) -> Any:
        return emit.op("multiply", a, b)

    first, second = mean(x), mean(y)
    squares = [times(first, first), times(second, second), times(first, second)]
    spreads = [mean(times(a, b)) for a, b in ((x, x), (y, y), (x, y))]
    spreads = [emit.op("subtract", spread, square) for spread, square in zip(spreads, squares, strict=True)]
    above = [
        apply(emit, "add", apply(emit, "multiply", 2.0, part[2]), constant)
        for part, constant in zip((squares, spreads), constants, strict=True)
    ]
    below = [
        apply(emit, "add", emit.op("add", part[0], part[1]), constant)
        for part, constant in zip((squares, spreads), constants, strict=True)
    ]
    return emit.op("divide", times(*above), times(*below))
