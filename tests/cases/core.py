"""Dense, EinsumDense, Activation, embeddings, Masking, Identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import Case, ids, layer, model, x

FUNCTIONS = (
    "relu", "leaky_relu", "relu6", "softmax", "celu", "elu", "selu", "softplus", "softsign", "squareplus",
    "soft_shrink", "sparse_plus", "silu", "gelu", "glu", "tanh", "tanh_shrink", "sigmoid", "sparse_sigmoid",
    "exponential", "hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink", "linear", "mish", "log_softmax",
    "log_sigmoid", "sparsemax",
)  # fmt: skip
"""Every function of keras.activations that takes nothing but x."""
POLICIES = ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
EDGES = [
    [0.0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 0.5, -0.5, 1.0, -1.0],
    [3.0, -3.0, 6.0, -6.0, 9.0, -9.0, 20.0, -20.0, 60.0, -60.0],
]
SPECIAL = [[np.inf, -np.inf, np.nan, 1e4, -1e4, 0.0]]
WITHOUT_SPECIAL = ("softmax", "log_softmax", "sparsemax")
"""Their results for infinities and NaN depend on the vector instructions of the machine."""
HALF_REFUSED = ("sparsemax",)


def _function(name: str) -> Any:
    def build(keras: Any) -> Any:
        inputs, function = keras.Input((4,)), getattr(keras.activations, name)
        dense = keras.layers.Dense(6, activation=function)(inputs)
        return keras.Model(inputs, [keras.layers.Activation(function)(inputs), dense])

    return build


def _rows(values: list[list[float]]) -> Any:
    return x(len(values), len(values[0]), values=values)


def _masked_embedding(keras: Any) -> Any:
    inputs = keras.Input((None,), dtype="uint8")
    embedded = keras.layers.Embedding(9, 4, mask_zero=True)(inputs)
    return keras.Model(inputs, keras.layers.LSTM(3)(embedded))


def _lora(keras: Any) -> Any:
    inputs = keras.Input((5,), dtype="int32")
    embedded = keras.layers.Embedding(10, 4, lora_rank=2, lora_alpha=6)(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, lora_rank=2)(embedded))


def _mask_value(value: Any) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input((4, 3))
        masked = keras.layers.Masking(np.array(value))(inputs)
        return keras.Model(inputs, [masked, keras.layers.LSTM(2)(masked)])

    return build


def _through_identities(keras: Any) -> Any:
    inputs = keras.Input((5, 3))
    y = keras.layers.Masking(0.0)(inputs)
    y = keras.layers.Identity()(y)
    y = keras.layers.Dropout(0.3)(y)
    y = keras.layers.Activation("relu")(keras.layers.Dense(4)(y))
    return keras.Model(inputs, keras.layers.GRU(3)(y))


def _nested_identity(keras: Any) -> Any:
    a, b = keras.Input((5, 3)), keras.Input((5, 2))
    pair = keras.layers.Identity()([keras.layers.Masking()(a), b])
    return keras.Model([a, b], [keras.layers.LSTM(3)(pair[0]), pair[1]])


def _reversible(**options: Any) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input((5,), dtype="int32")
        made = keras.layers.ReversibleEmbedding(7, 4, **options)
        y = keras.layers.Maximum()([made(inputs), -made(inputs)])
        return keras.Model(inputs, [y, made(y, reverse=True), keras.layers.LSTM(2)(made(inputs))])

    return build


def _softmax_of_masked(keras: Any) -> Any:
    inputs = keras.Input(batch_shape=(1, 4), dtype="int32")
    y = keras.layers.Embedding(6, 4, mask_zero=True)(inputs)
    y = keras.layers.Activation(keras.layers.Softmax(axis=1))(y)
    return keras.Model(inputs, keras.layers.LSTM(2)(y))


def _dense_prelu(keras: Any) -> Any:
    inputs = keras.Input((3, 5))
    made = keras.Model(inputs, keras.layers.Dense(4, activation=keras.layers.PReLU(shared_axes=[1]))(inputs))
    made(np.zeros((1, 3, 5), "float32"))  # Keras makes the weights of a layer within a layer when it first runs
    return made


EINSUMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("abc,cd->abd", {"output_shape": (4, 6), "bias_axes": "d", "activation": "relu"}),
    ("abc,cd->abd", {"output_shape": (None, 6)}),
    ("abc,bd->adc", {"output_shape": (6, 5), "bias_axes": "d"}),
    ("abc,cbd->ad", {"output_shape": 6, "bias_axes": "d"}),
    ("abc,cde->abde", {"output_shape": (4, 2, 3), "bias_axes": "de"}),
    ("abc,cde->abed", {"output_shape": (4, 3, 2), "bias_axes": "d"}),
    ("abc,bcd->abd", {"output_shape": (4, 3), "bias_axes": "bd"}),
    ("...x,xy->...y", {"output_shape": 6, "bias_axes": "y"}),
    ("...x, xy -> ...y".replace(" ", ""), {"output_shape": 6, "activation": "softmax"}),
    ("...bc,cd->...bd", {"output_shape": (4, 6), "bias_axes": "bd"}),
)
EINSUMS_OF_FOUR: tuple[tuple[str, dict[str, Any]], ...] = (
    ("...x,xy->...y", {"output_shape": 6, "bias_axes": "y"}),
    ("ab...,bc->ac...", {"output_shape": 6, "bias_axes": "c"}),
    ("ab...,bc->ac...", {"output_shape": 6}),
    ("abcd,cde->abe", {"output_shape": (3, 6), "bias_axes": "e"}),
    ("abcd,de->aebc", {"output_shape": (6, 3, 4), "bias_axes": "e"}),
)
REVERSIBLE: tuple[dict[str, Any], ...] = (
    {},
    {"tie_weights": False, "mask_zero": True},
    {"logit_soft_cap": 2, "reverse_dtype": "float64"},
    {"dtype": "mixed_float16", "logit_soft_cap": 1.5},
    {"dtype": "mixed_bfloat16", "tie_weights": False, "reverse_dtype": "float32"},
    {"dtype": "float16"},
)

CASES: list[Case] = [
    layer("Dense", x(3, 5), units=4),
    layer("Dense", x(3, 5), units=4, use_bias=False, activation="gelu"),
    layer("Dense", x(2, 7, 5, dynamic=(1,)), units=4, activation="softmax"),
    layer("Dense", x(2, 3, 1, 2, 5, dynamic=(1, 3)), units=1, activation="tanh"),
    layer("Dense", x(3, 1), units=1, use_bias=False),
    layer("Dense", x(3, 5, dtype="int32"), units=4, activation="elu"),
    layer("Dense", x(3, 5, dtype="uint8", low=0, high=255), units=4, dtype="mixed_bfloat16"),
    layer("Dense", x(3, 5, dtype="bool"), units=4),
    layer("Dense", x(3, 5, dtype="float64"), units=4),
    layer("Dense", x(3, 5, dtype="float16"), units=4, activation="selu"),
    layer("Dense", x(3, 5), units=4, activation=("keras.layers.LeakyReLU", {"negative_slope": 0.3})),
    model("PReLU inside Dense", _dense_prelu, x(2, 3, 5)),
    layer("Dense", x(2, 4, 4, masked=((0, 1),)), mask=True, units=4, activation=("keras.layers.Softmax", {"axis": 1})),
    *[layer("Dense", x(3, 5), units=4, dtype=policy, activation="sigmoid") for policy in POLICIES],
    *[layer("Dense", x(3, 5), units=6, activation=name) for name in FUNCTIONS],
    *[model(f"function {name}", _function(name), x(3, 4)) for name in FUNCTIONS],
    *[layer("Activation", _rows(EDGES), activation=name) for name in FUNCTIONS],
    *[layer("Activation", _rows(SPECIAL), activation=n) for n in FUNCTIONS if n not in WITHOUT_SPECIAL],
    *[
        layer("Activation", _rows(EDGES), activation=name, dtype=policy)
        for name in FUNCTIONS
        for policy in POLICIES
        if policy == "float64" or name not in HALF_REFUSED
    ],
    layer("Activation", x(3, 4, dtype="int32", low=-5, high=9), activation="relu"),
    layer("Activation", x(3, 4, dtype="int32", low=-5, high=9), activation="relu6"),
    layer("Activation", x(2, 3, 4, dynamic=(1,)), activation=("keras.layers.ELU", {"alpha": 0.7})),
    model("softmax as a layer inside Activation gets the mask", _softmax_of_masked, ids(1, 4, high=6)),
    layer("Embedding", ids(3, 6), input_dim=10, output_dim=4),
    layer("Embedding", ids(3, 6), input_dim=10, output_dim=4, mask_zero=True),
    layer("Embedding", ids(4, 6, low=-10), input_dim=10, output_dim=4),
    layer("Embedding", ids(2, 3, 2, dynamic=(1, 2)), input_dim=10, output_dim=1, mask_zero=True),
    layer("Embedding", ids(4), input_dim=10, output_dim=3),
    *[layer("Embedding", ids(3, 6, dtype=t), input_dim=10, output_dim=4) for t in ("int8", "int16", "int64")],
    *[layer("Embedding", ids(3, 6, dtype=t), input_dim=10, output_dim=4) for t in ("uint8", "uint16", "uint32")],
    layer("Embedding", x(3, 6, low=0.0, high=9.9), input_dim=10, output_dim=4, mask_zero=True),
    layer("Embedding", x(3, 6, low=-9.9, high=9.9, dtype="float64"), input_dim=10, output_dim=4),
    layer("Embedding", x(3, 6, dtype="bool"), input_dim=2, output_dim=4, mask_zero=True),
    *[layer("Embedding", ids(3, 6), input_dim=10, output_dim=4, dtype=policy) for policy in POLICIES],
    model("mask of an Embedding of uint8", _masked_embedding, ids(3, 6, high=9, dtype="uint8")),
    model("LoRA", _lora, ids(3, 5)),
    *[
        model(
            f"ReversibleEmbedding {options}",
            _reversible(**options),
            ids(3, 5, high=7),
            tolerance=1e-5 if i < 3 else 1e-2,
        )
        for i, options in enumerate(REVERSIBLE)
    ],
    *[layer("EinsumDense", x(2, 4, 5), equation=equation, **options) for equation, options in EINSUMS],
    *[layer("EinsumDense", x(2, 3, 4, 5), equation=equation, **options) for equation, options in EINSUMS_OF_FOUR],
    layer("EinsumDense", x(2, 4, 5, dynamic=(1,)), equation="abc,cd->abd", output_shape=(None, 6), bias_axes="d"),
    layer("EinsumDense", x(2, 4, 5, dtype="int32"), equation="abc,cd->abd", output_shape=(4, 6), lora_rank=2),
    *[
        layer("EinsumDense", x(2, 4, 5), equation="...x,xy->...y", output_shape=3, bias_axes="y", dtype=p)
        for p in POLICIES
    ],
    layer("Masking", x(3, 4, 2, masked=((0, 1), (2, 0))), mask_value=0.0),
    layer("Masking", x(2, 3, values=[[[1.0], [2.0], [np.inf]], [[np.nan], [1.0], [-np.inf]]]), mask_value=1),
    layer("Masking", x(2, 3, 2, values=[[[0.1, 0.1], [0.1, 0.2], [0, 0]]] * 2), mask_value=0.1),
    *[layer("Masking", x(1, 3, 1, values=[[[0.1], [0.5], [0]]]), mask_value=0.1, dtype=p) for p in POLICIES],
    *[layer("Masking", x(1, 3, 1, values=[[[0.1], [0.5], [0]]]), mask_value=0.5, dtype=p) for p in POLICIES],
    layer("Masking", ids(3, 4, 2, high=2), mask_value=1.0),
    layer("Masking", ids(3, 4, 2, high=2, dtype="uint8"), mask_value=1),
    layer("Masking", x(3, 4, 2, 2, dynamic=(1, 2), masked=((1, 1),))),
    layer("Masking", x(5, values=[0.0, 1.0, 2.0, 0.0, 0.5])),
    model("Masking with a value for each feature", _mask_value([0.0, 1.0, 0.5]), x(2, 4, 3, masked=((0, 1),))),
    model("masks pass through identities", _through_identities, x(3, 5, 3, masked=((0, 1), (2, 4), (1, 0)))),
    model("Identity of a list", _nested_identity, (x(3, 5, 3, masked=((0, 1), (2, 4))), x(3, 5, 2))),
    layer("Identity", x(2, 3, dynamic=(1,))),
    layer("Identity", x(2, 3), dtype="float16"),
    layer("Identity", x(2, 3), dtype="int32"),
]
