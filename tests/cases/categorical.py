"""CategoryEncoding, Discretization, Hashing and HashedCrossing: every option and kind of input."""

from __future__ import annotations

from typing import Any

import numpy as np

from .lookup import WORDS, strings
from .spec import Case, Tensor, ids, layer, model, text, x

VECTORS = ("one_hot", "multi_hot", "count")
SHAPES = ((24,), (24, 1), (8, 3), (4, 6, 1), (2, 3, 4))
BOUNDARIES = [-1.5, -0.1, 0.0, 0.1, 1, 1.75]
ON_BOUNDARIES = [[0.1, -0.1, 0.0], [-1.5, 1.0, 1.75], [np.nan, np.inf, -np.inf], [0.09999, 0.10001, -0.0]]


def encode(inputs: Tensor, **options: Any) -> Case:
    return layer("CategoryEncoding", inputs, **{"num_tokens": 6, **options})


def weighted(*shape: int, dtype: str = "float32", policy: str = "float32") -> Case:
    """A count in which each category counts as much as a second input says."""

    def build(keras: Any) -> Any:
        categories = keras.Input(shape[1:], dtype="int32")
        weights = keras.Input(shape[1:], dtype=dtype)
        encode = keras.layers.CategoryEncoding(6, output_mode="count", dtype=policy)
        return keras.Model([categories, weights], encode(categories, count_weights=weights))

    inputs = [ids(*shape, high=8), x(*shape, dtype=dtype)]
    return model(
        f"CategoryEncoding of weights {dtype}{list(shape)} in {policy}", build, inputs, 1e-2 if "16" in policy else 1e-5
    )


def bins(inputs: Tensor, **options: Any) -> Case:
    return layer("Discretization", inputs, bin_boundaries=BOUNDARIES, **options)


def hashed(inputs: Tensor, **options: Any) -> Case:
    return layer("Hashing", inputs, **{"num_bins": 7, **options})


def whole(*shape: int, dtype: str = "int64") -> Tensor:
    """Whole numbers, negative ones where the dtype has them."""
    return ids(*shape, dtype=dtype, low=0 if dtype[0] == "u" else -100, high=100)


def pairs(first: Tensor, second: Tensor, **options: Any) -> Case:
    return layer("HashedCrossing", [first, second], **{"num_bins": 50, **options})


def quantiles(keras: Any) -> Any:
    """Boundaries learnt from data."""
    layers = keras.layers
    made = [layers.Discretization(num_bins=5, epsilon=0.05, output_mode=mode) for mode in ("int", "one_hot")]
    start = keras.Input((3,))
    for one in made:
        one.adapt(np.random.default_rng(3).normal(0, 1.5, (60, 1)))
    return keras.Model(start, [one(start) for one in made])


def table(keras: Any) -> Any:
    """Columns of a table, each encoded in its way, as FeatureSpace and wide-and-deep models do."""
    layers = keras.layers
    kinds = {"city": "string", "size": "int64", "age": "float32"}
    inputs = {name: keras.Input((1,), dtype=dtype, name=name) for name, dtype in kinds.items()}
    city, size, age = inputs.values()
    decade = layers.Discretization(bin_boundaries=[-1.0, 0.0, 1.0])(age)
    parts = [
        layers.StringLookup(vocabulary=["a", "b", "é"], output_mode="one_hot")(city),
        layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")(decade),
        layers.HashedCrossing(num_bins=8, output_mode="one_hot")([city, size]),
        layers.Hashing(num_bins=8, output_mode="multi_hot")(size),
        layers.Embedding(12, 3)(layers.Hashing(num_bins=12)(city))[:, 0],
        layers.Normalization(mean=0.3, variance=2.0)(age),
    ]
    wide = layers.Concatenate()([keras.ops.cast(part, "float32") for part in parts])
    return keras.Model(inputs, layers.Dense(2, activation="relu")(wide))


def feature_space(keras: Any) -> Any:
    """A FeatureSpace, whose features meet in a layer of its own."""
    made = keras.utils.FeatureSpace
    kinds = {
        "age": made.float_normalized(),
        "city": made.string_categorical(max_tokens=5, num_oov_indices=2),
        "size": made.integer_hashed(num_bins=6),
        "width": made.float_discretized(num_bins=3),
    }
    crosses = [made.cross(("city", "size"), crossing_dim=12)]
    space = made(kinds, crosses=crosses, output_mode="concat")
    import tensorflow as tf

    data = {"age": np.arange(9.0), "city": np.array(WORDS[:9]), "size": np.arange(9), "width": np.arange(9.0)}
    space.adapt(tf.data.Dataset.from_tensor_slices(data).batch(3))
    return keras.Model(space.get_inputs(), space.get_encoded_features())


CASES = [
    *[encode(ids(*shape, high=9), output_mode=mode) for mode in VECTORS for shape in SHAPES],
    *[encode(ids(8, 3, high=2, dtype=d), output_mode="one_hot") for d in ("int64", "uint8", "int8", "uint32")],
    *[encode(ids(8, 3, high=6, dtype="int64"), output_mode=mode) for mode in ("multi_hot", "count")],
    *[encode(x(8, 3, low=0, high=7, dtype=d), output_mode="count") for d in ("float32", "float64")],
    *[encode(x(8, 3, dtype="bool"), output_mode=mode) for mode in VECTORS],
    encode(ids(3, 8, high=9, low=-2), output_mode="one_hot"),
    encode(ids(2, 3, 4, high=9, low=-2, dynamic=(1, 2)), output_mode="count"),
    *[encode(ids(8, 3), output_mode="one_hot", dtype=d) for d in ("float16", "bfloat16", "float64", "int32", "uint8")],
    *[encode(ids(8, 3), output_mode="count", dtype=d) for d in ("float64", "int64", "mixed_float16")],
    encode(ids(2, 3, 4, high=6), output_mode="count", dtype="uint8"),
    encode(ids(8, 3, high=2), num_tokens=1),
    *[weighted(*shape) for shape in SHAPES],
    weighted(8, 3, dtype="int32"),
    weighted(8, 3, dtype="float64"),
    weighted(2, 3, 4, policy="mixed_float16"),
    bins(x(8, 3)),
    bins(x(4, 3, values=ON_BOUNDARIES)),
    bins(x(4, 3, values=ON_BOUNDARIES, dtype="float64")),
    *[bins(x(8, 3, dtype=d)) for d in ("float16", "float64", "bool")],
    *[bins(ids(8, 3, dtype=d, low=0 if d[0] == "u" else -3, high=3)) for d in ("int32", "int64", "int8", "uint8")],
    *[bins(x(*shape), output_mode=mode) for mode in VECTORS for shape in SHAPES],
    *[bins(x(8, 3), dtype=d) for d in ("float16", "mixed_bfloat16", "float64")],
    *[bins(x(8, 3), dtype=d, output_mode="one_hot") for d in ("float16", "bfloat16", "float64")],
    bins(x(2, 3, 4, dynamic=(1,)), output_mode="count", dtype="float16"),
    model("Discretization adapted", quantiles, x(8, 3, low=-4, high=4)),
    hashed(strings(8, 3)),
    hashed(strings(24), num_bins=1000),
    hashed(strings(24, 1), salt=5),
    hashed(strings(2, 3, 4, dynamic=(1, 2)), salt=[7, -3], dtype="int32"),
    hashed(strings(8, 3), mask_value="", num_bins=1000),
    hashed(strings(8, 3), mask_value="a", salt=1),
    hashed(strings(8, 3), mask_value="a", num_bins=1),
    *[hashed(whole(8, 3, dtype=d)) for d in ("int64", "int32", "int8", "uint8", "uint64")],
    hashed(whole(8, 3), mask_value=0, salt=3),
    hashed(x(8, 3, low=-30, high=30), mask_value=0),
    hashed(x(8, 3, dtype="float64", low=-1e12, high=1e12), num_bins=1000),
    hashed(x(8, 3, dtype="bool")),
    *[hashed(strings(*shape), output_mode=mode) for mode in VECTORS for shape in SHAPES],
    *[hashed(strings(8, 3), output_mode="one_hot", dtype=d) for d in ("float16", "float64", "int32")],
    hashed(whole(4, 6, 1), output_mode="count", mask_value=5),
    pairs(strings(24), strings(24, known=True)),
    pairs(strings(24, 1), whole(24, 1)),
    pairs(whole(24, dtype="int32"), whole(24, dtype="uint8"), num_bins=1000),
    pairs(strings(24), whole(24), output_mode="one_hot"),
    pairs(whole(24, 1, dtype="int8"), strings(24, 1), output_mode="one_hot", dtype="float16"),
    pairs(whole(24, 1), whole(24, 1, dtype="uint64"), dtype="int32"),
    model("FeatureSpace", feature_space, [x(6, 1), text(*WORDS[:6]), whole(6, 1, dtype="int32"), x(6, 1)]),
    model("columns of a table", table, [x(6, 1), text(*WORDS[:6]), whole(6, 1)]),
]
