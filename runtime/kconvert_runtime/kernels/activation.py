"""Activations. Definitions: keras/src/activations/activations.py, keras/src/backend/tensorflow/nn.py."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel
from .elementwise import erf

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@kernel("relu")
def relu(x: Array, *, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """x above threshold, else 0, at most max_value, less negative_slope max(threshold - x, 0)."""
    zero, limit = x.dtype.type(0), x.dtype.type(threshold)
    y = np.where(x > limit, x, zero) if threshold else np.maximum(x, zero)
    if max_value is not None:
        y = np.minimum(y, x.dtype.type(max_value))
    return y - x.dtype.type(negative_slope) * np.maximum(limit - x, zero) if negative_slope else y


@kernel("relu6")
def relu6(x: Array) -> Array:
    """min(max(x, 0), 6)."""
    return relu(x, max_value=6.0)


@kernel("leaky_relu")
def leaky_relu(x: Array, *, negative_slope: float = 0.2) -> Array:
    """x above 0, negative_slope x below; the slope has float32's precision, in float64 too."""
    return np.where(x > 0, x, x * x.dtype.type(np.float32(negative_slope)))


@kernel("elu")
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """x above 0, alpha (exp(x) - 1) below."""
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


@kernel("celu")
def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)."""
    a = x.dtype.type(alpha)
    return np.maximum(x, 0) + a * np.expm1(np.minimum(x, 0) / a)


@kernel("selu")
def selu(x: Array) -> Array:
    """Scaled ELU with Klambauer et al.'s constants."""
    return x.dtype.type(SELU_SCALE) * elu(x, alpha=SELU_ALPHA)


@kernel("gelu")
def gelu(x: Array, *, approximate: bool = False) -> Array:
    """x Phi(x), Phi by erf, or by tanh of a cubic; the constants have float32's precision, in float64 too."""
    half = x.dtype.type(0.5)
    if approximate:
        cubic = x.dtype.type(0.7978845608028654) * (x + x.dtype.type(np.float32(0.044715)) * (x * x * x))
        return half * x * (1 + np.tanh(cubic))
    return half * x * (1 + erf(x * x.dtype.type(np.float32(0.7071067811865476))))


@kernel("sigmoid")
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow; small results keep their digits."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@kernel("silu")
def silu(x: Array) -> Array:
    """x sigmoid(x)."""
    return x * sigmoid(x)


@kernel("softplus")
def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@kernel("mish")
def mish(x: Array) -> Array:
    """x tanh(softplus(x))."""
    return x * np.tanh(softplus(x))


@kernel("log_sigmoid")
def log_sigmoid(x: Array) -> Array:
    """log(sigmoid(x))."""
    return -softplus(-x)


@kernel("hard_sigmoid")
def hard_sigmoid(x: Array, *, slope: float = 1 / 6, offset: float = 0.5) -> Array:
    """clip(slope x + offset, 0, 1)."""
    return np.clip(x * x.dtype.type(slope) + x.dtype.type(offset), 0, 1)


@kernel("hard_silu")
def hard_silu(x: Array) -> Array:
    """x relu6(x + 3) / 6."""
    return x * hard_sigmoid(x)


@kernel("hard_tanh")
def hard_tanh(x: Array) -> Array:
    """clip(x, -1, 1)."""
    return np.clip(x, -1, 1)


@kernel("tanh_shrink")
def tanh_shrink(x: Array) -> Array:
    """x - tanh(x)."""
    return x - np.tanh(x)


@kernel("hard_shrink")
def hard_shrink(x: Array, *, threshold: float = 0.5) -> Array:
    """x where |x| > threshold, else 0."""
    return np.where(np.abs(x) > threshold, x, x.dtype.type(0))


@kernel("soft_shrink")
def soft_shrink(x: Array, *, threshold: float = 0.5) -> Array:
    """x moved towards 0 by threshold."""
    t = x.dtype.type(threshold)
    return np.where(x > t, x - t, np.where(x < -t, x + t, x.dtype.type(0)))


@kernel("threshold")
def threshold_(x: Array, *, threshold: float = 0.0, value: float = 0.0) -> Array:
    """x where x > threshold, else value."""
    return np.where(x > threshold, x, x.dtype.type(value))


@kernel("softsign")
def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (1 + np.abs(x))


@kernel("squareplus")
def squareplus(x: Array, *, b: float = 4.0) -> Array:
    """(x + sqrt(x^2 + b)) / 2."""
    return (x + np.sqrt(x * x + x.dtype.type(b))) / 2


@kernel("sparse_plus")
def sparse_plus(x: Array) -> Array:
    """0 up to -1, (x + 1)^2 / 4 to 1, then x."""
    return np.where(x <= -1, x.dtype.type(0), np.where(x < 1, (x + 1) ** 2 / 4, x))


@kernel("sparse_sigmoid")
def sparse_sigmoid(x: Array) -> Array:
    """clip((x + 1) / 2, 0, 1)."""
    return np.clip((x + 1) / 2, 0, 1)


@kernel("softmax")
def softmax(x: Array, *, axes: list[int]) -> Array:
    """exp(x) over its sum along axes, shifted by the largest x."""
    if x.size == 0:
        return x
    e = np.exp(x - x.max(axis=tuple(axes), keepdims=True))
    return np.asarray(e / e.sum(axis=tuple(axes), keepdims=True))


@kernel("log_softmax")
def log_softmax(x: Array, *, axes: list[int]) -> Array:
    """x less the logarithm of the sum of exp(x) along axes."""
    if x.size == 0:
        return x
    shifted = x - x.max(axis=tuple(axes), keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=tuple(axes), keepdims=True)))


@kernel("sparsemax")
def sparsemax(x: Array, *, axis: int = -1) -> Array:
    """max(x - tau, 0), tau = (sum of the running sums of the support - 1) / its size.

    Keras' formula. Martins and Astudillo (2016) take the last running sum of the support, not the sum of all.
    """
    if x.size == 0:
        return x
    z = np.moveaxis(x, axis, -1)
    ordered = -np.sort(-z, axis=-1)
    rank = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    running = np.cumsum(ordered, axis=-1, dtype=x.dtype)
    support = ordered - (running - 1) / rank > 0
    size = support.sum(axis=-1, keepdims=True).astype(x.dtype)
    total = np.where(support, running, x.dtype.type(0)).sum(axis=-1, keepdims=True)
    return np.moveaxis(np.maximum(z - (total - 1) / size, 0), -1, axis)


@kernel("glu")
def glu(x: Array, *, axis: int = -1) -> Array:
    """First half along axis times the sigmoid of the second."""
    first, second = np.split(x, 2, axis=axis)
    return first * sigmoid(second)
