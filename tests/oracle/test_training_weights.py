"""Weights of rows, classes and outputs, and masks of the model, beside Keras: losses and metrics of each epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracle.test_training import BATCH, agree, both

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
ROWS = 20 * BATCH


def classifier(keras: Any, classes: int) -> Any:
    keras.utils.set_random_seed(1)
    last = keras.layers.Dense(classes, "softmax" if classes > 1 else "sigmoid")
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), last])


def data(classes: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    return rng.normal(size=(ROWS, 6)).astype("f"), rng.integers(0, max(classes, 2), ROWS)


LOSSES = [("sparse_categorical_crossentropy", 3), ("categorical_crossentropy", 3), ("binary_crossentropy", 1)]


@pytest.mark.parametrize("weights", ["sample", "class", "none"])
@pytest.mark.parametrize(("loss", "classes"), LOSSES)
def test_weights(loss: str, classes: int, weights: str, tmp_path: Path) -> None:
    import keras

    (x, y), rng = data(classes), np.random.default_rng(3)
    labels = np.eye(3, dtype="f")[y] if loss.startswith("categorical") else y[:, None] if classes == 1 else y
    options: dict[str, Any] = {
        "sample": {"sample_weight": rng.uniform(0, 2, ROWS).astype("f")},
        "class": {"class_weight": {0: 0.5, 1: 3.0}},
        "none": {},
    }[weights]
    held = (x[:40], labels[:40], *((options["sample_weight"][:40],) if weights == "sample" else ()))
    agree(
        both(
            classifier(keras, classes), tmp_path, x, labels, "adam", "adam", loss=loss, metrics=["accuracy"],
            weighted_metrics=["accuracy"] if weights == "none" else ["mse"] if classes == 1 else [loss],
            validation_data=held, **options,
        )
    )  # fmt: skip


@pytest.mark.parametrize("form", ["list", "dict"])
def test_several_outputs(form: str, tmp_path: Path) -> None:
    """Losses, weights of losses, metrics and weights of rows for each output."""
    import keras

    keras.utils.set_random_seed(4)
    layers, rng = keras.layers, np.random.default_rng(5)
    start = keras.Input((6,))
    y = layers.Dense(7, "tanh")(start)
    ends = [layers.Dense(2, name="number")(y), layers.Dense(3, "softmax", name="kind")(y)]
    model = keras.Model(start, ends if form == "list" else {"number": ends[0], "kind": ends[1]})
    x = rng.normal(size=(ROWS, 6)).astype("f")
    labels = [rng.normal(size=(ROWS, 2)).astype("f"), rng.integers(0, 3, ROWS)]
    weights = [rng.uniform(0, 2, ROWS).astype("f"), rng.uniform(0, 1, ROWS).astype("f")]

    def formed(values: list[Any]) -> Any:
        return values if form == "list" else dict(zip(("number", "kind"), values, strict=True))

    agree(
        both(
            model, tmp_path, x, formed(labels), "sgd", "sgd",
            loss=formed(["huber", "sparse_categorical_crossentropy"]), loss_weights=formed([0.3, 2.0]),
            metrics=formed([["mae"], ["accuracy"]]), sample_weight=formed(weights),
        )
    )  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
def test_masks_of_the_model(weighted: bool, tmp_path: Path) -> None:
    """Masked steps count neither in losses nor in means; weights of steps come on top."""
    import keras

    keras.utils.set_random_seed(6)
    layers, rng = keras.layers, np.random.default_rng(7)
    model = keras.Sequential([
        keras.Input((6,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True),
        layers.GRU(5, return_sequences=True), layers.Dense(3, "softmax"),
    ])  # fmt: skip
    x = rng.integers(1, 9, size=(ROWS, 6))
    x[np.arange(6) >= rng.integers(1, 7, size=(ROWS, 1))] = 0
    y = rng.integers(0, 3, size=x.shape)
    options = {"sample_weight": rng.uniform(0, 2, x.shape).astype("f")} if weighted else {}
    metrics = {"weighted_metrics": ["accuracy"]} if weighted else {"metrics": ["accuracy"]}
    loss = "sparse_categorical_crossentropy"
    agree(
        both(model, tmp_path, x, y, "adam", "adam", loss=loss, validation_data=(x[:30], y[:30]), **metrics, **options)
    )
