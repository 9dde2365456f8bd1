"""Metrics with Keras' names, settings and semantics (keras/src/metrics), collected batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from .losses import LOSSES, Loss
from .losses.base import ALIASES as LOSS_ALIASES
from .names import find, options_of

Accuracy: TypeAlias = Callable[..., Array]
"""(y_true, y_pred, **options) -> a value for each row."""


def accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 where the prediction is the label."""
    y_true, y_pred = _paired(y_true, y_pred)
    return y_true == y_pred


def binary_accuracy(y_true: Array, y_pred: Array, threshold: float = 0.5) -> Array:
    """The share of predictions on the right side of the threshold."""
    y_true, y_pred = _paired(y_true, y_pred)
    return (y_true == (y_pred > threshold)).mean(axis=-1)


def categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 where the largest prediction is that of the one-hot label."""
    return y_true.argmax(axis=-1) == y_pred.argmax(axis=-1)


def sparse_categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 where the largest prediction is that of the class number."""
    return _numbers(y_true, y_pred) == y_pred.argmax(axis=-1)


def top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5) -> Array:
    """1 where the one-hot label is among the k largest predictions."""
    return _in_top(y_true.argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5) -> Array:
    """1 where the class number is among the k largest predictions."""
    return _in_top(_numbers(y_true, y_pred).astype(np.int64), y_pred, k)


def cosine_similarity(y_true: Array, y_pred: Array) -> Array:
    """The cosine of the angle between label and prediction (as a loss it is less this)."""
    y_true, y_pred = _paired(y_true, y_pred)
    return -LOSSES["cosine_similarity"](y_true.astype(y_pred.dtype), y_pred)[0]


ACCURACIES: dict[str, Accuracy] = {
    f.__name__: f
    for f in (
        binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k_categorical_accuracy,
        sparse_top_k_categorical_accuracy, cosine_similarity,
    )
}  # fmt: skip


class Metric:
    """A number about all predictions so far. `update` takes a batch, `result` gives the number, `reset` starts anew."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        raise NotImplementedError

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch. weight: a factor for each row or value. mask: True where a value counts."""
        raise NotImplementedError

    def result(self) -> float:
        """Return the number for all that was seen."""
        raise NotImplementedError


class Mean(Metric):
    """The weighted mean of a value for each row."""

    def __init__(self, name: str, values: Callable[[Array, Array], Array]) -> None:
        self._values = values
        super().__init__(name)

    def reset(self) -> None:
        """Forget what was seen."""
        self._total, self._count = 0.0, 0.0

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        values = np.asarray(self._values(y_true, y_pred), np.float64)
        counts = _counts(values, weight, mask)
        if counts is None:
            rows = values.mean(axis=tuple(range(1, values.ndim))) if values.ndim > 1 else values
            self._total, self._count = self._total + float(rows.sum()), self._count + rows.size
            return
        self._total += float((values * counts).sum()) / _inner(values)
        self._count += float(counts.sum()) / _inner(values)

    def result(self) -> float:
        """Return the mean."""
        return self._total / self._count if self._count else 0.0


class RootMeanSquaredError(Mean):
    """The square root of the mean of squared errors."""

    def __init__(self, name: str = "root_mean_squared_error") -> None:
        super().__init__(name, lambda y_true, y_pred: np.square(np.subtract(*_paired(y_true, y_pred))))

    def result(self) -> float:
        """Return the root."""
        return float(np.sqrt(super().result()))


class F1Score(Metric):
    """2 precision recall / (precision + recall) of each class; classes by argmax, or by a threshold for one output.

    average: 'macro' (the mean of the classes), 'micro' (of all together) or 'weighted' (by the number of labels).
    Unlike Keras' metric it takes class numbers as well as one-hot labels.
    """

    def __init__(self, name: str = "f1_score", average: str = "macro", threshold: float = 0.5) -> None:
        if average not in ("macro", "micro", "weighted"):
            raise InputError(f"average must be macro, micro or weighted, got {average!r:.40}.")
        self._average, self._threshold = average, threshold
        super().__init__(name)

    def reset(self) -> None:
        """Forget what was seen."""
        self._hits, self._predicted, self._true = (np.zeros(1) for _ in range(3))

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        binary = y_pred.shape[-1] == 1
        classes = 1 if binary else y_pred.shape[-1]
        if binary:
            found, true = (y_pred[..., 0] > self._threshold), _numbers(y_true, y_pred) > 0.5
        else:
            one_hot = y_true.ndim == y_pred.ndim and y_true.shape[-1] == classes
            true = y_true.argmax(axis=-1) if one_hot else _numbers(y_true, y_pred).astype(np.int64)
            found = y_pred.argmax(axis=-1)
        counts = _counts(np.zeros(found.shape), weight, mask)
        counts = np.ones(found.shape) if counts is None else counts
        if len(self._true) != classes:
            self._hits, self._predicted, self._true = (np.zeros(classes) for _ in range(3))
        for total, chosen in ((self._true, true), (self._predicted, found), (self._hits, None)):
            total += _per_class(true, found, chosen, counts, binary, classes)

    def result(self) -> float:
        """Return the score."""
        hits, predicted, true = self._hits, self._predicted, self._true
        if self._average == "micro":
            hits, predicted, true = (part.sum(keepdims=True) for part in (hits, predicted, true))
        below = (predicted + true) / 2
        scores = np.divide(hits, below, out=np.zeros_like(hits), where=below > 0)
        if self._average == "weighted":
            return float((scores * true).sum() / true.sum()) if true.sum() else 0.0
        return float(scores.mean())


def _per_class(true: Array, found: Array, chosen: Array | None, counts: Array, binary: bool, classes: int) -> Array:
    """Return the summed counts by class of `chosen`, or of hits for None."""
    if binary:
        where = (true & found) if chosen is None else chosen
        return np.array([counts[where].sum()])
    where = true == found if chosen is None else np.ones(true.shape, bool)
    numbers = true if chosen is None else chosen
    return np.bincount(numbers[where], counts[where], classes)[:classes]


class Thresholded(Metric):
    """Precision or recall of all elements, each predicted where it is above a threshold."""

    def __init__(self, name: str, kind: str, thresholds: float = 0.5) -> None:
        self._kind, self._threshold = kind, thresholds
        super().__init__(name)

    def reset(self) -> None:
        """Forget what was seen."""
        self._hits, self._all = 0.0, 0.0

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        y_true, y_pred = _paired(y_true, y_pred)
        counts = _counts(np.zeros(y_pred.shape), weight, mask)
        counts = np.ones(y_pred.shape) if counts is None else counts
        true, found = y_true.astype(bool), y_pred > self._threshold
        self._hits += float(counts[true & found].sum())
        self._all += float(counts[found if self._kind == "precision" else true].sum())

    def result(self) -> float:
        """Return the share."""
        return self._hits / self._all if self._all else 0.0


class AUC(Metric):
    """The area under the ROC curve of predictions in 0 to 1, by trapezoids between thresholds."""

    def __init__(self, name: str = "auc", num_thresholds: int = 200) -> None:
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self._thresholds = np.array([-1e-7, *inner, 1 + 1e-7], np.float32)
        super().__init__(name)

    def reset(self) -> None:
        """Forget what was seen."""
        self._positive, self._negative = (np.zeros(len(self._thresholds)) for _ in range(2))

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        y_true, y_pred = _paired(y_true, y_pred)
        counts = _counts(np.zeros(y_pred.shape), weight, mask)
        counts = np.ones(y_pred.shape) if counts is None else counts
        passed = np.searchsorted(self._thresholds, y_pred.ravel(), side="left")  # thresholds that are below
        true = y_true.ravel().astype(bool)
        for total, side in ((self._positive, true), (self._negative, ~true)):
            by_passed = np.bincount(passed, counts.ravel() * side, len(total) + 1)
            total += np.cumsum(by_passed[::-1])[::-1][1:]

    def result(self) -> float:
        """Return the area."""
        if not self._positive[0] or not self._negative[0]:
            return 0.0
        hits, alarms = self._positive / self._positive[0], self._negative / self._negative[0]
        return float(((alarms[:-1] - alarms[1:]) * (hits[:-1] + hits[1:]) / 2).sum())


OTHERS: dict[str, Callable[..., Metric]] = {
    "f1_score": F1Score,
    "macro_f1": F1Score,
    "precision": lambda name="precision", **options: Thresholded(name, "precision", **options),
    "recall": lambda name="recall", **options: Thresholded(name, "recall", **options),
    "auc": AUC,
    "root_mean_squared_error": RootMeanSquaredError,
}
ALIASES = {
    **{name.replace("_", ""): name for name in (*ACCURACIES, *OTHERS)},
    "rmse": "root_mean_squared_error", "f1": "f1_score",
}  # fmt: skip


def make_metric(name: str, y_true: Array, y_pred: Array, **options: Any) -> Metric:
    """Return a metric by Keras' name; 'accuracy' is chosen by the shapes of labels and predictions, as Keras does.

    Every loss is a metric, too. Raises InputError for an unknown name or setting.
    """
    given = name
    if name.lower() in ("accuracy", "acc"):
        name = chosen(y_true, y_pred, "accuracy")
    table: Mapping[str, Any] = {**LOSSES, **ACCURACIES, **OTHERS}
    key = find(name, table, {**LOSS_ALIASES, **ALIASES}, "metric")
    if key in OTHERS:
        try:
            return OTHERS[key](given, **options)
        except TypeError as error:
            raise InputError(f"The metric {key} does not take these settings: {error}.") from error
    if key in ACCURACIES:
        filled = options_of(ACCURACIES[key], options, f"The metric {key}")
        return Mean(given, lambda y_true, y_pred: ACCURACIES[key](y_true, y_pred, **filled))
    found = Loss(key, **options)
    return Mean(given, lambda y_true, y_pred: _loss_values(found, y_true, y_pred))


def chosen(y_true: Array, y_pred: Array, what: str) -> str:
    """Return the binary, sparse or categorical form of 'accuracy' or 'crossentropy' for these shapes."""
    if y_pred.shape[-1] == 1:
        return f"binary_{what}"
    sparse = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
    return f"sparse_categorical_{what}" if sparse else f"categorical_{what}"


def _loss_values(found: Loss, y_true: Array, y_pred: Array) -> Array:
    return found.function(*found._aligned(y_true, y_pred), **found.options)[0]


def _counts(values: Array, weight: Array | None, mask: Array | None) -> Array | None:
    """Return what each value counts for; None for 1."""
    counts: Array | None = None
    for part in (mask, weight):
        if part is not None:
            part = part[..., 0] if part.ndim == values.ndim + 1 else part
            part = np.broadcast_to(part.reshape(part.shape + (1,) * (values.ndim - part.ndim)), values.shape)
            counts = part.astype(np.float64) if counts is None else counts * part
    return counts


def _inner(values: Array) -> int:
    return max(int(np.prod(values.shape[1:])), 1)


def _paired(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    return y_true, y_pred


def _numbers(y_true: Array, y_pred: Array) -> Array:
    return y_true[..., 0] if y_true.ndim == y_pred.ndim else y_true


def _in_top(numbers: Array, y_pred: Array, k: int) -> Array:
    """Whether fewer than k predictions are larger."""
    own = np.take_along_axis(y_pred, numbers[..., None], -1)
    return (y_pred > own).sum(axis=-1) < k
