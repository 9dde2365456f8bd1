"""F scores of classes, and the coefficient of determination."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..losses.base import EPSILON
from .base import Metric, counts_of, numbers, paired


class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall) of each class.

    A class is predicted where it is the largest, or above `threshold` if that is given. average: 'macro' (the mean of
    the classes), 'micro' (of all together) or 'weighted' (by the number of labels). Unlike Keras' metric it takes class
    numbers as well as one-hot labels, sequences, and one output, where the threshold is 0.5 unless given.
    """

    def __init__(
        self, name: str = "fbeta_score", average: str = "macro", beta: float = 1.0, threshold: float | None = None
    ) -> None:
        if average not in ("macro", "micro", "weighted"):
            raise InputError(f"average must be macro, micro or weighted, got {average!r:.40}.")
        if not isinstance(beta, (int, float)) or beta <= 0:
            raise InputError(f"beta must be above 0, got {beta!r:.40}.")
        if threshold is not None and not 0 < threshold <= 1:
            raise InputError(f"threshold must be above 0 and at most 1, got {threshold!r:.40}.")
        self._average, self._beta, self._threshold = average, float(beta), threshold
        super().__init__(name)

    def reset(self) -> None:
        """Forget what was seen."""
        self._hits, self._predicted, self._true = (np.zeros(1) for _ in range(3))

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        classes = y_pred.shape[-1]
        found = self._found(y_pred).reshape(-1, classes)
        true = _one_hot(y_true, y_pred).reshape(-1, classes)
        counts = counts_of(np.zeros(y_pred.shape[:-1]), weight, mask)
        share = np.ones(len(found)) if counts is None else counts.reshape(-1)
        if len(self._true) != classes:
            self._hits, self._predicted, self._true = (np.zeros(classes) for _ in range(3))
        for total, part in ((self._true, true), (self._predicted, found), (self._hits, true * found)):
            total += share @ part

    def _found(self, y_pred: Array) -> Array:
        threshold = 0.5 if self._threshold is None and y_pred.shape[-1] == 1 else self._threshold
        if threshold is not None:
            return (y_pred > threshold).astype(np.float64)
        largest = y_pred.max(axis=-1, keepdims=True)
        return ((y_pred >= largest) & (np.abs(y_pred) > 1e-9)).astype(np.float64)

    def result(self) -> float:
        """Return the score."""
        hits, predicted, true = self._hits, self._predicted, self._true
        if self._average == "micro":
            hits, predicted, true = (part.sum(keepdims=True) for part in (hits, predicted, true))
        precision, recall, square = hits / (predicted + EPSILON), hits / (true + EPSILON), self._beta**2
        scores = precision * recall / (square * precision + recall + EPSILON) * (1 + square)
        if self._average == "weighted":
            return float((scores * true).sum() / (true.sum() + EPSILON))
        return float(scores.mean())


class F1Score(FBetaScore):
    """The F score with beta 1."""

    def __init__(self, name: str = "f1_score", average: str = "macro", threshold: float | None = None) -> None:
        super().__init__(name, average, 1.0, threshold)


def _one_hot(y_true: Array, y_pred: Array) -> Array:
    """Return labels as 0 and 1 for each class."""
    classes = y_pred.shape[-1]
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == classes:
        return y_true.astype(np.float64)
    classes_of = numbers(y_true, y_pred).astype(np.int64)
    return classes_of[..., None].astype(np.float64) if classes == 1 else np.eye(classes)[classes_of]


class R2Score(Metric):
    """1 less the squared errors over those of the mean of the labels.

    class_aggregation: 'uniform_average' or 'variance_weighted_average' of the outputs. num_regressors: how many
    variables there are, for the adjusted score; 0: not adjusted.
    """

    def __init__(
        self, name: str = "r2_score", class_aggregation: str = "uniform_average", num_regressors: int = 0
    ) -> None:
        if class_aggregation not in ("uniform_average", "variance_weighted_average"):
            raise InputError(
                "class_aggregation must be uniform_average or variance_weighted_average, got "
                f"{class_aggregation!r:.40}."
            )
        self._weighted, self._regressors = class_aggregation == "variance_weighted_average", num_regressors
        super().__init__(name)

    def reset(self) -> None:
        """Forget what was seen."""
        self._sums, self._samples = np.zeros((4, 1)), 0

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        true, found = (y.astype(np.float64).reshape(-1, y.shape[-1]) for y in paired(y_true, y_pred))
        counts = counts_of(np.zeros(y_pred.shape), weight, mask)
        share = np.ones(true.shape) if counts is None else counts.reshape(true.shape)
        parts = (true, np.square(true), np.square(true - found), np.ones(true.shape))
        self._sums = self._sums + np.stack([(part * share).sum(axis=0) for part in parts])
        self._samples += true.size

    def result(self) -> float:
        """Return the score."""
        total, squares, errors, count = self._sums
        with np.errstate(all="ignore"):
            spread = squares - total * (total / count)
            scores = 1 - errors / spread
        scores = np.where(np.isinf(scores), 0, scores)
        score = float((scores * spread).sum() / spread.sum() if self._weighted else scores.mean())
        rest = self._samples - self._regressors - 1
        return 1 - (1 - score) * (self._samples - 1) / rest if self._regressors and rest > 0 else score
