"""Every container of Keras 2 and 3, for models whose weights are listed in other orders than their layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from tests.compare import flatten, relative_error

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore"),  # Keras and TensorFlow warn about themselves, and about formats
]


def frozen(keras: Any) -> Any:
    """Layers frozen one by one, and a model whose layers are trained again after it was frozen."""
    layers = keras.layers
    start = keras.Input((8, 8, 3))
    y = layers.BatchNormalization()(layers.Conv2D(3, 3, name="first_conv")(start))
    first = keras.Sequential(
        [keras.Input((6, 6, 3)), layers.BatchNormalization(), layers.Conv2D(2, 3), layers.BatchNormalization(),
         layers.DepthwiseConv2D(2), layers.BatchNormalization()], name="first",
    )  # fmt: skip
    first.trainable = False
    first.layers[1].trainable = True
    inner = keras.Input((6, 6, 3))
    z = layers.SeparableConv2D(4, 2)(layers.BatchNormalization()(inner))
    second = keras.Model(inner, z, name="second")
    second.layers[1].trainable = False
    return keras.Model(start, [layers.GlobalMaxPooling2D()(first(y)), second(y)])


def recurrent(keras: Any) -> Any:
    """Stacks of cells, both directions, attention."""
    layers = keras.layers
    start = keras.Input((4, 6))
    y = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True)(start)
    y = layers.RNN(layers.SimpleRNNCell(3), return_sequences=True)(y)
    y = layers.MultiHeadAttention(2, 3)(y, y)
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(y)
    y = layers.AdditiveAttention()([y, y])
    y = layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")(y)
    other = layers.GRU(2, return_sequences=True, go_backwards=True)
    return keras.Model(start, layers.Bidirectional(layers.LSTM(2, return_sequences=True), backward_layer=other)(y))


def wrapped(keras: Any) -> Any:
    """Models in models in wrappers, shared."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(5)])
    deep = keras.Sequential([keras.Input((5,)), inner, layers.LayerNormalization()])
    a, b = keras.Input((3, 5)), keras.Input((3, 5))
    each = layers.TimeDistributed(deep)
    y = layers.Concatenate()([each(a), layers.TimeDistributed(layers.BatchNormalization())(each(b))])
    dense = layers.Dense(2)
    return keras.Model([a, b], [dense(layers.LSTM(2)(y)), dense(layers.GRU(2)(y))])


def trained_within(keras: Any) -> Any:
    """A layer that is trained within a model that is not, two layers of one name, and a model called twice."""
    layers = keras.layers
    deep = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.LayerNormalization()])
    core = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="d"), layers.BatchNormalization(), deep])
    core.trainable = False
    core.layers[0].trainable = True
    start = keras.Input((5,))
    inner = keras.Model(start, [layers.Dense(2, name="d")(core(start)), layers.PReLU()(start)], name="inner")
    outer = keras.Input((5,))
    x, y = inner(outer)
    again, _ = inner(y)
    once = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    first, second = once(x), once(again)
    return keras.Model(outer, [x, again, layers.ReLU()(first), second])


MODELS: dict[str, Callable[[Any], Any]] = {
    "frozen": frozen,
    "recurrent": recurrent,
    "wrapped": wrapped,
    "within": trained_within,
}


def built(keras: Any, name: str) -> tuple[Any, list[np.ndarray], list[np.ndarray]]:
    """Return a model with random weights, inputs, and what it gives."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = MODELS[name](keras)
    rng = np.random.default_rng(5)
    model.set_weights([rng.uniform(0.1, 0.6, np.shape(w)).astype(np.float32) for w in model.get_weights()])
    inputs = [rng.uniform(-2, 2, [3, *t.shape[1:]]).astype(np.float32) for t in model.inputs]
    return model, inputs, flatten(model(inputs if len(inputs) > 1 else inputs[0]))


def check(file: Any, config: Path | None, inputs: list[np.ndarray], expected: list[np.ndarray], out: Path) -> None:
    kconvert.convert(file, out, config=config)
    for mine, theirs in zip(flatten(kconvert.load(out)(*inputs)), expected, strict=True):
        assert mine.shape == theirs.shape
        assert relative_error(mine, theirs) < 1e-5


@pytest.mark.parametrize("name", MODELS)
def test_keras_2(name: str, tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras", reason="needs the dependency group 'oracle'")
    import tensorflow as tf

    model, inputs, expected = built(tf_keras, name)
    out, text = tmp_path / "out", tmp_path / "m.json"
    text.write_text(model.to_json())
    model.save(tmp_path / "saved", save_traces=False)
    check(tmp_path / "saved", None, inputs, expected, out)
    model.save(tmp_path / "m.keras")
    check(tmp_path / "m.keras", None, inputs, expected, out)
    files = ["m.weights.h5", "checkpoint_7"]
    if name != "within":  # Keras 2 cannot write two layers of one name as HDF5
        model.save(tmp_path / "m.h5")
        check(tmp_path / "m.h5", None, inputs, expected, out)
        check(tmp_path / "m.h5", text, inputs, expected, out)
        files.append("w.h5")
    for file in files:
        model.save_weights(tmp_path / file)
        check(tmp_path / file, text, inputs, expected, out)
    tf.train.Checkpoint(model=model).write(str(tmp_path / "all"))
    check(tmp_path / "all.index", text, inputs, expected, out)
    check(model, None, inputs, expected, out)


@pytest.mark.parametrize("name", MODELS)
def test_keras_3(name: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="needs the dependency group 'oracle'")

    model, inputs, expected = built(keras, name)
    out, text = tmp_path / "out", tmp_path / "m.json"
    text.write_text(model.to_json())
    model.save(tmp_path / "folder", zipped=False)
    check(tmp_path / "folder", None, inputs, expected, out)
    model.save(tmp_path / "m.h5")
    check(tmp_path / "m.h5", None, inputs, expected, out)
    check(tmp_path / "m.h5", text, inputs, expected, out)
    model.save_weights(tmp_path / "m.weights.h5")
    check(tmp_path / "m.weights.h5", text, inputs, expected, out)
    largest = max(np.asarray(w).nbytes for w in model.get_weights()) / 1024**3
    model.save_weights(tmp_path / "s.weights.json", max_shard_size=largest * 1.01)
    assert len(list(tmp_path.glob("s_*.weights.h5"))) > 2
    check(tmp_path / "s.weights.json", text, inputs, expected, out)
    check(model, None, inputs, expected, out)
    keras.models.clone_model(model)  # names of layers count on; weights files are read by order all the same
    again = MODELS[name](keras)
    again.set_weights(model.get_weights())
    again.save(tmp_path / "again.h5")
    check(tmp_path / "again.h5", text, inputs, expected, out)
