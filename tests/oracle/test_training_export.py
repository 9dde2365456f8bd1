"""Models trained here and written back: Keras loads the file and gives what the trained bundle gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert.export import export
from kconvert_runtime.train import fit, save
from tests.compare import relative_error
from tests.oracle.test_export import attention, images, sequences

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


def wrapped(keras: Any) -> Any:
    """Layers within others: constrained, regularised, spectrally normalised, with dropout; a shared nested model."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((6, 4)), layers.Conv1D(4, 3, padding="same"), layers.BatchNormalization()])
    start = keras.Input((6, 4))
    y = inner(inner(start))
    y = layers.TimeDistributed(layers.Dense(5, kernel_constraint="max_norm"))(y)
    y = layers.Bidirectional(layers.LSTM(3, recurrent_regularizer="l2", dropout=0.2, return_sequences=True))(y)
    y = layers.RNN([layers.GRUCell(4, recurrent_dropout=0.2), layers.LSTMCell(3)])(y)
    y = layers.Dropout(0.2)(y)
    return keras.Model(start, layers.SpectralNormalization(layers.Dense(2), power_iterations=2)(y))


def frozen(keras: Any) -> Any:
    layers = keras.layers
    fixed = [layers.Dense(5, name="fixed"), layers.BatchNormalization(name="norm")]
    for layer in fixed:
        layer.trainable = False
    return keras.Sequential([keras.Input((4,)), *fixed, layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)])


def plain(keras: Any) -> Any:
    """What HDF5 files of layers can hold, too."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(),
        layers.Flatten(), layers.Dense(3, "softmax"),
    ])  # fmt: skip


MODELS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...], str]] = {
    "images": (images, (24, 8, 8, 3), "m.keras"),
    "sequences": (sequences, (24, 6), "m.keras"),
    "attention": (attention, (24, 5, 6), "m.keras"),
    "wrapped": (wrapped, (24, 6, 4), "m.keras"),
    "frozen": (frozen, (24, 4), "m.keras"),
    "plain h5": (plain, (24, 8, 8, 3), "m.h5"),
    "wrapped h5": (wrapped, (24, 6, 4), "m.h5"),
    "plain weights": (plain, (24, 8, 8, 3), "m.weights.h5"),
    "sequences weights": (sequences, (24, 6), "m.weights.h5"),
}


@pytest.mark.parametrize("name", MODELS)
def test_back_to_keras(name: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    make, shape, file = MODELS[name]
    model, rng = make(keras), np.random.default_rng(0)
    x = rng.integers(1, 9, shape) if len(shape) == 2 and name.startswith("seq") else rng.normal(size=shape).astype("f")
    path, config = tmp_path / file, None
    if file.endswith(".weights.h5"):
        model.save_weights(path)
        config = tmp_path / "config.json"
        config.write_text(model.to_json())
    else:
        model.save(path)
    kconvert.convert(path, tmp_path / "out", config=config) if config else kconvert.convert(path, tmp_path / "out")
    loaded = kconvert.load(tmp_path / "out")
    y = rng.normal(size=loaded(x).shape).astype("f")
    found = fit(loaded, x, y, loss="mse", optimizer="adam:learning_rate=0.01", epochs=3, batch_size=8, seed=2)
    save(found.model, tmp_path / "tuned")
    ending = file.removeprefix("m")
    done = export(tmp_path / "tuned", path, tmp_path / f"tuned{ending}", config=config)
    assert done.changed
    if config is not None:
        again = make(keras)
        again.load_weights(tmp_path / f"tuned{ending}")
    else:
        again = keras.models.load_model(tmp_path / f"tuned{ending}")
    assert relative_error(found.model(x), again.predict(x, verbose=0)) < 1e-5
    assert relative_error(loaded(x), again.predict(x, verbose=0)) > 1e-3
