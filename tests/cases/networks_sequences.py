"""Small networks of the well-known kinds that work on text, time series, tables and graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import ids, model, text, x


def _feed_forward(keras: Any, y: Any, width: int) -> Any:
    layers = keras.layers
    z = layers.Dense(width)(layers.Dense(2 * width, activation="relu")(y))
    return layers.LayerNormalization()(layers.Add()([y, layers.Dropout(0.1)(z)]))


def transformer(keras: Any) -> Any:
    """An encoder and a decoder, both with padding, the decoder with a causal mask and attention to the encoder."""
    layers, ops = keras.layers, keras.ops

    def embedded(tokens: Any, name: str) -> Any:
        places = ops.arange(10)[: ops.shape(tokens)[1]] if tokens.shape[1] else None
        y = layers.Embedding(12, 8, mask_zero=True, name=name)(tokens)
        return y if places is None else layers.Add()([y, layers.Embedding(10, 8)(places[None])])

    source, target = keras.Input((6,), dtype="int32"), keras.Input((None,), dtype="int32")
    memory = embedded(source, "source")
    memory = layers.LayerNormalization()(
        layers.Add()([memory, layers.MultiHeadAttention(2, 4)(memory, memory, memory)])
    )
    memory = _feed_forward(keras, memory, 8)
    y = embedded(target, "target")
    y = layers.LayerNormalization()(y + layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True))
    y = layers.LayerNormalization()(layers.Add()([y, layers.MultiHeadAttention(2, 3, value_dim=5)(y, memory)]))
    y = _feed_forward(keras, y, 8)
    return keras.Model([source, target], layers.Dense(12, activation="softmax")(y))


def sequence_to_sequence(keras: Any) -> Any:
    """The states of a bidirectional encoder start the decoder; the decoder's states are outputs."""
    layers = keras.layers
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    encoder = layers.Bidirectional(layers.LSTM(3, return_state=True), name="encoder")
    _, *states = encoder(layers.Embedding(9, 4, mask_zero=True)(source))
    h = layers.Concatenate()([states[0], states[2]])
    c = layers.Concatenate()([states[1], states[3]])
    decoder = layers.LSTM(6, return_sequences=True, return_state=True, name="decoder")
    y, *last = decoder(layers.Embedding(9, 4, mask_zero=True)(target), initial_state=[h, c])
    return keras.Model([source, target], [layers.TimeDistributed(layers.Dense(9, activation="softmax"))(y), *last])


def wavenet(keras: Any) -> Any:
    """Dilated causal convolutions with gates, skip connections summed."""
    layers = keras.layers
    start = keras.Input((None, 2))
    y = layers.Conv1D(4, 2, padding="causal")(start)
    skips = []
    for rate in (1, 2, 4):
        gate = layers.Conv1D(4, 2, padding="causal", dilation_rate=rate, activation="sigmoid")(y)
        signal = layers.Conv1D(4, 2, padding="causal", dilation_rate=rate, activation="tanh")(y)
        z = layers.Multiply()([gate, signal])
        skips.append(layers.Conv1D(3, 1)(z))
        y = layers.Add()([y, layers.Conv1D(4, 1)(z)])
    return keras.Model(start, layers.Conv1D(5, 1, activation="softmax")(layers.Activation("relu")(layers.Add()(skips))))


def temporal_convolutions(keras: Any) -> Any:
    """A TCN: residual blocks of causal convolutions; the last step decides."""
    layers = keras.layers
    y = start = keras.Input((15, 3))
    for rate in (1, 2):
        z = layers.Conv1D(5, 3, padding="causal", dilation_rate=rate)(y)
        z = layers.SpatialDropout1D(0.2)(layers.Activation("relu")(layers.LayerNormalization()(z)))
        z = layers.Conv1D(5, 3, padding="causal", dilation_rate=rate)(z)
        y = layers.PReLU(shared_axes=[1])(layers.Add()([z, layers.Conv1D(5, 1)(y)]))
    return keras.Model(start, layers.Dense(1)(y[:, -1, :]))


def language_model(keras: Any) -> Any:
    """Stacked GRUs over tokens, with the embedding table used again for the logits."""
    layers = keras.layers
    tokens = keras.Input((None,), dtype="int32")
    table = layers.ReversibleEmbedding(11, 6, mask_zero=True)
    y = layers.GRU(5, return_sequences=True)(layers.Dropout(0.2)(table(tokens)))
    y = layers.GRU(6, return_sequences=True, reset_after=False, recurrent_dropout=0.1)(y)
    return keras.Model(tokens, table(layers.RMSNormalization()(y), reverse=True))


def wide_and_deep(keras: Any) -> Any:
    """A table with strings: lookups, buckets, crosses, embeddings and numbers."""
    layers = keras.layers
    city, job = keras.Input((1,), dtype="string", name="city"), keras.Input((1,), dtype="string", name="job")
    age, child = keras.Input((1,), name="age"), keras.Input((1,), dtype="int64", name="children")
    scaled = layers.Normalization(mean=[40.0], variance=[110.0])(age)
    bucket = layers.Discretization([18.0, 30.0, 45.0, 65.0])(age)
    city_id = layers.StringLookup(vocabulary=["Jakarta", "Surabaya", "Bandung"], num_oov_indices=2)(city)
    job_vector = layers.StringLookup(vocabulary=["guru", "dokter"], output_mode="one_hot")(job)
    children = layers.IntegerLookup(vocabulary=[0, 1, 2, 5], output_mode="multi_hot")(child)
    cross = layers.HashedCrossing(7, output_mode="one_hot")((city, job))
    hashed = layers.Hashing(5, output_mode="one_hot")(job)
    wide = layers.Concatenate()([layers.CategoryEncoding(5, "one_hot")(bucket), cross, hashed, children])
    deep = [layers.Flatten()(layers.Embedding(5, 3)(city_id)), job_vector, scaled]
    y = layers.Dense(6, activation="relu")(layers.Concatenate()(deep))
    logit = layers.Add()([layers.Dense(1)(wide), layers.Dense(1)(layers.BatchNormalization()(y))])
    return keras.Model([city, job, age, child], layers.Activation("sigmoid")(logit))


def recurrent_reader(keras: Any) -> Any:
    """A CRNN: columns of an image are the steps of a sequence; attention sums them up."""
    layers, ops = keras.layers, keras.ops
    start = keras.Input((8, None, 1))
    y = layers.MaxPooling2D((2, 1))(layers.Conv2D(4, 3, padding="same", activation="relu")(start))
    y = layers.MaxPooling2D((2, 2), padding="same")(layers.Conv2D(5, 3, padding="same", activation="relu")(y))
    y = layers.Reshape((-1, 10))(layers.Permute((2, 1, 3))(y))
    y = layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="sum")(y)
    scores = layers.Softmax(axis=1)(layers.Dense(1)(layers.Dense(3, activation="tanh")(y)))
    context = ops.sum(scores * y, axis=1)
    attended = layers.Attention(use_scale=True)([y, y])
    letters = layers.TimeDistributed(layers.Dense(6, activation="softmax"))(layers.AdditiveAttention()([attended, y]))
    return keras.Model(start, [letters, context])


def graph_convolution(keras: Any) -> Any:
    """Two layers of a graph network: features of neighbours, weighted by degrees, summed by einsum."""
    layers, ops = keras.layers, keras.ops
    nodes, edges = keras.Input((5, 3), name="nodes"), keras.Input((5, 5), name="edges")
    linked = ops.cast(edges > 0.5, "float32")
    linked = ops.maximum(linked, ops.transpose(linked, (0, 2, 1)))
    linked = ops.maximum(linked, np.eye(5, dtype="float32"))
    scale = ops.rsqrt(ops.sum(linked, axis=-1))
    norm = ops.einsum("bi,bij,bj->bij", scale, linked, scale)
    y = nodes
    for width in (6, 4):
        y = ops.relu(ops.einsum("bij,bjf->bif", norm, layers.Dense(width)(y)))
    pooled = layers.Concatenate()([layers.GlobalMaxPooling1D()(y), ops.mean(y, axis=1)])
    return keras.Model(
        [nodes, edges],
        [layers.Dense(2)(pooled), ops.log_softmax(layers.EinsumDense("bif,fg->big", (5, 3), bias_axes="g")(y))],
    )


def text_classifier(keras: Any) -> Any:
    """From raw strings: tokens, n-gram convolutions of several widths, and the largest of each."""
    layers = keras.layers
    vocabulary = ["bagus", "tidak", "sangat", "buruk", "film", "ini"]
    start = keras.Input((1,), dtype="string")
    tokens = layers.TextVectorization(vocabulary=vocabulary, output_sequence_length=7)(start)
    y = layers.Embedding(8, 5)(tokens)
    widths = [layers.GlobalMaxPooling1D()(layers.Conv1D(3, n, activation="relu")(y)) for n in (2, 3, 4)]
    return keras.Model(start, layers.Dense(2, activation="softmax")(layers.Concatenate()(widths)))


CASES = [
    model("transformer", transformer, [ids(3, 6, high=4), ids(3, 5, high=4, dynamic=(1,))]),
    model("sequence to sequence", sequence_to_sequence, [ids(3, 5, high=4, dynamic=(1,)), ids(3, 4, high=4, dynamic=(1,))]),
    model("WaveNet", wavenet, x(2, 13, 2, dynamic=(1,))),
    model("TCN", temporal_convolutions, x(2, 15, 3)),
    model("language model", language_model, ids(3, 6, high=4, dynamic=(1,))),
    model("Wide and Deep", wide_and_deep, [
        text("Jakarta", "Medan", "Bandung", ""), text("guru", "petani", "", "dokter"),
        x(4, 1, values=[[17.5], [30.0], [64.9], [80.0]]), x(4, 1, dtype="int64", values=[[0], [3], [5], [-1]]),
    ]),
    model("CRNN", recurrent_reader, x(2, 8, 9, 1, dynamic=(2,))),
    model("graph convolution", graph_convolution, [x(2, 5, 3), x(2, 5, 5)]),
    model("text classifier", text_classifier, text("Film ini SANGAT bagus!", "buruk, tidak bagus", "")),
]  # fmt: skip
