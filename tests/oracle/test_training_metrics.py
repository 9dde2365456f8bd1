"""Every metric with its settings beside Keras, over several batches, with sample weights and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kconvert_runtime.train import make_metric

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
ROWS, CLASSES = 24, 4
Data = Callable[[Any], tuple[Any, Any]]


def one_hot(rng: Any) -> tuple[Any, Any]:
    return np.eye(CLASSES, dtype="f")[rng.integers(0, CLASSES, ROWS)], rng.dirichlet([1] * CLASSES, ROWS).astype("f")


def classes(rng: Any) -> tuple[Any, Any]:
    return rng.integers(0, CLASSES, ROWS), rng.dirichlet([1] * CLASSES, ROWS).astype("f")


def bits(rng: Any) -> tuple[Any, Any]:
    return rng.integers(0, 2, (ROWS, 1)).astype("f"), rng.uniform(size=(ROWS, 1)).astype("f")


def many(rng: Any) -> tuple[Any, Any]:
    return rng.integers(0, 2, (ROWS, CLASSES)).astype("f"), rng.uniform(size=(ROWS, CLASSES)).astype("f")


def logits(rng: Any) -> tuple[Any, Any]:
    return many(rng)[0], rng.normal(size=(ROWS, CLASSES)).astype("f")


def numbers(rng: Any) -> tuple[Any, Any]:
    x = rng.normal(size=(ROWS, 3))
    return x.astype("f"), (x + rng.normal(size=x.shape)).astype("f")


def positive(rng: Any) -> tuple[Any, Any]:
    return tuple(np.abs(y) + np.float32(0.1) for y in numbers(rng))  # type: ignore[return-value]


def whole(rng: Any) -> tuple[Any, Any]:
    return tuple(rng.integers(0, CLASSES, (ROWS, 5)) for _ in range(2))  # type: ignore[return-value]


CASES: list[tuple[str, dict[str, Any], Data]] = [
    ("BinaryAccuracy", {}, many),
    ("BinaryAccuracy", {"threshold": 0.3}, bits),
    ("CategoricalAccuracy", {}, one_hot),
    ("SparseCategoricalAccuracy", {}, classes),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, classes),
    ("CosineSimilarity", {}, numbers),
    ("PearsonCorrelation", {}, numbers),
    ("ConcordanceCorrelation", {}, numbers),
    ("MeanSquaredError", {}, numbers),
    ("MeanAbsoluteError", {}, numbers),
    ("MeanAbsolutePercentageError", {}, positive),
    ("MeanSquaredLogarithmicError", {}, positive),
    ("RootMeanSquaredError", {}, numbers),
    ("LogCoshError", {}, numbers),
    ("Poisson", {}, positive),
    ("KLDivergence", {}, one_hot),
    ("Hinge", {}, logits),
    ("SquaredHinge", {}, logits),
    ("CategoricalHinge", {}, one_hot),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, many),
    ("BinaryCrossentropy", {"from_logits": True}, logits),
    ("CategoricalCrossentropy", {}, one_hot),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, one_hot),
    ("SparseCategoricalCrossentropy", {}, classes),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, classes),
    ("R2Score", {}, numbers),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, numbers),
    *(("F1Score", {"average": average}, one_hot) for average in ("macro", "micro", "weighted")),
    ("F1Score", {"average": "macro", "threshold": 0.4}, many),
    ("FBetaScore", {"average": "weighted", "beta": 2.0}, one_hot),
    ("FBetaScore", {"average": "micro", "beta": 0.5, "threshold": 0.6}, many),
    *((kind, {}, many) for kind in ("Precision", "Recall", "TruePositives", "FalseNegatives")),
    *((kind, {"thresholds": 0.3}, bits) for kind in ("Precision", "Recall", "TrueNegatives", "FalsePositives")),
    *((kind, {"top_k": 2}, one_hot) for kind in ("Precision", "Recall")),
    *((kind, {"top_k": 2, "thresholds": 0.4, "class_id": 1}, one_hot) for kind in ("Precision", "Recall")),
    *((kind, {"class_id": 3}, many) for kind in ("Precision", "Recall")),
    *(("AUC", {"curve": c, "summation_method": m}, many) for c in ("ROC", "PR") for m in
      ("interpolation", "minoring", "majoring")),
    ("AUC", {"curve": "PRGAIN"}, many),
    ("AUC", {"num_thresholds": 7}, bits),
    ("AUC", {"thresholds": (0.2, 0.5, 0.6)}, many),
    ("AUC", {"from_logits": True}, logits),
    ("AUC", {"multi_label": True}, many),
    ("AUC", {"multi_label": True, "curve": "PR", "label_weights": (1.0, 2.0, 0.5, 1.0)}, many),
    ("AUC", {"label_weights": (1.0, 2.0, 0.5, 1.0)}, many),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, bits),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "num_thresholds": 20}, many),
    ("PrecisionAtRecall", {"recall": 0.4, "class_id": 2}, many),
    ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 1}, many),
    ("RecallAtPrecision", {"precision": 0.55}, many),
    ("IoU", {"num_classes": 4, "target_class_ids": (0, 2)}, whole),
    ("IoU", {"num_classes": 4, "target_class_ids": (1,), "sparse_y_pred": False}, classes),
    ("MeanIoU", {"num_classes": 4, "ignore_class": 1}, whole),
    ("MeanIoU", {"num_classes": 4, "sparse_y_true": False, "sparse_y_pred": False}, one_hot),
    ("BinaryIoU", {"threshold": 0.4}, bits),
    ("BinaryIoU", {"target_class_ids": (1,)}, many),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": (0, 3)}, one_hot),
    ("OneHotMeanIoU", {"num_classes": 4}, one_hot),
]  # fmt: skip


def called(value: object) -> str:
    """A name that is the same in every process."""
    return str(getattr(value, "__name__", value))[:70]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "options", "make"), CASES, ids=called)
def test_metrics(name: str, options: dict[str, Any], make: Data, weighted: bool) -> None:
    """Three batches; weights by row, whole numbers for the metrics that make them so."""
    import keras

    rng = np.random.default_rng(0)
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    theirs = getattr(keras.metrics, name)(**given)
    ours = None
    for _ in range(3):
        y_true, y_pred = make(rng)
        weight = rng.integers(1, 4, len(y_true)).astype("f") if weighted else None
        if weight is not None and make in (whole, many) and "IoU" in name:  # Keras takes one for each element
            weight = np.repeat(weight, y_true.shape[1]).reshape(y_true.shape)
        ours = make_metric(name, y_true, y_pred, **options) if ours is None else ours
        ours.update(y_true, y_pred, weight)
        theirs.update_state(y_true, y_pred, sample_weight=weight)
    assert ours is not None
    assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-5, abs=1e-6)
    ours.reset()
    ours.update(*make(rng))
    assert np.isfinite(ours.result())


def test_every_metric_is_here() -> None:
    """All of Keras' but Mean and Sum, which take no labels, and what others are made of; by their classes' names.

    Accuracy, as in `compile`, stands for one of three others.
    """
    from keras.src import metrics

    theirs = {kind.__name__ for kind in metrics.ALL_OBJECTS}
    without = {"Mean", "Sum", "Metric", "MeanMetricWrapper", "Accuracy"}
    assert theirs - without == {name for name, _, _ in CASES}
