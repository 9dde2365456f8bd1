"""Metrics that are means of a value for each row: accuracies and correlations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from ..losses import LOSSES
from ..losses.base import EPSILON
from .base import Mean, numbers, paired

Accuracy: TypeAlias = Callable[..., Array]
"""(y_true, y_pred, **options) -> a value for each row."""


def accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 where the prediction is the label."""
    y_true, y_pred = paired(y_true, y_pred)
    return y_true == y_pred


def binary_accuracy(y_true: Array, y_pred: Array, threshold: float = 0.5) -> Array:
    """The share of predictions on the right side of the threshold."""
    y_true, y_pred = paired(y_true, y_pred)
    return (y_true == (y_pred > threshold)).mean(axis=-1)


def categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 where the largest prediction is that of the one-hot label."""
    return y_true.argmax(axis=-1) == y_pred.argmax(axis=-1)


def sparse_categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 where the largest prediction is that of the class number."""
    return numbers(y_true, y_pred) == y_pred.argmax(axis=-1)


def top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5) -> Array:
    """1 where the one-hot label is among the k largest predictions."""
    return in_top(y_true.argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5) -> Array:
    """1 where the class number is among the k largest predictions."""
    return in_top(numbers(y_true, y_pred).astype(np.int64), y_pred, k)


def cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """The cosine of the angle between label and prediction (as a loss it is less this)."""
    y_true, y_pred = paired(y_true, y_pred)
    return -LOSSES["cosine_similarity"](y_true.astype(y_pred.dtype), y_pred, axis)[0]


def pearson_correlation(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """The mean product of labels and predictions, each less its mean and over its standard deviation."""
    parts = [(y - y.mean(axis=axis, keepdims=True)) for y in paired(y_true.astype(y_pred.dtype), y_pred)]
    return np.asarray(np.prod([y / y.std(axis=axis, keepdims=True) for y in parts], axis=0).mean(axis=axis))


def concordance_correlation(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """Twice the mean of (label - mean prediction) (prediction - its mean), over variances and squared bias together."""
    true, found = paired(y_true.astype(y_pred.dtype), y_pred)
    means = [y.mean(axis=axis, keepdims=True) for y in (true, found)]
    spread = [y.var(axis=axis, keepdims=True) for y in (true, found)]
    below = spread[0] + spread[1] + np.square(means[0] - means[1]) + y_pred.dtype.type(EPSILON)
    return np.asarray((2 * (true - means[1]) * (found - means[1]) / below).mean(axis=axis))


ACCURACIES: dict[str, Accuracy] = {
    f.__name__: f
    for f in (
        binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k_categorical_accuracy,
        sparse_top_k_categorical_accuracy, cosine_similarity, pearson_correlation, concordance_correlation,
    )
}  # fmt: skip


class RootMeanSquaredError(Mean):
    """The square root of the mean of squared errors."""

    def __init__(self, name: str = "root_mean_squared_error") -> None:
        super().__init__(name, lambda y_true, y_pred: np.square(np.subtract(*paired(y_true, y_pred))))

    def result(self) -> float:
        """Return the root."""
        return float(np.sqrt(super().result()))


def in_top(numbers: Array, y_pred: Array, k: int) -> Array:
    """Whether fewer than k predictions are larger."""
    own = np.take_along_axis(y_pred, numbers[..., None], -1)
    return (y_pred > own).sum(axis=-1) < k
