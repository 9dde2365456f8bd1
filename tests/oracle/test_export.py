"""Keras loads what `kbundle export` writes, and gives what the bundle gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert.export import export
from kconvert_schemas import read_bundle, write_bundle
from tests.compare import flatten, relative_error

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


def images(keras: Any) -> Any:
    """Convolutions of several kinds, batch normalisation with its averages, a shared layer."""
    layers = keras.layers
    start = keras.Input((8, 8, 3))
    shared = layers.Conv2D(4, 3, padding="same")
    y = shared(layers.Conv2D(4, 3, padding="same")(start))
    y = layers.BatchNormalization()(layers.add([shared(y), y]))
    y = layers.SeparableConv2D(5, 3)(layers.DepthwiseConv2D(2)(y))
    y = layers.Conv2DTranspose(3, 2, strides=2)(layers.GroupNormalization(1)(y))
    return keras.Model(start, layers.Dense(2)(layers.Flatten()(y)))


def sequences(keras: Any) -> Any:
    """Every recurrent kind, in both directions, stacked cells."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.GRU(3, return_sequences=True),
            layers.GRU(4, return_sequences=True, reset_after=False),
            layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True),
            layers.SimpleRNN(3),
        ]
    )


def attention(keras: Any) -> Any:
    """Attention, layer normalisation, EinsumDense; a nested model that is used twice."""
    layers = keras.layers
    inner = keras.Input((5, 6))
    y = layers.MultiHeadAttention(2, 3)(inner, inner)
    block = keras.Model(
        inner, layers.LayerNormalization()(layers.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d")(y)), name="block"
    )
    start = keras.Input((5, 6))
    return keras.Model(start, block(block(start)))


def dense(keras: Any, dtype: str) -> Any:
    """A Sequential model in a model, with weights of 16 bits."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(5, dtype=dtype), layers.PReLU(dtype=dtype)])
    return keras.Sequential([keras.Input((4,)), inner, layers.Dense(2, dtype=dtype)])


MODELS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "images": (images, (2, 8, 8, 3)),
    "sequences": (sequences, (3, 6)),
    "attention": (attention, (2, 5, 6)),
    "float16": (lambda keras: dense(keras, "float16"), (3, 4)),
    "bfloat16": (lambda keras: dense(keras, "bfloat16"), (3, 4)),
    "mixed_bfloat16": (lambda keras: dense(keras, "mixed_bfloat16"), (3, 4)),
}


def retrained(bundle: Path) -> Any:
    """Change every float weight of a bundle as training might; returns the bundle, loaded."""
    rng = np.random.default_rng(3)
    graph, weights = read_bundle(bundle)
    new = {}
    for name, array in weights.items():
        moved = np.abs(array * rng.uniform(0.5, 1.5, array.shape) + rng.uniform(0.0, 0.2, array.shape))
        new[name] = (moved if "variance" in name else moved * rng.choice([-1, 1], array.shape)).astype(array.dtype)
        if graph.weights[name].type.dtype == "bfloat16":
            new[name] = (new[name].view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    write_bundle(bundle, graph, lambda name: new[name])
    return kconvert.load(bundle)


def compare(loaded: Any, model: Any, shape: tuple[int, ...], tolerance: float) -> None:
    rng = np.random.default_rng(4)
    x = (
        rng.integers(0, 9, shape).astype("int32")
        if len(shape) == 2 and shape[1] == 6
        else rng.normal(size=shape).astype("f")
    )
    expected = [np.asarray(y, np.float32) for y in flatten(loaded(x, training=False))]
    for mine, theirs in zip(flatten(model(x)), expected, strict=True):
        assert relative_error(mine.astype(np.float32), theirs) < tolerance


FILES = [(name, ending) for name in MODELS for ending in (".keras", ".h5") if (name, ending) != ("bfloat16", ".h5")]
"""Keras cannot write bfloat16 to a .h5 file: h5py has no cast to it."""


@pytest.mark.parametrize(("name", "ending"), FILES)
def test_keras_loads_it(name: str, ending: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    keras.utils.set_random_seed(7)
    build, shape = MODELS[name]
    original = build(keras)
    original.compile("adam", "mse")
    file, tuned = tmp_path / f"model{ending}", tmp_path / f"tuned{ending}"
    original.save(file)
    kconvert.convert(file, tmp_path / "out")
    tolerance = 2e-2 if "16" in name else 1e-4
    model = retrained(tmp_path / "out")
    export(tmp_path / "out", file, tuned)
    loaded = keras.models.load_model(tuned, compile=False)
    compare(loaded, model, shape, tolerance)


def test_weights_alone(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    original = attention(keras)
    (tmp_path / "model.json").write_text(original.to_json())
    original.save_weights(tmp_path / "model.weights.h5")
    pair = f"{tmp_path / 'model.json'}+{tmp_path / 'model.weights.h5'}"
    kconvert.convert(pair, tmp_path / "out")
    model = retrained(tmp_path / "out")
    export(tmp_path / "out", pair, tmp_path / "tuned.weights.h5")
    original.load_weights(tmp_path / "tuned.weights.h5")
    compare(original, model, (2, 5, 6), 1e-4)


def test_keras_2(tmp_path: Path) -> None:
    keras = pytest.importorskip("tf_keras", reason="needs the dependency group 'oracle'")
    original = sequences(keras)
    original.save(tmp_path / "model.h5")
    kconvert.convert(tmp_path / "model.h5", tmp_path / "out")
    model = retrained(tmp_path / "out")
    export(tmp_path / "out", tmp_path / "model.h5", tmp_path / "tuned.h5")
    compare(keras.models.load_model(tmp_path / "tuned.h5"), model, (3, 6), 1e-4)
