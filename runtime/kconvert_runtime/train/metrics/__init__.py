"""Metrics with Keras' names, settings and semantics (keras/src/metrics), collected batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..losses import LOSSES, Loss
from ..losses.base import ALIASES as LOSS_ALIASES
from ..names import find, options_of
from .base import IgnoringMean, Mean, Metric
from .confusion import AUC, KINDS, AtThreshold, AtValue
from .overlap import IoU
from .scores import F1Score, FBetaScore, R2Score
from .values import ACCURACIES, RootMeanSquaredError

__all__ = ["ACCURACIES", "OTHERS", "Mean", "Metric", "chosen", "make_metric"]


def _at(best: str, where: str) -> Callable[..., Metric]:
    def make(name: str, num_thresholds: int = 200, class_id: int | None = None, **value: float) -> Metric:
        if set(value) != {where}:
            raise TypeError(f"it needs {where}, num_thresholds and class_id may be given")
        return AtValue(name, best, where, value[where], num_thresholds, class_id)

    return make


def _one_hot_iou(name: str, num_classes: int, sparse_y_pred: bool = False, **options: Any) -> Metric:
    return IoU(name, num_classes, sparse_y_true=False, sparse_y_pred=sparse_y_pred, **options)


def _binary_iou(name: str, target_class_ids: Any = (0, 1), threshold: float = 0.5) -> Metric:
    return IoU(name, 2, target_class_ids, threshold=threshold)


OTHERS: dict[str, Callable[..., Metric]] = {
    "f1_score": F1Score,
    "macro_f1": F1Score,
    "fbeta_score": FBetaScore,
    "precision": partial(AtThreshold, kind="precision"),
    "recall": partial(AtThreshold, kind="recall"),
    **{kind: partial(AtThreshold, kind=kind) for kind in KINDS},
    "auc": AUC,
    "sensitivity_at_specificity": _at("sensitivity", "specificity"),
    "specificity_at_sensitivity": _at("specificity", "sensitivity"),
    "precision_at_recall": _at("precision", "recall"),
    "recall_at_precision": _at("recall", "precision"),
    "io_u": IoU,
    "mean_io_u": IoU,
    "binary_io_u": _binary_iou,
    "one_hot_io_u": _one_hot_iou,
    "one_hot_mean_io_u": _one_hot_iou,
    "r2_score": R2Score,
    "root_mean_squared_error": RootMeanSquaredError,
}
ALIASES = {
    **{name.replace("_", ""): name for name in (*ACCURACIES, *OTHERS)},
    "rmse": "root_mean_squared_error", "f1": "f1_score", "logcosherror": "log_cosh",
}  # fmt: skip


def make_metric(name: str, y_true: Array, y_pred: Array, **options: Any) -> Metric:
    """Return a metric by Keras' name; 'accuracy' and 'crossentropy' are chosen by the shapes, as Keras does.

    Every loss is a metric, too. Raises InputError for an unknown name or setting.
    """
    given = name
    short = {"acc": "accuracy", "accuracy": "accuracy", "ce": "crossentropy", "crossentropy": "crossentropy"}
    name = chosen(y_true, y_pred, short[name.lower()]) if name.lower() in short else name
    table: Mapping[str, Any] = {**LOSSES, **ACCURACIES, **OTHERS}
    key = find(name, table, {**LOSS_ALIASES, **ALIASES}, "metric")
    if key in OTHERS:
        try:
            return OTHERS[key](name=given, **options)
        except TypeError as error:
            raise InputError(f"The metric {key} does not take these settings: {error}.") from error
    if key in ACCURACIES:
        filled = options_of(ACCURACIES[key], options, f"The metric {key}")
        return Mean(given, lambda y_true, y_pred: ACCURACIES[key](y_true, y_pred, **filled))
    found = Loss(key, **options)
    if found.options.get("ignore_class") is not None:
        return IgnoringMean(given, lambda y_true, y_pred: _loss_values(found, y_true, y_pred), options["ignore_class"])
    return Mean(given, lambda y_true, y_pred: _loss_values(found, y_true, y_pred))


def chosen(y_true: Array, y_pred: Array, what: str) -> str:
    """Return the binary, sparse or categorical form of 'accuracy' or 'crossentropy' for these shapes."""
    if y_pred.shape[-1] == 1:
        return f"binary_{what}"
    sparse = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
    return f"sparse_categorical_{what}" if sparse else f"categorical_{what}"


def _loss_values(found: Loss, y_true: Array, y_pred: Array) -> Array:
    return found.function(*found._aligned(y_true, y_pred), **found.options)[0]
