"""Losses of classes (keras/src/losses/losses.py, keras/src/backend/tensorflow/nn.py)."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from .base import EPSILON, Rows, loss


@loss("bce")
def binary_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Rows:
    """The mean of -y_true log(y_pred) - (1 - y_true) log(1 - y_pred)."""
    y_true = y_true * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true
    values, slope = _binary(y_true.astype(y_pred.dtype, copy=False), y_pred, from_logits)
    return values.mean(axis=axis), slope / y_pred.dtype.type(max(y_pred.shape[axis], 1))


def _binary(y_true: Array, y_pred: Array, from_logits: bool) -> Rows:
    """The cross-entropy of each element."""
    if from_logits:
        values = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
        return values, sigmoid(y_pred) - y_true
    p, inside = _clipped(y_pred)
    values = -y_true * np.log(p) - (1 - y_true) * np.log(1 - p)
    return values, np.where(inside, (1 - y_true) / (1 - p) - y_true / p, 0).astype(p.dtype)


@loss("bfce")
def binary_focal_crossentropy(
    y_true: Array, y_pred: Array, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
) -> Rows:  # fmt: skip
    """The binary cross-entropy times (1 - p of the true class)^gamma, so that easy examples count less."""
    y_true = y_true * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true
    y_true = y_true.astype(y_pred.dtype, copy=False)
    p = sigmoid(y_pred) if from_logits else y_pred
    values, slope = _binary(y_true, p, False)
    missed = 1 - (y_true * p + (1 - y_true) * (1 - p))
    factor = np.power(missed, p.dtype.type(gamma))
    by_missed = gamma * np.power(missed, p.dtype.type(gamma - 1)) * (1 - 2 * y_true)
    slope = factor * slope + by_missed * values
    values = factor * values
    if apply_class_balancing:
        balance = y_true * alpha + (1 - y_true) * (1 - alpha)
        values, slope = balance * values, balance * slope
    slope = slope * p * (1 - p) if from_logits else slope
    return values.mean(axis=axis), (slope / max(p.shape[axis], 1)).astype(y_pred.dtype, copy=False)


@loss("cce")
def categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Rows:
    """-sum of y_true log(y_pred); y_true is one-hot or a distribution."""
    if label_smoothing:
        smooth = y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[-1]
        y_true = smooth.astype(y_pred.dtype, copy=False)
    if from_logits:
        p, logs = _softmax(y_pred, axis)
        return -(y_true * logs).sum(axis=axis), p - y_true  # TensorFlow's gradient: labels taken to sum to 1
    whole = y_pred.sum(axis=axis, keepdims=True)
    p, inside = _clipped(y_pred / whole)
    by_p = np.where(inside, -y_true / p, 0).astype(p.dtype)
    return -(y_true * np.log(p)).sum(axis=axis), _through_share(by_p, y_pred, whole, axis)


@loss("cfce")
def categorical_focal_crossentropy(
    y_true: Array, y_pred: Array, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0, axis: int = -1,
) -> Rows:  # fmt: skip
    """The categorical cross-entropy, each term times alpha (1 - p)^gamma."""
    if label_smoothing:
        smooth = y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[-1]
        y_true = smooth.astype(y_pred.dtype, copy=False)
    given = _softmax(y_pred, axis)[0] if from_logits else y_pred
    whole = given.sum(axis=axis, keepdims=True)
    p, inside = _clipped(given / whole)
    power = np.power(1 - p, p.dtype.type(gamma))
    values = -(alpha * power * y_true * np.log(p)).sum(axis=axis)
    steeper = gamma * np.power(1 - p, p.dtype.type(gamma - 1)) * np.log(p) - power / p
    by_p = np.where(inside, alpha * y_true * steeper, 0)
    slope = _through_share(by_p.astype(p.dtype), given, whole, axis)
    if from_logits:
        slope = given * (slope - (slope * given).sum(axis=axis, keepdims=True))
    return values, slope


@loss("scce")
def sparse_categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Rows:
    """-log(y_pred) of the class numbers y_true; rows of `ignore_class` give 0 and do not count."""
    valid = None if ignore_class is None else y_true != ignore_class
    numbers = y_true if valid is None else np.where(valid, y_true, 0)
    inside = None
    if not from_logits:
        p, inside = _clipped(y_pred)
        y_pred = np.log(p)
    share, logs = _softmax(y_pred, -1)
    values = -np.take_along_axis(logs, numbers[..., None], -1)[..., 0]
    slope = share
    places = numbers[..., None]
    np.put_along_axis(slope, places, np.take_along_axis(slope, places, -1) - 1, -1)
    if inside is not None:
        slope = np.where(inside, slope / p, 0).astype(slope.dtype)
    if valid is not None:
        values, slope = np.where(valid, values, 0), np.where(valid[..., None], slope, 0).astype(slope.dtype)
    return values, slope


@loss("kld", "kullback_leibler_divergence")
def kl_divergence(y_true: Array, y_pred: Array) -> Rows:
    """The sum of y_true log(y_true / y_pred), both within epsilon and 1."""
    least, most = y_pred.dtype.type(EPSILON), y_pred.dtype.type(1)
    true, p = np.clip(y_true, least, most), np.clip(y_pred, least, most)
    slope = np.where((y_pred >= least) & (y_pred <= most), -true / p, 0).astype(p.dtype)
    return (true * np.log(true / p)).sum(axis=-1), slope


@loss()
def hinge(y_true: Array, y_pred: Array) -> Rows:
    """The mean of max(1 - y_true y_pred, 0); labels of 0 stand for -1."""
    y_true = signs(y_true)
    gap = 1 - y_true * y_pred
    return np.maximum(gap, 0).mean(axis=-1), np.where(gap > 0, -y_true, 0).astype(y_pred.dtype) / _size(y_pred)


@loss()
def squared_hinge(y_true: Array, y_pred: Array) -> Rows:
    """The mean of max(1 - y_true y_pred, 0)^2; labels of 0 stand for -1."""
    y_true = signs(y_true)
    gap = np.maximum(1 - y_true * y_pred, 0)
    return np.square(gap).mean(axis=-1), -2 * y_true * gap / _size(y_pred)


@loss()
def categorical_hinge(y_true: Array, y_pred: Array) -> Rows:
    """max(largest prediction of the other classes - that of the true class + 1, 0)."""
    right = (y_true * y_pred).sum(axis=-1)
    others = (1 - y_true) * y_pred
    gap = others.max(axis=-1) - right + 1
    hit = others == others.max(axis=-1, keepdims=True)
    slope = (1 - y_true) * hit / hit.sum(axis=-1, keepdims=True) - y_true
    return np.maximum(gap, 0), np.where(gap[..., None] > 0, slope, 0).astype(y_pred.dtype)


@loss()
def dice(y_true: Array, y_pred: Array, axis: tuple[int, ...] | int | None = None) -> Rows:
    """1 - 2 overlap / (all of both): for the whole batch, or over `axis`."""
    overlap = (y_true * y_pred).sum(axis=axis, keepdims=True)
    both = y_true.sum(axis=axis, keepdims=True) + y_pred.sum(axis=axis, keepdims=True) + y_pred.dtype.type(EPSILON)
    slope = -2 * y_true / both + 2 * overlap / np.square(both)
    return np.asarray(1 - 2 * overlap / both).sum(axis=axis), slope


@loss()
def tversky(
    y_true: Array, y_pred: Array, alpha: float = 0.5, beta: float = 0.5, axis: tuple[int, ...] | int | None = None
) -> Rows:
    """1 - overlap / (overlap + alpha missed + beta invented): for the whole batch, or over `axis`."""
    overlap = (y_true * y_pred).sum(axis=axis, keepdims=True)
    missed = ((1 - y_pred) * y_true).sum(axis=axis, keepdims=True)
    invented = (y_pred * (1 - y_true)).sum(axis=axis, keepdims=True)
    below = overlap + missed * alpha + invented * beta + y_pred.dtype.type(EPSILON)
    by_below = y_true - alpha * y_true + beta * (1 - y_true)
    slope = -(y_true / below - overlap * by_below / np.square(below))
    return np.asarray(1 - overlap / below).sum(axis=axis), slope.astype(y_pred.dtype, copy=False)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * np.tanh(0.5 * x) + x.dtype.type(0.5)


def signs(y_true: Array) -> Array:
    """Labels of 0 and 1 as -1 and 1; others as they are."""
    binary = bool(((y_true == 0) | (y_true == 1)).all())
    return 2 * y_true - 1 if binary else y_true


def _softmax(x: Array, axis: int) -> tuple[Array, Array]:
    """Return the softmax and its logarithm."""
    shifted = x - x.max(axis=axis, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=axis, keepdims=True)
    return powers / total, shifted - np.log(total)


def _clipped(p: Array) -> tuple[Array, Array]:
    """Return probabilities within epsilon and 1 - epsilon, and where they were."""
    least, most = p.dtype.type(EPSILON), p.dtype.type(1 - EPSILON)
    return np.clip(p, least, most), (p >= least) & (p <= most)


def _through_share(by_share: Array, x: Array, whole: Array, axis: int) -> Array:
    """Return the gradient of x for that of x / whole, whole being its sum."""
    return (by_share - (by_share * x).sum(axis=axis, keepdims=True) / whole) / whole


def _size(x: Array) -> Array:
    return x.dtype.type(max(x.shape[-1], 1))
