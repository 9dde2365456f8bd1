"""Losses of numbers (keras/src/losses/losses.py): each is a mean over the last axis, or a sum."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from .base import EPSILON, Rows, loss


@loss("mse")
def mean_squared_error(y_true: Array, y_pred: Array) -> Rows:
    """The mean of (y_true - y_pred)^2."""
    error = y_pred - y_true
    return np.square(error).mean(axis=-1), error * error.dtype.type(2 / _size(error))


@loss("mae")
def mean_absolute_error(y_true: Array, y_pred: Array) -> Rows:
    """The mean of |y_true - y_pred|."""
    error = y_pred - y_true
    return np.abs(error).mean(axis=-1), np.sign(error) / error.dtype.type(_size(error))


@loss("mape")
def mean_absolute_percentage_error(y_true: Array, y_pred: Array) -> Rows:
    """100 times the mean of |y_true - y_pred| / max(|y_true|, epsilon)."""
    scale = np.maximum(np.abs(y_true), y_pred.dtype.type(EPSILON))
    error = (y_true - y_pred) / scale
    return 100 * np.abs(error).mean(axis=-1), -100 * np.sign(error) / scale / error.dtype.type(_size(error))


@loss("msle")
def mean_squared_logarithmic_error(y_true: Array, y_pred: Array) -> Rows:
    """The mean of (log(y_true + 1) - log(y_pred + 1))^2, both at least epsilon."""
    least = y_pred.dtype.type(EPSILON)
    raised = np.maximum(y_pred, least)
    error = np.log(raised + 1) - np.log(np.maximum(y_true, least) + 1)
    slope = np.where(y_pred >= least, 2 * error / (raised + 1), 0).astype(y_pred.dtype)
    return np.square(error).mean(axis=-1), slope / error.dtype.type(_size(error))


@loss()
def huber(y_true: Array, y_pred: Array, delta: float = 1.0) -> Rows:
    """Half the square of the error up to `delta`, straight on from there."""
    error = y_pred - y_true
    size = np.abs(error)
    bound = error.dtype.type(delta)
    values = np.where(size <= bound, 0.5 * np.square(error), bound * size - 0.5 * np.square(bound))
    return values.mean(axis=-1), np.clip(error, -bound, bound) / error.dtype.type(_size(error))


@loss("logcosh")
def log_cosh(y_true: Array, y_pred: Array) -> Rows:
    """The mean of log(cosh(y_pred - y_true))."""
    error = y_pred - y_true
    values = error + np.logaddexp(0, -2 * error).astype(error.dtype) - error.dtype.type(np.log(2))
    return values.mean(axis=-1), np.tanh(error) / error.dtype.type(_size(error))


@loss()
def poisson(y_true: Array, y_pred: Array) -> Rows:
    """The mean of y_pred - y_true log(y_pred + epsilon)."""
    raised = y_pred + y_pred.dtype.type(EPSILON)
    values = y_pred - y_true * np.log(raised)
    return values.mean(axis=-1), (1 - y_true / raised) / y_pred.dtype.type(_size(y_pred))


@loss()
def cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Rows:
    """Less the cosine of the angle between the rows; -1 where they point the same way."""
    true, length = _normalized(np.moveaxis(y_true, axis, -1))
    unit, length = _normalized(np.moveaxis(y_pred, axis, -1))
    cosine = (true * unit).sum(axis=-1, keepdims=True)
    slope = -(true - np.where(length > _LEAST, unit * cosine, 0)) / np.maximum(length, _LEAST)
    return -cosine[..., 0], np.moveaxis(slope.astype(y_pred.dtype), -1, axis)


_LEAST = np.float32(1e-6)
"""The square root of the least square that Keras divides by, 1e-12."""


def _normalized(x: Array) -> tuple[Array, Array]:
    length = np.sqrt(np.square(x).sum(axis=-1, keepdims=True))
    return x / np.maximum(length, _LEAST), length


def _size(error: Array) -> int:
    return max(error.shape[-1], 1)
