"""Metrics that count hits and misses at thresholds: precision, recall, areas under curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..losses.base import EPSILON
from ..losses.classification import sigmoid
from .base import Metric, counts_of, paired

LOWEST = -1e10
"""What predictions that are not among the largest `top_k` count as."""
KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class Confusion(Metric):
    """Counts the four kinds at each threshold, `hits`, `alarms`, `quiet`, `missed`: of all outputs, or of each."""

    thresholds: Array
    rows = 1

    def reset(self) -> None:
        """Forget what was seen."""
        self.hits, self.alarms, self.quiet, self.missed = (np.zeros((len(self.thresholds), 1)) for _ in range(4))

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        y_true, y_pred = paired(y_true, y_pred)
        counts = counts_of(np.zeros(y_pred.shape), weight, mask)
        self._count(y_true, y_pred, np.ones(y_pred.shape) if counts is None else counts)

    def _count(self, y_true: Array, y_pred: Array, counts: Array) -> None:
        """Add to the counts; each column of y_pred (n, columns) is counted by itself."""
        y_true, y_pred, counts = (part.reshape(-1, self.rows) for part in (y_true, y_pred, counts))
        passed, true = self._passed(y_pred), y_true.astype(bool)
        for side, above, below in ((true, "hits", "missed"), (~true, "alarms", "quiet")):
            by_passed = np.stack([
                np.bincount(p, c * s, len(self.thresholds) + 1)
                for p, c, s in zip(passed.T, counts.T, side.T, strict=True)
            ], axis=1)  # fmt: skip
            over = np.cumsum(by_passed[::-1], axis=0)[::-1]
            setattr(self, above, getattr(self, above) + over[1:])
            setattr(self, below, getattr(self, below) + over[0] - over[1:])

    def _passed(self, y_pred: Array) -> Array:
        """Return how many thresholds are below each prediction; where they lie evenly, as Keras rounds."""
        steps, count = self.thresholds, len(self.thresholds)
        if count < 3 or not np.allclose(steps, np.arange(count, dtype=np.float32) / (count - 1), atol=EPSILON):
            return np.searchsorted(steps.astype(np.float32), y_pred, side="left")
        place = np.ceil(np.clip(y_pred, 0, 1) * y_pred.dtype.type(count - 1)).astype(np.int64)
        return np.maximum(place, 1) if steps[0] < 0 else place


class AtThreshold(Confusion):
    """Precision, recall, or a count of one of the four kinds.

    thresholds: above which a prediction is positive (0.5). top_k: only the k largest of a row can be. class_id: the
    only class that counts.
    """

    def __init__(
        self, name: str, kind: str, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None
    ) -> None:
        given = thresholds if isinstance(thresholds, (list, tuple)) else [thresholds]
        if len(given) != 1:
            raise InputError(f"The metric {kind} is one number here: give one threshold, got {len(given)}.")
        if thresholds is not None and not (isinstance(given[0], (int, float)) and 0 <= given[0] <= 1):
            raise InputError(f"thresholds must lie between 0 and 1, got {given[0]!r:.40}.")
        usual = 0.5 if top_k is None else LOWEST
        self.thresholds = np.array([usual if thresholds is None else given[0]])
        self._kind, self._top_k, self._class = kind, top_k, class_id
        super().__init__(name)

    def _count(self, y_true: Array, y_pred: Array, counts: Array) -> None:
        y_pred = y_pred if self._top_k is None else _largest(y_pred, self._top_k)
        if self._class is not None:
            y_true, y_pred, counts = (part[..., self._class] for part in (y_true, y_pred, counts))
        super()._count(y_true, y_pred, counts)

    def result(self) -> float:
        """Return the share or the count."""
        hits, alarms, missed = (float(part[0, 0]) for part in (self.hits, self.alarms, self.missed))
        if self._kind in KINDS:
            return {KINDS[0]: hits, KINDS[1]: alarms, KINDS[2]: float(self.quiet[0, 0]), KINDS[3]: missed}[self._kind]
        below = hits + (alarms if self._kind == "precision" else missed)
        return hits / below if below else 0.0


class AtValue(Confusion):
    """The best of one share at the thresholds where another reaches a value, such as recall at a precision of 0.9."""

    def __init__(self, name: str, best: str, where: str, value: float, num_thresholds: int = 200,
                 class_id: int | None = None) -> None:  # fmt: skip
        if not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise InputError(f"{where} must lie between 0 and 1, got {value!r:.40}.")
        if not isinstance(num_thresholds, int) or num_thresholds < 1:
            raise InputError(f"num_thresholds must be a whole number of at least 1, got {num_thresholds!r:.40}.")
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self.thresholds = np.array([0.5] if num_thresholds == 1 else [0.0, *inner, 1.0])
        self._best, self._where, self._value, self._class = best, where, value, class_id
        super().__init__(name)

    def _count(self, y_true: Array, y_pred: Array, counts: Array) -> None:
        if self._class is not None:
            y_true, y_pred, counts = (part[..., self._class] for part in (y_true, y_pred, counts))
        super()._count(y_true, y_pred, counts)

    def _share(self, kind: str) -> Array:
        if kind == "specificity":
            return _over(self.quiet, self.quiet + self.alarms)
        return _over(self.hits, self.hits + (self.alarms if kind == "precision" else self.missed))

    def result(self) -> float:
        """Return the best share, 0 where the value is never reached."""
        reached = self._share(self._where).astype(np.float32) >= np.float32(self._value)
        return float(np.where(reached, self._share(self._best), 0).max(initial=0))


class AUC(Confusion):
    """The area under a curve of predictions in 0 to 1.

    curve: 'ROC', 'PR' or 'PRGAIN'. summation_method: 'interpolation', 'minoring' or 'majoring'. thresholds: instead of
    `num_thresholds` even ones. multi_label: the mean of the areas of all outputs, by label_weights. from_logits: the
    predictions are put through a sigmoid.
    """

    def __init__(
        self, name: str = "auc", num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
        thresholds: Sequence[float] | None = None, multi_label: bool = False, num_labels: int | None = None,
        label_weights: Sequence[float] | None = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        method = summation_method.lower()
        if curve.upper() not in ("ROC", "PR", "PRGAIN") or method not in ("interpolation", "minoring", "majoring"):
            raise InputError(
                "curve must be ROC, PR or PRGAIN, and summation_method interpolation, minoring or majoring, got "
                f"{curve!r:.40} and {summation_method!r:.40}."
            )
        if thresholds is None and (not isinstance(num_thresholds, int) or num_thresholds < 2):
            raise InputError(f"num_thresholds must be a whole number above 1, got {num_thresholds!r:.40}.")
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        inner = sorted(thresholds) if thresholds is not None else inner
        self.thresholds = np.array([-EPSILON, *inner, 1 + EPSILON])
        self._curve, self._method, self._logits = curve.upper(), method, from_logits
        self._labels, self._multi = None if label_weights is None else np.array(label_weights, float), multi_label
        super().__init__(name)

    def _count(self, y_true: Array, y_pred: Array, counts: Array) -> None:
        y_pred = sigmoid(y_pred) if self._logits else y_pred
        self.rows = y_pred.shape[-1] if self._multi else 1
        if self._labels is not None and not self._multi:
            counts = counts * self._labels
        super()._count(y_true, y_pred, counts)

    def result(self) -> float:
        """Return the area."""
        areas = self._precise() if (self._curve, self._method) == ("PR", "interpolation") else self._trapezoids()
        if self._labels is None or not self._multi:
            return float(areas.mean())
        return float((areas * self._labels).sum() / self._labels.sum())

    def _trapezoids(self) -> Array:
        hits, alarms, quiet, missed = self.hits, self.alarms, self.quiet, self.missed
        x = recall = _over(hits, hits + missed)
        if self._curve == "ROC":
            x, y = _over(alarms, alarms + quiet), recall
        elif self._curve == "PR":
            y = _over(hits, hits + alarms)
        else:
            scale = _over(hits + missed, quiet + alarms)
            x = np.maximum(np.where(hits == 0, 0, 1 - scale * _over(missed, hits)), 0)
            y = np.where(hits == 0, 1, 1 - scale * _over(alarms, hits))
        heights = {
            "interpolation": (y[:-1] + y[1:]) / 2,
            "minoring": np.minimum(y[:-1], y[1:]),
            "majoring": np.maximum(y[:-1], y[1:]),
        }[self._method]
        area: Array = ((x[:-1] - x[1:]) * heights).sum(axis=0)
        return area

    def _precise(self) -> Array:
        """The area under precision and recall, interpolated as Davis and Goadrich (2006) show."""
        hits, found = self.hits, self.hits + self.alarms
        more, slope = hits[:-1] - hits[1:], _over(hits[:-1] - hits[1:], np.maximum(found[:-1] - found[1:], 0))
        start = hits[1:] - slope * found[1:]
        both = (found[:-1] > 0) & (found[1:] > 0)
        ratio = np.where(both, _over(found[:-1], np.maximum(found[1:], 0)), 1)
        area: Array = _over(slope * (more + start * np.log(ratio)), np.maximum(hits[1:] + self.missed[1:], 0)).sum(
            axis=0
        )
        return area


def _over(a: Array, b: Array) -> Array:
    """a / b, 0 where b is."""
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b != 0)


def _largest(y_pred: Array, k: int) -> Array:
    """Return predictions, LOWEST for all but the k largest of a row; of equal ones the first."""
    order = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.zeros(y_pred.shape, bool)
    np.put_along_axis(kept, order, True, -1)
    return np.where(kept, y_pred, y_pred.dtype.type(LOWEST))
