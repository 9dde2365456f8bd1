"""The networks as Keras models."""

from __future__ import annotations

import keras
from keras import layers

from .variants import Images, Network, Texts

CLASSES = {"images": 10, "texts": 3}
RATE = 1e-3


def build(network: Network, words: int) -> keras.Model:
    """The untrained, compiled model of `network`; `words` is the size of the vocabulary, padding included."""
    model = _images(network) if isinstance(network, Images) else _texts(network, words)
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy")
    return model


def _images(network: Images) -> keras.Model:
    """Pixels 0-255, (n, 32, 32, 3), to the probabilities of ten classes."""
    pool = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[network.pooling]
    x = inputs = keras.Input((32, 32, 3), name="image")
    x = layers.Rescaling(1 / 255)(x)
    for filters in network.filters:
        x = layers.Conv2D(filters, network.kernel, padding="same", activation="relu")(x)
        x = pool(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    if network.dropout:
        x = layers.Dropout(network.dropout)(x)
    outputs = layers.Dense(CLASSES["images"], activation="softmax", name="class")(x)
    return keras.Model(inputs, outputs, name=network.name)


def _texts(network: Texts, words: int) -> keras.Model:
    """Word numbers, int32 (n, any length), to the probabilities of three sentiments."""
    recurrent = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM}[network.cell]
    x = inputs = keras.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(words, 128, mask_zero=network.mask)(x)
    for depth, units in enumerate(network.units, start=1):
        name = f"recurrent_{depth}"
        layer = recurrent(units, return_sequences=depth < len(network.units), name=name)
        x = layers.Bidirectional(layer, name=name)(x) if network.bidirectional else layer(x)
        if network.dropout:
            x = layers.Dropout(network.dropout)(x)
    outputs = layers.Dense(CLASSES["texts"], activation="softmax", name="sentiment")(x)
    return keras.Model(inputs, outputs, name=network.name)
