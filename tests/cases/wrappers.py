"""Bidirectional and TimeDistributed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .recurrent import EVEN, HOLES, cell, sequence
from .spec import Case, Tensor, ids, layer, model, x


def rnn(kind: str, **options: Any) -> tuple[str, dict[str, Any]]:
    return f"keras.layers.{kind}", {"units": 3, **EVEN, **options}


def inner(kind: str, **options: Any) -> tuple[str, dict[str, Any]]:
    return f"keras.layers.{kind}", options


def both_ways(kind: str, states: int, merge_mode: str | None = "concat", masked: bool = False) -> Case:
    """Bidirectional with initial states: the first half for the forward layer."""

    def build(keras: Any) -> Any:
        layers = keras.layers
        start, given = keras.Input((5, 4)), [keras.Input((3,)) for _ in range(states)]
        wrapped = getattr(layers, kind)(3, return_sequences=True, return_state=True)
        y = layers.Masking()(start) if masked else start
        y = layers.Bidirectional(wrapped, merge_mode=merge_mode)(y, initial_state=given)
        return keras.Model([start, *given], [*y, layers.LSTM(2)(y[0])])

    inputs = [sequence(masked=HOLES if masked else ()), *[x(3, 3)] * states]
    return model(f"Bidirectional {kind} with {states} states, {merge_mode}, masked={masked}", build, inputs)


def mask_handed_on(merge_mode: str | None) -> Case:
    """The mask goes through Bidirectional to the layers after each of its outputs."""

    def build(keras: Any) -> Any:
        layers = keras.layers
        start = keras.Input((None,), dtype="int32")
        y = layers.Embedding(9, 4, mask_zero=True)(start)
        y = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode=merge_mode)(y)
        outputs = [layers.LSTM(2)(part) for part in (y if merge_mode is None else [y])]
        return keras.Model(start, outputs)

    return model(f"mask through Bidirectional, {merge_mode}", build, ids(3, 6, high=3))


def classifier(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(3, dropout=0.2)),
            layers.Dense(2, activation="softmax"),
        ]
    )


def stateful(keras: Any) -> Any:
    start = keras.Input(batch_shape=(3, 5, 4))
    return keras.Model(start, keras.layers.Bidirectional(keras.layers.GRU(3, stateful=True))(start))


def distributed(
    name: str, write: Callable[[Any, Any], Any], inputs: Tensor, masked: bool = False, after: bool = False
) -> Case:
    """TimeDistributed over a model that `write` makes from its input; an LSTM may follow."""

    def build(keras: Any) -> Any:
        layers = keras.layers
        inside = keras.Input(inputs.keras_shape[1:], dtype=inputs.dtype)
        start = keras.Input(inputs.keras_shape, dtype=inputs.dtype)
        y = layers.Masking()(start) if masked else start
        y = layers.TimeDistributed(keras.Model(inside, write(keras, inside)))(y)
        return keras.Model(start, layers.LSTM(2)(y) if after else y)

    return model(f"TimeDistributed {name} on {inputs.shape} {inputs.dynamic} masked={masked}", build, inputs)


def convolutions(keras: Any, y: Any) -> Any:
    y = keras.layers.Conv2D(3, 3, activation="relu")(y)
    return keras.layers.Flatten()(keras.layers.MaxPooling2D()(y))


def words(keras: Any, y: Any) -> Any:
    return keras.layers.LSTM(3)(keras.layers.Embedding(9, 4, mask_zero=True)(y))


def arithmetic(keras: Any, y: Any) -> Any:
    return keras.layers.Dense(3)(y) * 2 + 1


def less_the_mean_sample(keras: Any, y: Any) -> Any:
    """Samples mix: a step at a time is not all steps at once."""
    return y - keras.ops.mean(y, axis=0, keepdims=True)


def first_word(keras: Any, y: Any) -> Any:
    return y[:, 0]


def sentences_of_words(keras: Any) -> Any:
    """Masks of words inside, and the mask (batch, sentences, words) that TimeDistributed hands on is per unit."""
    layers = keras.layers
    start = keras.Input((None, 4), dtype="int32")
    y = layers.TimeDistributed(layers.LSTM(3))(layers.Embedding(9, 4, mask_zero=True)(start))
    return keras.Model(start, layers.LSTM(4)(y))


def explicit_mask(keras: Any) -> Any:
    start, mask = keras.Input((5, 4, 2)), keras.Input((5, 4), dtype="bool")
    return keras.Model([start, mask], keras.layers.TimeDistributed(keras.layers.GRU(3))(start, mask=mask))


def video(keras: Any) -> Any:
    layers = keras.layers
    frames = keras.Sequential([layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()])
    return keras.Sequential(
        [
            keras.Input((3, 8, 8, 2)),
            layers.TimeDistributed(frames),
            layers.Bidirectional(layers.GRU(3)),
            layers.Dense(2),
        ]
    )


BIDIRECTIONAL = [
    layer("Bidirectional", sequence(), layer=rnn("LSTM")),
    layer("Bidirectional", sequence(), layer=rnn("LSTM", return_sequences=True), merge_mode="sum"),
    layer("Bidirectional", sequence(), layer=rnn("GRU", return_state=True), merge_mode="mul"),
    layer("Bidirectional", sequence(), layer=rnn("GRU", return_sequences=True, return_state=True), merge_mode="ave"),
    layer("Bidirectional", sequence(), layer=rnn("SimpleRNN", return_state=True), merge_mode=None),
    layer("Bidirectional", sequence(), layer=rnn("LSTM", return_sequences=True, return_state=True), merge_mode=None),
    layer("Bidirectional", sequence(), layer=rnn("LSTM", units=2),
          backward_layer=rnn("GRU", units=4, go_backwards=True, activation="relu")),
    layer("Bidirectional", sequence(masked=HOLES), mask=True, layer=rnn("LSTM", return_sequences=True)),
    layer("Bidirectional", sequence(masked=HOLES), mask=True, layer=rnn("GRU", return_state=True), merge_mode="ave"),
    layer("Bidirectional", sequence(masked=HOLES), mask=True, layer=rnn("LSTM", return_sequences=True, unroll=True)),
    layer("Bidirectional", sequence(masked=HOLES), mask=True, layer=rnn("GRU", return_sequences=True, unroll=True),
          backward_layer=rnn("SimpleRNN", return_sequences=True, go_backwards=True), merge_mode="sum"),
    layer("Bidirectional", sequence(masked=HOLES), mask=True, merge_mode=None,
          layer=inner("RNN", cell=[cell("LSTM", 3), cell("GRU", 2)], return_sequences=True, return_state=True)),
    layer("Bidirectional", sequence(dynamic=(1,)), layer=rnn("LSTM", dtype="float64"), dtype="float64"),
    layer("Bidirectional", sequence(), layer=rnn("GRU", dtype="mixed_float16"), dtype="mixed_float16",
          merge_mode="ave"),
    layer("Bidirectional", sequence(), layer=rnn("LSTM", return_state=True), dtype="mixed_float16"),
    layer("Bidirectional", sequence(), layer=rnn("LSTM", return_sequences=True, dtype="mixed_bfloat16"),
          dtype="mixed_bfloat16", merge_mode="mul"),
    layer("Bidirectional", x(2, 3, 5, 6, 2),
          layer=inner("ConvLSTM2D", filters=2, kernel_size=2, return_sequences=True), merge_mode="concat"),
    both_ways("LSTM", 4),
    both_ways("GRU", 2, merge_mode=None),
    both_ways("SimpleRNN", 2, masked=True),
    *[mask_handed_on(mode) for mode in ("concat", "mul", None)],
    model("Embedding, two Bidirectional LSTMs, Dense", classifier, ids(3, 7, high=3)),
    model("stateful Bidirectional", stateful, sequence()),
]  # fmt: skip

TIME_DISTRIBUTED = [
    layer("TimeDistributed", sequence(), layer=inner("Dense", units=3, activation="softmax")),
    layer("TimeDistributed", x(3, 5, 7, 6, dynamic=(1, 2)), layer=inner("Dense", units=3)),
    layer("TimeDistributed", sequence(masked=HOLES), mask=True, layer=inner("BatchNormalization")),
    layer("TimeDistributed", x(3, 5, 7, 6, 2, dynamic=(1, 2, 3)),
          layer=inner("Conv2D", filters=3, kernel_size=2, strides=2, padding="same")),
    layer("TimeDistributed", x(3, 5, 7, 6, dynamic=(2,)), layer=inner("MaxPooling1D")),
    layer("TimeDistributed", x(3, 5, 4, 6, masked=HOLES), mask=True, layer=rnn("LSTM", return_sequences=True)),
    layer("TimeDistributed", x(3, 5, 4, 6, dynamic=(1, 2), masked=HOLES), mask=True, layer=rnn("GRU")),
    layer("TimeDistributed", x(3, 5, 4, 6, masked=HOLES), mask=True, layer=inner("GlobalAveragePooling1D")),
    layer("TimeDistributed", x(3, 5, 7, 6, dynamic=(1,)),
          layer=inner("TimeDistributed", layer=inner("Dense", units=2))),
    layer("TimeDistributed", x(3, 5, 7, 6), layer=inner("Bidirectional", layer=rnn("GRU"))),
    layer("TimeDistributed", ids(3, 5, 7, dynamic=(1,)), layer=inner("Embedding", input_dim=10, output_dim=3)),
    layer("TimeDistributed", sequence(), layer=inner("Softmax", axis=0)),
    layer("TimeDistributed", sequence(dynamic=(1,)), layer=inner("Softmax", axis=-2)),
    layer("TimeDistributed", sequence(), layer=inner("Dense", units=3), dtype="mixed_float16"),
    layer("TimeDistributed", sequence(), layer=inner("Dense", units=3, dtype="mixed_bfloat16"), dtype="float32"),
    layer("TimeDistributed", sequence(), layer=inner("Dense", units=3, dtype="float16"), dtype="float64"),
    layer("TimeDistributed", x(3, 5, 4, 6), layer=rnn("LSTM", dtype="mixed_float16"), tolerance=1e-2),
    distributed("convolutions", convolutions, x(2, 3, 7, 6, 2, dynamic=(1,))),
    distributed("masked words", words, ids(3, 5, 4, high=3, dynamic=(1,)), after=True),
    distributed("arithmetic", arithmetic, x(3, 5, 4, masked=HOLES), masked=True, after=True),
    distributed("mixed samples", less_the_mean_sample, sequence()),
    distributed("mixed samples", less_the_mean_sample, sequence(dynamic=(1,), masked=HOLES), masked=True),
    distributed("first word", first_word, x(3, 5, 4, 6, dynamic=(1,))),
    model("sentences of words", sentences_of_words, ids(3, 5, 4, high=3)),
    model("TimeDistributed with a mask", explicit_mask, [x(3, 5, 4, 2), x(3, 5, 4, dtype="bool")]),
    model("video", video, x(2, 3, 8, 8, 2)),
]  # fmt: skip

CASES = [*BIDIRECTIONAL, *TIME_DISTRIBUTED]
