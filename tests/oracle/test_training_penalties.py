"""Penalties, masks of outputs and several outputs, beside Keras; and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_runtime.train import fit
from kconvert_schemas import InputError
from tests.oracle.test_training import BATCH, agree, both

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


def test_penalties(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(4)
    layers, rng = keras.layers, np.random.default_rng(0)
    frozen = layers.Dense(4, kernel_regularizer="l2", name="frozen")
    frozen.trainable = False
    model = keras.Sequential([
        keras.Input((5,)), layers.Dense(6, "tanh", kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02)), frozen,
        layers.ActivityRegularization(l1=0.01, l2=0.1),
        layers.Dense(2, bias_regularizer="l1", activity_regularizer=keras.regularizers.L2(0.05)),
    ])  # fmt: skip
    x, y = rng.normal(size=(40 * BATCH + 5, 5)).astype("f"), rng.normal(size=(40 * BATCH + 5, 2)).astype("f")
    agree(both(model, tmp_path, x, y, "adam", "adam", loss="mse", validation_data=(x[:20], y[:20])))


def test_masks_weights_and_several_outputs(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(5)
    layers, rng = keras.layers, np.random.default_rng(1)
    ids = keras.Input((6,), dtype="int32", name="ids")
    x = layers.LSTM(5, return_sequences=True)(layers.Embedding(9, 4, mask_zero=True)(ids))
    tags = layers.Dense(3, "softmax", name="tags")(x)
    whole = layers.Dense(1, name="whole")(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(ids, {"tags": tags, "whole": whole})
    given = rng.integers(1, 9, size=(20 * BATCH, 6))
    given[np.arange(6) >= rng.integers(1, 7, size=(len(given), 1))] = 0
    labels = {"tags": rng.integers(0, 3, size=given.shape), "whole": rng.normal(size=(len(given), 1)).astype("f")}
    agree(
        both(
            model, tmp_path, given, labels, "adam", "adam",
            loss={"tags": "sparse_categorical_crossentropy", "whole": "huber"},
            loss_weights={"tags": 2.0, "whole": 0.5}, metrics={"tags": ["accuracy"], "whole": ["mae"]},
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda layers: layers.Dense(2, kernel_constraint="max_norm"), "changes weights after each step"),
        (lambda layers: layers.Dense(2, kernel_regularizer="orthogonal_regularizer"), "neither l1 nor l2"),
        (lambda layers: layers.SimpleRNN(2, dropout=0.1), "drops elements"),
        (lambda layers: layers.Bidirectional(layers.LSTM(2, kernel_regularizer="l2")), "has a regularizer"),
    ],
)
def test_layers_that_are_refused(make: Any, reason: str, tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((3, 2)), make(keras.layers)])
    kconvert.convert(model, tmp_path / "out")
    loaded = kconvert.load(tmp_path / "out")
    x = np.zeros((4, 3, 2), "f")
    with pytest.raises(InputError, match=reason):
        fit(loaded, x, loaded(x), loss="mse")
