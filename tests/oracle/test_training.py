"""Training beside Keras: the same batches in the same order give the same losses, metrics and weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_runtime.train import Callback, fit

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
STEPS, BATCH = 100, 16


class Losses(Callback):
    def __init__(self) -> None:
        self.values: list[float] = []

    def on_batch_end(self, training: Any, batch: int, logs: Any) -> None:
        self.values.append(logs["loss"])


def both(model: Any, folder: Path, x: Any, y: Any, optimizer: Any, ours: str, **options: Any) -> tuple[Any, ...]:
    """Train twice; returns the curves of the mean loss, the histories, and the trained Keras and kconvert models."""
    import keras

    class Recorded(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            theirs.append(logs["loss"])

    theirs: list[float] = []
    kconvert.convert(model, folder / "out")
    fitted = {
        name: options.pop(name) for name in ("sample_weight", "class_weight", "validation_data") if name in options
    }
    rows = len(next(iter(x.values())) if isinstance(x, dict) else x[0] if isinstance(x, list) else x)
    batch = options.pop("batch_size", min(BATCH, rows))
    recorder = Losses()
    plain = {key: value[1] if isinstance(value, tuple) else value for key, value in options.items()}
    found = fit(
        kconvert.load(folder / "out"), x, y, optimizer=ours, batch_size=batch, shuffle=False, callbacks=[recorder],
        **plain, **fitted,
    )  # fmt: skip
    theirs_options = {key: value[0] if isinstance(value, tuple) else value for key, value in options.items()}
    model.compile(optimizer=optimizer, **theirs_options)
    history = model.fit(x, y, batch_size=batch, shuffle=False, verbose=0, callbacks=[Recorded()], **fitted)
    return np.array(recorder.values), np.array(theirs), found, history.history


def agree(result: tuple[Any, ...], tolerance: float = 1e-4) -> None:
    ours, theirs, found, history = result
    assert len(ours) == len(theirs) > 0
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    assert found.history.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-3, atol=1e-3, err_msg=name)


def mlp(keras: Any) -> tuple[Any, Any, Any, str]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * BATCH, 10)).astype("f")
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(3, "softmax")])
    return model, x, (x @ rng.normal(size=(10, 3))).argmax(-1), "sparse_categorical_crossentropy"


def cnn(keras: Any) -> tuple[Any, Any, Any, str]:
    """No bias before batch normalisation: its gradient is 0 but for rounding, which Adam makes as large as others."""
    rng, layers = np.random.default_rng(1), keras.layers
    x = rng.normal(size=(STEPS * BATCH, 8, 8, 3)).astype("f")
    model = keras.Sequential([
        keras.Input((8, 8, 3)),
        layers.Conv2D(8, 3, padding="same", use_bias=False), layers.BatchNormalization(momentum=0.9),
        layers.ReLU(), layers.MaxPooling2D(),
        layers.Conv2D(8, 3, strides=2, use_bias=False), layers.BatchNormalization(scale=False),
        layers.Activation("relu"), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax"),
    ])  # fmt: skip
    labels = np.eye(3)[(x.mean((1, 2)) @ rng.normal(size=(3, 3))).argmax(-1)]
    return model, x, labels, "categorical_crossentropy"


def lstm(keras: Any) -> tuple[Any, Any, Any, str]:
    rng, layers = np.random.default_rng(2), keras.layers
    x = rng.integers(1, 30, size=(STEPS * BATCH, 12))
    x[np.arange(12) >= rng.integers(1, 13, size=(len(x), 1))] = 0
    model = keras.Sequential([
        keras.Input((12,), dtype="int32"), layers.Embedding(30, 8, mask_zero=True),
        layers.Bidirectional(layers.LSTM(8)), layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    return model, x, (x.sum(-1) > 90).astype("f"), "binary_crossentropy"


@pytest.mark.parametrize("network", [mlp, cnn, lstm])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_loss_curves(network: Callable[..., Any], optimizer: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model, x, y, loss = network(keras)
    result = both(
        model, tmp_path, x, y, optimizer, optimizer, loss=loss, metrics=["accuracy"],
        validation_data=(x[:50], y[:50]),
    )  # fmt: skip
    assert len(result[0]) == STEPS
    agree(result)
    np.testing.assert_allclose(result[2].model(x[:50]), model.predict(x[:50], verbose=0), rtol=1e-3, atol=1e-4)


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"clipnorm": 0.1}),
    ("SGD", {"clipvalue": 0.01}),
    ("SGD", {"global_clipnorm": 0.1}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"amsgrad": True, "beta_1": 0.8, "epsilon": 1e-3}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "learning_rate": 0.01}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 0.1}),
    ("Lion", {}),
]


def written(name: str, options: dict[str, Any]) -> str:
    return name + ":" * bool(options) + ",".join(f"{key}={value}" for key, value in options.items())


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=str)
def test_optimizers(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    """On a table and a dense layer: rows of the table are read several times in a batch."""
    import keras

    keras.utils.set_random_seed(2)
    rng = np.random.default_rng(3)
    x = rng.integers(0, 7, size=(30 * BATCH, 5))
    y = rng.normal(size=(len(x), 2)).astype("f")
    model = keras.Sequential(
        [keras.Input((5,), dtype="int32"), keras.layers.Embedding(9, 4), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    agree(both(model, tmp_path, x, y, getattr(keras.optimizers, name)(**options), written(name, options), loss="mse"))
