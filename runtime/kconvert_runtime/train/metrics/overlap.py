"""Intersection over union of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..losses.base import EPSILON
from .base import Metric, counts_of


class IoU(Metric):
    """The mean, over some classes, of what label and prediction share over what either has.

    target_class_ids: the classes; all by default. ignore_class: a label that does not count. sparse_y_true,
    sparse_y_pred: whether they are class numbers, or one-hot (largest) along `axis`. threshold: classes 0 and 1 by it.
    Weights count as whole numbers, as in Keras.
    """

    def __init__(
        self, name: str, num_classes: int, target_class_ids: Sequence[int] | None = None,
        ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
        threshold: float | None = None,
    ) -> None:  # fmt: skip
        targets = range(num_classes) if target_class_ids is None else target_class_ids
        self._targets = list(targets) if isinstance(targets, (list, tuple, range)) else [targets]
        if not all(isinstance(n, int) and 0 <= n < num_classes for n in self._targets):
            raise InputError(f"target_class_ids must be class numbers below {num_classes}, got {self._targets}.")
        self._classes, self._ignored, self._axis, self._threshold = num_classes, ignore_class, axis, threshold
        self._sparse = sparse_y_true, sparse_y_pred
        super().__init__(name)

    def reset(self) -> None:
        """Forget what was seen."""
        self._counts = np.zeros((self._classes, self._classes))

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        if self._threshold is not None:
            y_pred = y_pred >= self._threshold
        true, found = (
            (y if sparse else y.argmax(axis=self._axis)).astype(np.int64)
            for y, sparse in zip((y_true, y_pred), self._sparse, strict=True)
        )
        counts = counts_of(np.zeros(found.shape), weight, mask)
        share = np.ones(found.size) if counts is None else np.trunc(counts).ravel()
        true, found = true.ravel(), found.ravel()
        kept = (true >= 0) & (true < self._classes) & (found >= 0) & (found < self._classes)
        kept &= True if self._ignored is None else true != self._ignored
        np.add.at(self._counts, (true[kept], found[kept]), share[kept])

    def result(self) -> float:
        """Return the mean of the classes that occur."""
        both = np.diag(self._counts)[self._targets]
        either = (self._counts.sum(axis=0) + self._counts.sum(axis=1))[self._targets] - both
        there = either > 1e-9
        return float((both[there] / (either[there] + EPSILON)).sum() / (there.sum() + EPSILON))
