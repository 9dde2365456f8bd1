"""Every loss with every setting beside Keras: values, and gradients, with weights, masks and each reduction."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from kconvert_runtime.train import Loss
from kconvert_runtime.train.losses import LOSSES

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
SHAPE = (5, 4, 3)
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


def numbers(rng: Any) -> tuple[Any, Any]:
    return rng.normal(size=SHAPE).astype("f"), rng.normal(size=SHAPE).astype("f")


def positive(rng: Any) -> tuple[Any, Any]:
    return rng.uniform(0.05, 3, SHAPE).astype("f"), rng.uniform(0.05, 3, SHAPE).astype("f")


def shares(rng: Any) -> tuple[Any, Any]:
    y_true, y_pred = rng.uniform(0.05, 1, SHAPE), rng.uniform(0.05, 1, SHAPE)
    return tuple((y / y.sum(-1, keepdims=True)).astype("f") for y in (y_true, y_pred))  # type: ignore[return-value]


def one_hot(rng: Any) -> tuple[Any, Any]:
    return np.eye(3, dtype="f")[rng.integers(0, 3, SHAPE[:2])], rng.uniform(0.02, 0.98, SHAPE).astype("f")


def bits(rng: Any) -> tuple[Any, Any]:
    return rng.integers(0, 2, SHAPE).astype("f"), rng.uniform(0.02, 0.98, SHAPE).astype("f")


def classes(rng: Any) -> tuple[Any, Any]:
    return rng.integers(0, 3, SHAPE[:2]), shares(rng)[1]


def signed(rng: Any) -> tuple[Any, Any]:
    return rng.choice([-1, 1], SHAPE).astype("f"), rng.normal(size=SHAPE).astype("f")


def logits(make: Any) -> Any:
    return lambda rng: (make(rng)[0], rng.normal(size=SHAPE).astype("f") * 3)


CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("mean_squared_error", {}, numbers),
    ("mean_absolute_error", {}, numbers),
    ("mean_absolute_percentage_error", {}, numbers),
    ("mean_squared_logarithmic_error", {}, positive),
    ("huber", {}, numbers),
    ("huber", {"delta": 0.4}, numbers),
    ("log_cosh", {}, numbers),
    ("poisson", {}, positive),
    ("cosine_similarity", {}, numbers),
    ("cosine_similarity", {"axis": 1}, numbers),
    ("binary_crossentropy", {}, bits),
    ("binary_crossentropy", {"label_smoothing": 0.2, "axis": 1}, bits),
    ("binary_crossentropy", {"from_logits": True, "label_smoothing": 0.1}, logits(bits)),
    ("binary_focal_crossentropy", {}, bits),
    ("binary_focal_crossentropy", {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5}, bits),
    ("binary_focal_crossentropy", {"from_logits": True, "label_smoothing": 0.1, "axis": 1}, logits(bits)),
    ("categorical_crossentropy", {}, one_hot),
    ("categorical_crossentropy", {"label_smoothing": 0.2}, shares),
    ("categorical_crossentropy", {"axis": 1}, one_hot),
    ("categorical_crossentropy", {"from_logits": True, "axis": 1}, logits(one_hot)),
    ("categorical_crossentropy", {"from_logits": True, "label_smoothing": 0.1}, logits(one_hot)),
    ("categorical_focal_crossentropy", {}, one_hot),
    ("categorical_focal_crossentropy", {"alpha": 0.7, "gamma": 3.0, "label_smoothing": 0.1, "axis": 1}, one_hot),
    ("categorical_focal_crossentropy", {"from_logits": True}, logits(one_hot)),
    ("sparse_categorical_crossentropy", {}, classes),
    ("sparse_categorical_crossentropy", {"ignore_class": 1}, classes),
    ("sparse_categorical_crossentropy", {"ignore_class": -1}, classes),
    ("sparse_categorical_crossentropy", {"from_logits": True, "ignore_class": 0}, logits(classes)),
    ("kl_divergence", {}, shares),
    ("hinge", {}, signed),
    ("hinge", {}, bits),
    ("squared_hinge", {}, signed),
    ("categorical_hinge", {}, one_hot),
    ("dice", {}, bits),
    ("dice", {"axis": (1, 2)}, bits),
    ("tversky", {}, bits),
    ("tversky", {"alpha": 0.3, "beta": 0.8, "axis": (1, 2)}, bits),
]
"""Name, settings, what makes labels and predictions."""


def test_every_loss_is_here() -> None:
    assert {name for name, _, _ in CASES} == set(LOSSES)
    from keras.src import losses

    theirs = {f.__name__ for f in losses.ALL_OBJECTS if f.__name__[0].islower()}
    assert theirs - set(LOSSES) == {"ctc", "circle"}


def keras_loss(name: str, options: dict[str, Any]) -> Any:
    import keras

    kinds = {kind.lower(): kind for kind in dir(keras.losses) if kind[0].isupper()}
    return getattr(keras.losses, kinds[name.replace("_", "")])(**options)


def extras(name: str, options: dict[str, Any], rng: Any) -> Any:
    """Sample weights and masks of every form that goes with the values of the loss."""
    if name in ("dice", "tversky"):
        return [({}, None, None)] if "axis" not in options else [({}, None, None), ({}, rng.uniform(size=5), None)]
    values = SHAPE[:1] + SHAPE[2:] if options.get("axis") == 1 else SHAPE[:2]
    weights = [None, rng.uniform(size=(SHAPE[0], 1)), rng.uniform(size=values)]
    masks = [None, rng.integers(0, 2, values).astype(bool), np.zeros(values, bool)]
    return [({}, w, m) for w, m in product(weights, masks)]


def called(value: object) -> str:
    """A name that is the same in every process."""
    return str(getattr(value, "__name__", value))


@pytest.mark.parametrize("reduction", REDUCTIONS[:4])
@pytest.mark.parametrize(("name", "options", "make"), CASES, ids=called)
def test_values_and_gradients(name: str, options: dict[str, Any], make: Any, reduction: str) -> None:
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(0)
    y_true, y_pred = make(rng)
    ours, theirs = Loss(name, reduction=reduction, **options), keras_loss(name, {**options, "reduction": reduction})
    for _, weight, mask in extras(name, options, rng):
        weight = None if weight is None else weight.astype("f")
        variable = tf.Variable(y_pred)
        with tf.GradientTape() as tape:
            given = keras.ops.multiply(variable, 1.0)
            if mask is not None:
                keras.src.backend.set_keras_mask(given, tf.constant(mask))
            value = theirs(tf.constant(y_true), given, sample_weight=weight)
        gradient = tf.convert_to_tensor(tape.gradient(value, variable)).numpy()
        found, g = ours(y_true, y_pred, weight, mask)
        assert found == pytest.approx(float(value), rel=2e-5, abs=1e-6)
        np.testing.assert_allclose(g, gradient, rtol=2e-4, atol=1e-6)
