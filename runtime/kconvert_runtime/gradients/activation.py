"""Gradients of activations. At a kink they are TensorFlow's."""

from __future__ import annotations

import math

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.activation import SELU_ALPHA, SELU_SCALE, sigmoid, softplus
from ..kernels.elementwise import erf
from ..registry import vjp
from .functions import DERIVATIVES, Derivative, derivative
from .sums import Gradients


@derivative("relu")
def _relu(
    y: Array, x: Array, *, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Array:
    # as Keras puts it together from TensorFlow's relu, relu6, leaky_relu and clip_by_value
    above = x > threshold
    if max_value is not None:
        above &= (x < max_value) if max_value == 6 and not threshold else (x <= max_value)
    if not negative_slope:
        return above
    below = (x <= threshold) if max_value is None and not threshold else (x < threshold)
    return np.where(below, x.dtype.type(negative_slope), above)


@derivative("celu")
def _celu(y: Array, x: Array, *, alpha: float = 1.0) -> Array:
    # Keras adds maximum(x, 0) and a function of minimum(x, 0); TensorFlow gives both their gradient at 0
    return (x >= 0) + (x <= 0) * np.exp(np.minimum(x, 0) / x.dtype.type(alpha))


@derivative("elu")
def _elu(y: Array, x: Array, *, alpha: float = 1.0) -> Array:
    return np.where(x > 0, 1, x.dtype.type(alpha) * np.exp(np.minimum(x, 0)))


@derivative("selu")
def _selu(y: Array, x: Array) -> Array:
    power = np.exp(np.minimum(x, 0))
    return x.dtype.type(SELU_SCALE) * np.where(power < 1, x.dtype.type(SELU_ALPHA) * power, 1)


@derivative("gelu")
def _gelu(y: Array, x: Array, *, approximate: bool = False) -> Array:
    if approximate:
        root, cube = math.sqrt(2 / math.pi), float(np.float32(0.044715))
        t = np.tanh(root * (x + cube * (x * x * x)))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * cube * x * x)
    scale = float(np.float32(0.7071067811865476))
    return 0.5 * (1 + erf(x * scale)) + x * scale / math.sqrt(math.pi) * np.exp(-((x * scale) ** 2))


@derivative("silu")
def _silu(y: Array, x: Array) -> Array:
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


@derivative("mish")
def _mish(y: Array, x: Array) -> Array:
    t = np.tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


@derivative("hard_sigmoid")
def _hard_sigmoid(y: Array, x: Array, *, slope: float = 1 / 6, offset: float = 0.5) -> Array:
    return np.where((y > 0) & (y < 1), x.dtype.type(slope), x.dtype.type(0))


@derivative("hard_silu")
def _hard_silu(y: Array, x: Array) -> Array:
    return np.where(x <= -3, 0, np.where(x < 3, x / 3 + x.dtype.type(0.5), 1))


ACTIVATIONS: dict[str, Derivative] = {
    "relu6": lambda y, x: (x > 0) & (x < 6),
    "leaky_relu": lambda y, x, negative_slope: np.where(x > 0, 1, x.dtype.type(np.float32(negative_slope))),
    "sigmoid": lambda y, x: y * (1 - y),
    "log_sigmoid": lambda y, x: sigmoid(-x),
    "hard_tanh": lambda y, x: np.abs(x) <= 1,
    "tanh_shrink": lambda y, x: np.tanh(x) ** 2,
    "hard_shrink": lambda y, x, threshold: np.abs(x) > threshold,
    "soft_shrink": lambda y, x, threshold: np.abs(x) > threshold,
    "threshold": lambda y, x, threshold, value: x > threshold,
    "softplus": lambda y, x: sigmoid(x),
    "softsign": lambda y, x: 1 / (1 + np.abs(x)) ** 2,
    "squareplus": lambda y, x, b: 0.5 + 0.5 * x / np.sqrt(x * x + x.dtype.type(b)),
    "sparse_plus": lambda y, x: np.clip((x + 1) / 2, 0, 1),
    "sparse_sigmoid": lambda y, x: np.where((x > -1) & (x < 1), x.dtype.type(0.5), x.dtype.type(0)),
}
for _op, _function in ACTIVATIONS.items():
    derivative(_op)(_function)
DERIVATIVES |= ACTIVATIONS


@vjp("softmax")
def softmax(g: Array, y: Array, x: Array, *, axes: list[int]) -> Gradients:
    """y (g - sum of g y along axes)."""
    return (y * (g - (g * y).sum(axis=tuple(axes), keepdims=True)),)


@vjp("log_softmax")
def log_softmax(g: Array, y: Array, x: Array, *, axes: list[int]) -> Gradients:
    """g - exp(y) times the sum of g along axes."""
    return (g - np.exp(y) * g.sum(axis=tuple(axes), keepdims=True),)


@vjp("sparsemax")
def sparsemax(g: Array, y: Array, x: Array, *, axis: int) -> Gradients:
    """Of max(x - tau, 0), tau as in the kernel: the summed running sums hold x's i-th largest k - i times."""
    if x.size == 0:
        return (np.zeros_like(x),)
    z, shown = np.moveaxis(x, axis, -1), np.moveaxis(np.where(y > 0, g, 0), axis, -1)
    order = np.argsort(-z, axis=-1, kind="stable")
    ordered = np.take_along_axis(z, order, -1)
    rank = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    support = ordered - (np.cumsum(ordered, axis=-1, dtype=x.dtype) - 1) / rank > 0
    times = np.flip(np.cumsum(np.flip(support, -1), axis=-1), -1).astype(x.dtype)
    by_tau = -shown.sum(axis=-1, keepdims=True) / support.sum(axis=-1, keepdims=True).astype(x.dtype)
    result = shown.copy()
    places = np.argsort(order, axis=-1)
    result += by_tau * np.take_along_axis(times, places, -1)
    return (np.moveaxis(result, -1, axis),)


@vjp("glu")
def glu(g: Array, y: Array, x: Array, *, axis: int) -> Gradients:
    """g s for the first half, g first s (1 - s) for the second, s = sigmoid(second)."""
    first, second = np.split(x, 2, axis=axis)
    s = sigmoid(second)
    return (np.concatenate([g * s, g * first * s * (1 - s)], axis=axis),)
