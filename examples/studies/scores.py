"""Macro F1 computed anew from stored predictions, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from common import macro_f1

RESAMPLES = 2000
SEED = 1


@dataclass(frozen=True)
class Interval:
    """A value, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the whole interval is above or below 0, else 0."""
        return int(self.low > 0) - int(self.high < 0)


def f1_interval(truth: np.ndarray, predicted: np.ndarray, classes: int) -> Interval:
    """Macro F1, with the interval that test sets drawn anew from this one give (percentile bootstrap)."""
    counts = _resampled([truth, predicted], classes)
    return _interval(macro_f1(truth, predicted, classes), _f1(counts))


def f1_difference(truth: np.ndarray, first: np.ndarray, second: np.ndarray, classes: int) -> Interval:
    """Macro F1 of `second` less that of `first`, both on the same test sets drawn anew."""
    counts = _resampled([truth, first, second], classes)
    value = macro_f1(truth, second, classes) - macro_f1(truth, first, classes)
    return _interval(value, _f1(counts.sum(axis=2)) - _f1(counts.sum(axis=3)))


def constant_f1(truth: np.ndarray, classes: int) -> float:
    """The best macro F1 of a model that gives one class for everything."""
    return max(macro_f1(truth, np.full_like(truth, one), classes) for one in range(classes))


def largest_share(predicted: np.ndarray) -> float:
    """The share of the class that is predicted most often."""
    return float(np.bincount(predicted).max() / len(predicted))


def _resampled(columns: list[np.ndarray], classes: int) -> np.ndarray:
    """How often each combination of classes occurs in test sets drawn anew: (RESAMPLES, classes, classes, ...).

    Drawing rows with replacement is drawing these counts from a multinomial distribution.
    """
    shape = (classes,) * len(columns)
    counts = np.bincount(np.ravel_multi_index(columns, shape), minlength=classes ** len(columns))
    drawn = np.random.default_rng(SEED).multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES)
    return drawn.reshape(RESAMPLES, *shape)


def _f1(confusion: np.ndarray) -> np.ndarray:
    """Macro F1 of each confusion matrix, (n, truth, predicted)."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    total = confusion.sum(axis=1) + confusion.sum(axis=2)
    return np.mean(2 * hits / np.maximum(total, 1), axis=1)


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))
