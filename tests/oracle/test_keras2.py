"""Files that Keras 2 writes, as HDF5 and as zips: converted and compared with Keras 2 itself."""

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
    pytest.mark.filterwarnings("ignore"),  # Keras 2 and TensorFlow warn about themselves
]

Build = Callable[[Any, Any], Any]


def chain(*shape: int | None, dtype: str = "float32", make: Callable[[Any], list[Any]]) -> Build:
    """A Sequential model of the layers that `make` returns."""
    return lambda keras, tf: keras.Sequential([keras.Input(shape, dtype=dtype), *make(keras.layers)])


def nested(keras: Any, tf: Any) -> Any:
    """A model with batch normalisation and a frozen layer inside a model: its weights are listed trainable first."""
    layers = keras.layers
    start = keras.Input((8, 8, 3))
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, trainable=False)(start))
    inner = keras.Model(start, layers.Conv2D(2, 3)(layers.BatchNormalization()(y)), name="inner")
    outer = keras.Input((8, 8, 3))
    return keras.Model(outer, layers.GlobalAveragePooling2D()(inner(outer)))


def shared(keras: Any, tf: Any) -> Any:
    layers = keras.layers
    a, b = keras.Input((4,)), keras.Input((4,))
    dense = layers.Dense(3, activation="hard_sigmoid")
    both = layers.concatenate([dense(a), dense(b)])
    return keras.Model([a, b], [layers.Dense(2)(both), layers.dot([dense(a), dense(b)], axes=1, normalize=True)])


def seq2seq(keras: Any, tf: Any) -> Any:
    layers = keras.layers
    a, b = keras.Input((5, 3)), keras.Input((4, 2))
    _, h, c = layers.LSTM(3, return_state=True)(a)
    return keras.Model([a, b], layers.LSTM(3, return_sequences=True)(b, initial_state=[h, c]))


def masked_seq2seq(keras: Any, tf: Any) -> Any:
    """Keras 2 hands the mask on to a layer that is given initial states, too."""
    layers = keras.layers
    start = keras.Input((None,))
    y = layers.Embedding(5, 4, mask_zero=True)(start)
    y, h, c = layers.LSTM(3, return_sequences=True, return_state=True)(y)
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(y, initial_state=[h, c, c, h])
    return keras.Model(start, layers.LSTM(3)(layers.Dense(2)(y), initial_state=[h, c]))


def masked(keras: Any, tf: Any) -> Any:
    layers = keras.layers
    start = keras.Input((None,))
    y = layers.Embedding(5, 4, mask_zero=True)(start)
    return keras.Model(start, layers.GRU(3)(layers.Bidirectional(layers.LSTM(3, return_sequences=True))(y)))


def functions(keras: Any, tf: Any) -> Any:
    """TensorFlow functions, which Keras 2 writes as layers."""
    x, z = keras.Input((4,)), keras.Input((4,))
    y = 3.0 - (x + z) * 2.0
    y = tf.concat([tf.math.exp(y / 4), x], axis=-1)
    y = tf.transpose(tf.reshape(y, (-1, 2, 4)), perm=[0, 2, 1])
    y = tf.reduce_mean(y[:, 1:, 0], axis=-1, keepdims=True)
    y = tf.squeeze(tf.expand_dims(tf.nn.relu(tf.maximum(y, 0.1)), 1), axis=1)
    y = tf.clip_by_value(tf.stack([y, y], axis=1), -1.0, 1.0) ** 2
    ints = tf.one_hot(tf.cast(tf.abs(x), "int32"), 3)
    others = [tf.where(x > z, x, z), tf.math.l2_normalize(x, axis=1), tf.add(x, [1.0, 2.0, 3.0, 4.0]), x[:, -1]]
    return keras.Model([x, z], [y, ints, *others])


MODELS: dict[str, Build] = {
    "dense": chain(5, make=lambda k: [k.Dense(4, activation="hard_sigmoid"), k.LeakyReLU(0.1), k.Dense(2)]),
    "conv": chain(9, 9, 4, make=lambda k: [
        k.Conv2D(4, 3, padding="same", strides=2), k.BatchNormalization(), k.ReLU(max_value=6, negative_slope=0.1),
        k.SeparableConv2D(6, 3, depth_multiplier=2), k.DepthwiseConv2D(2, use_bias=False), k.MaxPool2D(2),
        k.Flatten(), k.ELU(0.5), k.Dense(3)]),
    "transposed": chain(5, 5, 2, make=lambda k: [k.Conv2DTranspose(3, 3, strides=2, padding="same"), k.PReLU()]),
    "up": chain(4, 4, 2, make=lambda k: [
        k.UpSampling2D(2, interpolation="bilinear"), k.ZeroPadding2D(1), k.Cropping2D(2)]),
    "conv1d": chain(9, 4, make=lambda k: [k.Conv1D(4, 3, padding="causal", dilation_rate=2), k.LayerNormalization()]),
    "lstm": chain(6, 3, make=lambda k: [
        k.LSTM(4, return_sequences=True), k.LSTM(3, recurrent_activation="hard_sigmoid")]),
    "gru": chain(6, 3, make=lambda k: [k.GRU(4, return_sequences=True, reset_after=False), k.GRU(3), k.Dense(2)]),
    "bidirectional": chain(6, 3, make=lambda k: [
        k.Bidirectional(k.GRU(4, return_sequences=True), merge_mode="sum"), k.TimeDistributed(k.Dense(2)),
        k.Bidirectional(k.SimpleRNN(2))]),
    "time distributed": chain(3, 8, 8, 2, make=lambda k: [
        k.TimeDistributed(k.Conv2D(2, 3)), k.TimeDistributed(k.Flatten()), k.LSTM(2)]),
    "conv lstm": chain(3, 6, 6, 2, make=lambda k: [k.ConvLSTM2D(3, 3), k.BatchNormalization(axis=-1)]),
    "thresholds": chain(9, 4, make=lambda k: [k.ThresholdedReLU(0.3), k.LocallyConnected1D(3, 3, strides=2), k.ReLU()]),
    "locally connected": chain(7, 6, 2, make=lambda k: [
        k.LocallyConnected2D(3, (3, 2), activation="tanh"), k.LocallyConnected2D(2, 2, strides=2, use_bias=False)]),
    "nested": nested,
    "shared": shared,
    "seq2seq": seq2seq,
    "masked": masked,
    "masked seq2seq": masked_seq2seq,
    "functions": functions,
}  # fmt: skip


def built(name: str) -> tuple[Any, list[np.ndarray]]:
    """Return a model with random weights, and data for it."""
    import tensorflow as tf
    import tf_keras

    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(3)
    model = MODELS[name](tf_keras, tf)
    rng = np.random.default_rng(5)
    model.set_weights([rng.uniform(0.1, 0.6, w.shape).astype(w.dtype) for w in model.get_weights()])
    shapes = [[3, *(n or 7 for n in t.shape[1:])] for t in model.inputs]
    if name.startswith("masked"):
        return model, [rng.integers(0, 3, shapes[0]).astype(np.float32)]
    return model, [rng.uniform(-2, 2, shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("container", ["h5", "keras"])
@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_keras_2(name: str, container: str, tmp_path: Path) -> None:
    pytest.importorskip("tf_keras", reason="needs the dependency group 'oracle'")
    model, inputs = built(name)
    file = tmp_path / f"m.{container}"
    model.save(file)
    kconvert.convert(file, tmp_path / "out")
    mine = flatten(kconvert.load(tmp_path / "out")(*inputs))
    theirs = flatten(model(inputs if len(inputs) > 1 else inputs[0]))
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert a.shape == b.shape
        assert relative_error(a, b) < 1e-5
