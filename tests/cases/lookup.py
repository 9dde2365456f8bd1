"""StringLookup and IntegerLookup: every option."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import Case, Tensor, ids, layer, model, text

VOCABULARY = ["b", "a", "straße", "é", "e\u0301", "😀", "nan", "a b"]
STRANGERS = [
    "",
    "zz",
    "A",
    "[UNK]",
    "Strasse",
    "x" * 3,
    "x" * 7,
    "x" * 16,
    "é" * 12,
    "😀" * 11,
    "y" * 64,
    "z" * 200,
    "\x00",
]
WORDS = [VOCABULARY[i % 8] if i % 3 else STRANGERS[i % 13] for i in range(24)]
NUMBERS = [12, -3, 1138, 0, 2**40]
STRANGE_NUMBERS = [1, -1, 7, -2, 2**62, -(2**62), 13]
IDS = [NUMBERS[i % 5] if i % 3 else STRANGE_NUMBERS[i % 7] for i in range(24)]
IDF = [round(0.3 + 0.17 * i, 2) for i in range(8)]


def strings(*shape: int, known: bool = False, dynamic: tuple[int, ...] = ()) -> Tensor:
    """Strings of a shape of 24 elements; `known`: only those of the vocabulary."""
    values = [VOCABULARY[i % 8] for i in range(24)] if known else WORDS
    return Tensor(shape, "string", values=np.array(values, object).reshape(shape).tolist(), dynamic=dynamic)


def numbers(*shape: int, dtype: str = "int64", known: bool = False, dynamic: tuple[int, ...] = ()) -> Tensor:
    """Whole numbers of a shape of 24 elements; `known`: only those of the vocabulary."""
    values = np.array([NUMBERS[i % 5] for i in range(24)] if known else IDS)
    if dtype in ("uint8", "int16", "float32"):
        values = values % 23
    return Tensor(shape, dtype, values=values.reshape(shape).tolist(), dynamic=dynamic)


STRINGS, INTEGERS = strings(8, 3), numbers(8, 3)


def words(inputs: Tensor = STRINGS, **options: Any) -> Case:
    return layer("StringLookup", inputs, **{"vocabulary": VOCABULARY, **options})


def integers(inputs: Tensor = INTEGERS, **options: Any) -> Case:
    return layer("IntegerLookup", inputs, **{"vocabulary": NUMBERS, **options})


def adapted(class_name: str, inputs: Tensor, data: Any, **options: Any) -> Case:
    """A vocabulary learnt from data, which the file holds as an asset."""

    def build(keras: Any) -> Any:
        lookup = getattr(keras.layers, class_name)(**options)
        lookup.adapt(np.array(data))
        start = keras.Input(inputs.keras_shape, dtype=inputs.dtype)
        return keras.Model(start, lookup(start))

    shown = ", ".join(f"{k}={v!r}" for k, v in options.items())
    return model(f"{class_name}({shown}) adapted", build, inputs, tolerance=1e-5)


def round_trip(keras: Any) -> Any:
    """To indices and back, with an Embedding beside it."""
    layers = keras.layers
    start = keras.Input((3,), dtype="string")
    forward = layers.StringLookup(vocabulary=VOCABULARY, mask_token="")
    indices = forward(start)
    back = layers.StringLookup(vocabulary=forward.get_vocabulary(), mask_token="", invert=True)
    return keras.Model(start, [back(indices), layers.Embedding(10, 4, mask_zero=True)(indices)])


def shared(keras: Any) -> Any:
    a, b = keras.Input((1,), dtype="string"), keras.Input((3,), dtype="string")
    lookup = keras.layers.StringLookup(vocabulary=VOCABULARY, output_mode="multi_hot")
    return keras.Model([a, b], [lookup(a), lookup(b)])


VECTORS = ("one_hot", "multi_hot", "count")
SHAPES = ((24,), (24, 1), (8, 3), (4, 6, 1), (2, 3, 4))

CASES = [
    words(),
    words(strings(24)),
    words(strings(24, 1)),
    words(strings(2, 3, 4, dynamic=(1, 2))),
    words(mask_token=""),
    words(mask_token="a", oov_token="zz", vocabulary=["b", "c"]),
    words(vocabulary=["[UNK]", *VOCABULARY]),
    words(mask_token="", vocabulary=["", "[UNK]", *VOCABULARY]),
    words(mask_token="", vocabulary=["[UNK]", *VOCABULARY]),
    words(strings(8, 3, known=True), num_oov_indices=0),
    words(
        strings(8, 3, known=True), num_oov_indices=0, mask_token="nan", vocabulary=[v for v in VOCABULARY if v != "nan"]
    ),
    words(num_oov_indices=2),
    words(num_oov_indices=7, mask_token="", max_tokens=30),
    words(num_oov_indices=3, salt=5),
    words(num_oov_indices=1000, salt=[7, -3]),
    words(dtype="float16", encoding="latin-1"),
    *[words(strings(*shape), output_mode=mode) for mode in VECTORS for shape in SHAPES],
    words(output_mode="count", mask_token="a", vocabulary=["b", "é"]),
    words(strings(8, 3, known=True), output_mode="multi_hot", num_oov_indices=0),
    words(
        strings(8, 3, known=True), output_mode="one_hot", num_oov_indices=0, mask_token="b", vocabulary=VOCABULARY[1:]
    ),
    words(output_mode="multi_hot", num_oov_indices=4, mask_token=""),
    words(output_mode="one_hot", max_tokens=20, pad_to_max_tokens=True),
    words(output_mode="count", max_tokens=20, pad_to_max_tokens=True, num_oov_indices=2),
    words(output_mode="count", max_tokens=20),
    words(output_mode="tf_idf", idf_weights=IDF),
    words(strings(24), output_mode="tf_idf", idf_weights=IDF, num_oov_indices=2),
    words(strings(2, 3, 4), output_mode="tf_idf", idf_weights=[2.5, *IDF], vocabulary=["[UNK]", *VOCABULARY]),
    words(output_mode="tf_idf", idf_weights=IDF, max_tokens=20, pad_to_max_tokens=True, mask_token=""),
    words(ids(4, 5, high=12), invert=True),
    words(ids(4, 5, high=12, low=-3), invert=True, mask_token="", oov_token="nan", vocabulary=["a", "b"]),
    words(ids(4, 5, high=12, dtype="uint8"), invert=True, num_oov_indices=3, mask_token="[MASK]"),
    words(ids(20, high=12, dtype="int64"), invert=True, num_oov_indices=0),
    integers(),
    integers(numbers(24)),
    integers(numbers(4, 6, 1, dynamic=(1,))),
    integers(numbers(8, 3, dtype="uint8"), vocabulary=[3, 4, 200, -1]),
    integers(numbers(8, 3, dtype="int16"), vocabulary=[3, 4, 200, -1]),
    integers(numbers(8, 3, dtype="float32"), vocabulary=[3, 4, 200]),
    integers(mask_token=0, vocabulary=[12, -3]),
    integers(mask_token=0, oov_token=99, vocabulary=[0, 99, 12, -3]),
    integers(numbers(8, 3, known=True), num_oov_indices=0),
    integers(numbers(8, 3, known=True), num_oov_indices=0, mask_token=12, vocabulary=NUMBERS[1:]),
    integers(num_oov_indices=2),
    integers(num_oov_indices=5, mask_token=7),
    integers(num_oov_indices=5, oov_method="farmhash"),
    integers(num_oov_indices=50, oov_method="farmhash", salt=3),
    *[integers(numbers(*shape), output_mode=mode) for mode in VECTORS for shape in SHAPES],
    integers(output_mode="multi_hot", num_oov_indices=3, mask_token=12, vocabulary=NUMBERS[1:]),
    integers(output_mode="count", max_tokens=9, pad_to_max_tokens=True),
    integers(output_mode="tf_idf", idf_weights=IDF[:5]),
    integers(output_mode="tf_idf", idf_weights=IDF[:5], num_oov_indices=2, max_tokens=9, pad_to_max_tokens=True),
    integers(ids(4, 5, high=8), invert=True),
    integers(ids(4, 5, high=9, low=-2, dtype="int64"), invert=True, mask_token=-9, oov_token=1000, num_oov_indices=2),
    adapted("StringLookup", strings(8, 3), WORDS[1:9]),
    adapted("StringLookup", strings(8, 3), WORDS[1:9], mask_token="", num_oov_indices=2),
    adapted("StringLookup", strings(8, 3), WORDS[1:9], output_mode="tf_idf", max_tokens=5),
    adapted("StringLookup", strings(8, 3, known=True), VOCABULARY, num_oov_indices=0),
    adapted("StringLookup", ids(4, 5), WORDS[1:9], invert=True),
    adapted("IntegerLookup", numbers(8, 3), IDS[:9]),
    adapted("IntegerLookup", numbers(8, 3), IDS[:9], mask_token=0, output_mode="multi_hot"),
    adapted("IntegerLookup", numbers(8, 3), IDS[:9], mask_token=0, num_oov_indices=3, max_tokens=7),
    adapted("IntegerLookup", ids(4, 5), IDS[:9], mask_token=0, invert=True),
    model("StringLookup there and back", round_trip, strings(8, 3)),
    model("StringLookup shared", shared, [text(*WORDS[:6]), Tensor((2, 3), "string", values=[WORDS[:3], WORDS[3:6]])]),
]
