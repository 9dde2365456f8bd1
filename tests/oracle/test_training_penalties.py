"""Penalties, masks of outputs and several outputs, beside Keras; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
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


def trained_alike(model: Any, folder: Path, x: Any, optimizer: str = "adam") -> Any:
    """Compare the curves, and the weights at the end; returns the model trained here."""
    y = np.random.default_rng(9).normal(size=(len(x), *model.output_shape[1:])).astype("f")
    result = both(model, folder, x, y, optimizer, optimizer, loss="mse", validation_data=(x[:20], y[:20]))
    agree(result)
    found = result[2].model
    by_source = {weight.source: found.weights[name] for name, weight in found.graph.weights.items()}
    kconvert.convert(model, folder / "theirs")
    theirs = kconvert.load(folder / "theirs")
    for name, weight in theirs.graph.weights.items():
        np.testing.assert_allclose(by_source[weight.source], theirs.weights[name], rtol=1e-3, atol=2e-4, err_msg=name)
    return found


CONSTRAINTS: list[Callable[[Any], Any]] = [
    lambda c: c.MaxNorm(0.5, axis=1),
    lambda c: c.NonNeg(),
    lambda c: c.UnitNorm(axis=[0, 1]),
    lambda c: c.MinMaxNorm(0.3, 0.6, rate=0.7),
    lambda c: "max_norm",
]


@pytest.mark.parametrize("number", range(len(CONSTRAINTS)))
def test_constraints(number: int, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(6)
    layers, made = keras.layers, CONSTRAINTS[number]
    model = keras.Sequential([
        keras.Input((6, 4)),
        layers.Conv1D(3, 2, kernel_constraint=made(keras.constraints), bias_constraint="non_neg"),
        layers.SeparableConv1D(4, 2, depthwise_constraint=made(keras.constraints), pointwise_constraint="max_norm"),
        layers.LSTM(3, recurrent_constraint="unit_norm"),
        layers.Dense(2, kernel_constraint="non_neg"),
    ])  # fmt: skip
    trained_alike(model, tmp_path, np.random.default_rng(0).normal(size=(30 * BATCH, 6, 4)).astype("f"))


def wrapped(layers: Any, r: Any, model: Any) -> list[Any]:
    """Regularised layers inside others."""
    cell = layers.GRUCell(3, kernel_regularizer=r.L1(0.02), recurrent_regularizer="l2", kernel_constraint="max_norm")
    inner = [layers.Dense(3, kernel_regularizer=r.L2(0.03), activity_regularizer="l1"), layers.BatchNormalization()]
    return [
        layers.TimeDistributed(layers.Dense(4, kernel_regularizer=r.L1L2(0.01, 0.02), activity_regularizer="l2")),
        layers.Bidirectional(
            layers.LSTM(3, recurrent_regularizer=r.L2(0.05), bias_regularizer="l1", return_sequences=True)
        ),
        layers.RNN([layers.LSTMCell(4, bias_regularizer=r.L2(0.1)), cell], return_sequences=True),
        layers.DepthwiseConv1D(2, depthwise_regularizer=r.L2(0.02), depthwise_constraint="max_norm"),
        layers.SeparableConv1D(4, 2, pointwise_regularizer=r.L1(0.02), depthwise_regularizer="l2"),
        layers.Flatten(),
        model(inner),
        layers.Dense(5, kernel_regularizer=r.OrthogonalRegularizer(0.3, mode="columns")),
        layers.Dense(4, kernel_regularizer=r.OrthogonalRegularizer(0.2)),
    ]


def test_layers_within_others(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((6, 4)), *wrapped(keras.layers, keras.regularizers, keras.Sequential)])
    trained_alike(model, tmp_path, np.random.default_rng(0).normal(size=(30 * BATCH, 6, 4)).astype("f"), "sgd")


def test_batch_normalization(tmp_path: Path) -> None:
    """With a mask, frozen with weights and without, and alone."""
    import keras

    keras.utils.set_random_seed(8)
    layers, rng = keras.layers, np.random.default_rng(0)
    x = rng.normal(size=(30 * BATCH, 6, 4)).astype("f")
    x[np.arange(6) >= rng.integers(1, 7, size=(len(x), 1))] = 0
    frozen = [layers.BatchNormalization(), layers.BatchNormalization(scale=False, center=False)]
    for layer in frozen:
        layer.trainable = False
    model = keras.Sequential([
        keras.Input((6, 4)), layers.Masking(), layers.BatchNormalization(momentum=0.8), layers.Dense(3),
        layers.BatchNormalization(center=False), *frozen, layers.LSTM(3), layers.BatchNormalization(), layers.Dense(2),
    ])  # fmt: skip
    for variable in model.variables:
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    found = trained_alike(model, tmp_path, x, "sgd")
    assert len(found.graph.training.norm_masks) == 2
    assert len(found.graph.training.frozen) == 2


@pytest.mark.parametrize("masked", [False, True])
def test_batch_normalization_over_time_steps(masked: bool, tmp_path: Path) -> None:
    """TimeDistributed takes one step after another: each has its statistics, and moves the averages."""
    import keras

    keras.utils.set_random_seed(8)
    layers, rng = keras.layers, np.random.default_rng(0)
    x = rng.normal(size=(30 * BATCH, 5, 4, 3)).astype("f") * np.arange(1, 6, dtype="f")[:, None, None]
    inner = keras.Sequential([keras.Input((4, 3)), layers.Conv1D(3, 2), layers.BatchNormalization(momentum=0.8)])
    ends = [layers.Flatten(), layers.Dense(2)]
    if masked:
        x = x[:, :, 0]
        x[np.arange(5) >= rng.integers(3, 6, size=(len(x), 1))] = 0
        start = [keras.Input((5, 3)), layers.Masking(), layers.TimeDistributed(layers.BatchNormalization())]
        model = keras.Sequential([*start, layers.LSTM(3), layers.Dense(2)])
    else:
        start = [keras.Input((5, 4, 3)), layers.TimeDistributed(inner)]
        model = keras.Sequential([*start, layers.TimeDistributed(layers.BatchNormalization(scale=False)), *ends])
    found = trained_alike(model, tmp_path, x, "sgd")
    assert set(found.graph.training.norm_steps.values()) == {5}


@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_normalization(iterations: int, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(8)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((6, 4)), layers.SpectralNormalization(layers.Conv1D(5, 3), power_iterations=iterations),
        layers.Flatten(), layers.SpectralNormalization(layers.Dense(3, kernel_regularizer="l2")),
    ])  # fmt: skip
    trained_alike(model, tmp_path, np.random.default_rng(0).normal(size=(30 * BATCH, 6, 4)).astype("f"))


def own(keras: Any, base: str) -> Any:
    """A regularizer or constraint of someone's own."""
    kind = getattr(keras, base)
    parent = kind.Regularizer if base == "regularizers" else kind.Constraint

    @keras.saving.register_keras_serializable("acme")
    class Own(parent):  # type: ignore[misc, valid-type]
        def __call__(self, w: Any) -> Any:
            return keras.ops.sum(w) if base == "regularizers" else w

        def get_config(self) -> dict[str, Any]:
            return {}

    return Own()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda k: k.layers.Dense(2, kernel_constraint=own(k, "constraints")), "'Own' is none of MaxNorm, MinMaxNorm"),
        (lambda k: k.layers.Dense(2, bias_regularizer=own(k, "regularizers")), "'Own' is none of L1, L2, L1L2"),
        (lambda k: k.layers.Bidirectional(k.layers.LSTM(2, bias_regularizer=own(k, "regularizers"))), "bias_regular"),
        (lambda k: k.layers.RNN([k.layers.GRUCell(2, kernel_constraint=own(k, "constraints"))]), "kernel_constraint"),
        (lambda k: k.layers.BatchNormalization(renorm=True), "renorm=True"),
        (lambda k: k.layers.GRU(2, stateful=True), "it is stateful"),
        (lambda k: k.layers.Bidirectional(k.layers.LSTM(2, stateful=True)), "it is stateful"),
    ],
)
def test_layers_that_are_refused(make: Any, reason: str, tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input(batch_shape=(4, 3, 2)), keras.layers.Dense(2), make(keras)])
    kconvert.convert(model, tmp_path / "out")
    loaded = kconvert.load(tmp_path / "out")
    x = np.zeros((4, 3, 2), "f")
    with pytest.raises(InputError, match=reason):
        fit(loaded, x, loaded(x), loss="mse")
