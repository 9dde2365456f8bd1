"""What metrics are, the mean of a value for each row, and how labels, weights and masks are brought together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kconvert_schemas.dtypes import Array


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
        counts = counts_of(values, weight, mask)
        if counts is None:
            rows = values.mean(axis=tuple(range(1, values.ndim))) if values.ndim > 1 else values
            self._total, self._count = self._total + float(rows.sum()), self._count + rows.size
            return
        self._total += float((values * counts).sum()) / inner(values)
        self._count += float(counts.sum()) / inner(values)

    def result(self) -> float:
        """Return the mean."""
        return self._total / self._count if self._count else 0.0


class IgnoringMean(Mean):
    """The mean of values, 0 for those of an ignored class, which do not count either where there are weights."""

    def __init__(self, name: str, values: Callable[[Array, Array], Array], ignored: int) -> None:
        self._ignored = ignored
        super().__init__(name, values)

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None, mask: Array | None = None) -> None:
        """Take in a batch."""
        kept = numbers(y_true, y_pred) != self._ignored
        if weight is not None:
            mask = kept if mask is None else kept & mask.reshape(kept.shape)
        super().update(y_true, y_pred, weight, mask)


def counts_of(values: Array, weight: Array | None, mask: Array | None) -> Array | None:
    """Return what each value counts for; None for 1."""
    counts: Array | None = None
    for part in (mask, weight):
        if part is not None:
            part = part[..., 0] if part.ndim == values.ndim + 1 else part
            part = np.broadcast_to(part.reshape(part.shape + (1,) * (values.ndim - part.ndim)), values.shape)
            counts = part.astype(np.float64) if counts is None else counts * part
    return counts


def inner(values: Array) -> int:
    return max(int(np.prod(values.shape[1:])), 1)


def paired(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    return y_true, y_pred


def numbers(y_true: Array, y_pred: Array) -> Array:
    return y_true[..., 0] if y_true.ndim == y_pred.ndim else y_true
