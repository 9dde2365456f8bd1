"""Layers under quantized dtype policies, maps of policies, and LoRA; all compared with the model that Keras loads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .spec import HALF, Case, construct, ids, layer, model, op, x

INT8, INT4 = "keras.quantizers.Int8QuantizationConfig", "keras.quantizers.Int4QuantizationConfig"
ABS_MAX = "keras.quantizers.AbsMaxQuantizer"


def quantized(case: Case, mode: str, config: Any = None, lora: int = 0) -> Case:
    """The case with its model quantized; `config` is an option as `construct` takes it. lora: the rank of LoRA."""

    def step(keras: Any, made: Any) -> None:
        made.quantize(**({"config": construct(keras, config)} if config else {"mode": mode}))
        if lora:
            _enable_lora(made, lora)

    said = f"{mode}{'' if config is None else f' {config[1]}'}{f' lora {lora}' if lora else ''}"
    tolerance = 1e-2 if case.options.get("dtype") in HALF else 1e-5
    return replace(case, name=f"{case.name} quantized by {said}", step=step, tolerance=tolerance)


def _enable_lora(made: Any, rank: int) -> None:
    rng = np.random.default_rng(5)
    for inner in made.layers[1:]:
        inner.enable_lora(rank, lora_alpha=2 * rank)
    for weight in made.weights:
        if "lora" in weight.path:
            weight.assign(rng.uniform(-0.3, 0.3, weight.shape))


def _block(bits: int, **options: Any) -> Any:
    """Return the builder and the step of a model of which the layers in a block are quantized with calibration data."""
    name = "AWQConfig" if bits == 0 else "GPTQConfig"
    extra = {} if bits == 0 else {"weight_bits": bits}

    def build(keras: Any) -> Any:
        layers = keras.layers
        embedding = layers.Embedding(9, 8, name="embedding")
        block = keras.Sequential(
            [
                layers.Dense(8, activation="relu"),
                layers.EinsumDense("abc,cde->abde", (4, 2, 3), bias_axes="de"),
                layers.EinsumDense("abcd,cde->abe", (4, 8)),
                layers.Dense(7, use_bias=False),
            ],
            name="block",
        )
        inputs = keras.Input((4,), dtype="int32")
        made = keras.Model(inputs, layers.Dense(3, name="last")(block(embedding(inputs))))
        made.get_quantization_layer_structure = lambda mode=None: {
            "pre_block_layers": [embedding], "sequential_blocks": [block],
        }  # fmt: skip
        return made

    def step(keras: Any, made: Any) -> None:
        data = np.random.default_rng(3).integers(0, 9, (4, 4)).astype("int32")
        config = getattr(keras.quantizers, name)(
            dataset=data, tokenizer=lambda text: text, num_samples=4, sequence_length=4, **extra, **options
        )
        made.quantize(config.mode, config=config, filters=lambda inner: inner.name != "last")
        for inner in made.get_layer("block").layers:  # Keras 3.15 leaves out the zeros, and cannot load the file then
            inner._get_kernel_with_merged_lora = lambda inner=inner: (None, None, inner.kernel_zero)

    case = model(f"{name} {extra} {options}", build, ids(3, 4, high=9), 1e-5)
    return replace(case, step=step)


def _net(keras: Any) -> Any:
    inputs = keras.Input((6, 5))
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="tanh")])
    y = keras.layers.TimeDistributed(inner)(keras.layers.Dense(4)(inputs))
    return keras.Model(inputs, keras.layers.Bidirectional(keras.layers.LSTM(3))(y))


def _wrapped(keras: Any) -> Any:
    inputs = keras.Input((6, 5))
    y = keras.layers.SpectralNormalization(keras.layers.Dense(4))(inputs)
    return keras.Model(inputs, keras.layers.TimeDistributed(keras.layers.Dense(3))(y))


def _attention(class_name: str, policy: str, **options: Any) -> Case:
    """An attention layer whose map of policies quantizes the dense layers in it."""

    def build(keras: Any) -> Any:
        get = keras.dtype_policies.get
        entries = dict.fromkeys(("many", "many/softmax", "many/dropout"), get("float32"))
        policies = keras.dtype_policies.DTypePolicyMap(get(policy), entries)
        if policy.startswith("float8"):
            policies = keras.dtype_policies.DTypePolicyMap(get("float32"), {"many/[qa].*": get(policy)})
        inputs = keras.Input((6, 5))
        made = getattr(keras.layers, class_name)(name="many", dtype=policies, **options)
        return keras.Model(inputs, made(inputs, inputs))

    return _reloaded(model(f"{class_name} with a map: {policy} {options}", build, x(2, 6, 5), 1e-5))


def _reloaded(case: Case) -> Case:
    return replace(case, step=lambda keras, made: None)


def _map(keras: Any) -> Any:
    get, policy_map = keras.dtype_policies.get, keras.dtype_policies.DTypePolicyMap
    entries = {".*half": "float16", "double|other": "float64", "eight": "float8_from_bfloat16"}
    policies = policy_map("float32", {path: get(policy) for path, policy in entries.items()})
    inputs = keras.Input((5,))
    names = ("one_half", "double", "eight", "whole")
    outputs = [keras.layers.Dense(3, name=name, dtype=policies)(inputs) for name in names]
    whole = keras.layers.Dense(3, name="whole", dtype=policy_map("int8_from_float32", {"inner/whole": get("float16")}))
    inner = keras.Sequential([keras.Input((5,)), whole], name="other")
    return keras.Model(inputs, [*outputs, inner(inputs)])


def _reversible(**options: Any) -> Case:
    def build(keras: Any) -> Any:
        inputs, vectors = keras.Input((5,), dtype="int32"), keras.Input((5, 7))
        made = keras.layers.ReversibleEmbedding(9, 7, mask_zero=True, **options)
        return keras.Model([inputs, vectors], [made(inputs), made(vectors, reverse=True)])

    return replace(model(f"ReversibleEmbedding {options}", build, (ids(3, 5, high=9), x(3, 5, 7))), options=options)


def _through_quantizers(keras: Any) -> Any:
    inputs = keras.Input((4, 5))
    whole, scale = keras.quantizers.AbsMaxQuantizer(axis=-1)(inputs)
    eight = keras.ops.cast(inputs, "float8_e4m3fn")
    faked = keras.quantizers.fake_quant_with_min_max_vars(inputs, -1.0, 1.5)
    return keras.Model(inputs, [whole, scale, keras.layers.Dense(3)(eight), faked])


def _scales_of_float8(case: Case) -> Case:
    """Give the layers quantized by float8 other scales than 1, as training does."""

    def step(keras: Any, made: Any) -> None:
        made.quantize("float8")
        for i, weight in enumerate(weight for weight in made.weights if weight.path.endswith("_scale")):
            weight.assign(0.01 * (i + 1))

    return replace(case, name=f"{case.name} quantized by float8 with scales", step=step)


WEIGHTS_ONLY = (INT8, {"activation_quantizer": None})
OTHER_RANGE = (INT8, {"activation_quantizer": (ABS_MAX, {"axis": 0, "value_range": (-100, 90), "epsilon": 0.01})})
COLUMNS = (INT4, {"block_size": None})
BOTH = (INT4, {"block_size": -1, "activation_quantizer": (ABS_MAX, {"axis": -1})})
BLOCKS = (INT4, {"block_size": 3})
FORMS: tuple[tuple[str, Any], ...] = (
    ("int8", None), ("int8", WEIGHTS_ONLY), ("int8", OTHER_RANGE), ("int4", None), ("int4", COLUMNS), ("int4", BOTH),
    ("int4", BLOCKS), ("float8", None),
)  # fmt: skip
LOOKED_UP = tuple(form for form in FORMS if form[0] != "float8" and form[1] != OTHER_RANGE)
POLICIES = ("float64", "mixed_bfloat16", "mixed_float16")
EINSUMS: tuple[tuple[str, dict[str, Any], tuple[int, ...]], ...] = (
    ("abc,cde->abde", {"output_shape": (None, 2, 3), "bias_axes": "de"}, (2, 4, 5)),
    ("abcd,cde->abe", {"output_shape": (None, 7)}, (2, 4, 2, 3)),
    ("abc,bd->adc", {"output_shape": (6, 5), "bias_axes": "d", "activation": "relu"}, (2, 4, 5)),
    ("abc,cbd->ad", {"output_shape": 7}, (2, 4, 5)),
    ("abcd,bdef->acef", {"output_shape": (2, 4, 3), "bias_axes": "ef"}, (2, 3, 2, 5)),
)

CASES: list[Case] = [
    *[quantized(layer("Dense", x(2, 3, 5), units=7, activation="tanh"), *form) for form in FORMS],
    *[quantized(layer("Dense", x(4, 5), units=6, use_bias=False, dtype=p), *f)
      for p in POLICIES for f in FORMS if (p, f[0]) != ("mixed_float16", "int8")],
    quantized(layer("Dense", x(4, 300), units=2), "int4"),
    quantized(layer("Dense", x(3, 1500, low=-3, high=3), units=2), "int8"),
    quantized(layer("Dense", x(4, 5, dtype="float16", dynamic=()), units=6), "int8"),
    quantized(layer("Dense", x(4, 3, 5, dynamic=(1,)), units=6), "int8", None, 2),
    quantized(layer("Dense", x(4, 5), units=7), "int4", BLOCKS, 2),
    quantized(layer("EinsumDense", x(2, 4, 5), equation="abc,cde->abde", output_shape=(4, 2, 3)), "int8", None, 2),
    quantized(layer("Embedding", ids(3, 5), input_dim=10, output_dim=7), "int4", None, 2),
    *[_scales_of_float8(layer("Dense", x(4, 5), units=6, dtype=p)) for p in ("float32", "bfloat16")],
    *[quantized(layer("EinsumDense", x(*shape), equation=equation, **options), *form)
      for equation, options, shape in EINSUMS for form in FORMS],
    *[quantized(layer("EinsumDense", x(2, 4, 5), equation="abc,cd->abd", output_shape=(4, 6), dtype=p), *f)
      for p in ("bfloat16",) for f in FORMS],
    quantized(layer("EinsumDense", x(2, 4, 5), equation="...x,xy->...y", output_shape=3, bias_axes="y"), "float8"),
    *[quantized(layer("Embedding", ids(3, 5), input_dim=10, output_dim=7, mask_zero=True), *f) for f in LOOKED_UP],
    *[quantized(layer("Embedding", ids(3, 5), input_dim=10, output_dim=7, dtype=p), *f)
      for p in POLICIES for f in (("int8", None), ("int4", COLUMNS), ("int4", BLOCKS))
      if (p, f[0]) != ("mixed_float16", "int8")],
    *[quantized(_reversible(**options), *form)
      for options in ({}, {"tie_weights": False, "logit_soft_cap": 1.5}) for form in LOOKED_UP],
    *[quantized(_reversible(dtype="mixed_bfloat16", reverse_dtype="float32"), *form) for form in LOOKED_UP],
    *[quantized(model("layers within layers", _net, x(2, 6, 5)), mode) for mode in ("int8", "int4", "float8")],
    quantized(model("float8 within wrappers", _wrapped, x(2, 6, 5)), "float8"),
    *[_block(bits, **options) for bits, options in (
        (2, {"group_size": 4}), (3, {"group_size": -1}), (4, {"group_size": 4, "activation_order": True}),
        (8, {"group_size": 3, "symmetric": True}), (0, {"group_size": 4}), (0, {"group_size": -1}))],
    *[_attention("MultiHeadAttention", policy, num_heads=2, key_dim=3, value_dim=4)
      for policy in ("int8_from_float32", "int4_from_float32", "int4/2_from_float32", "float8_from_float32")],
    _attention("GroupQueryAttention", "int8_from_float32", head_dim=3, num_query_heads=4, num_key_value_heads=2,
               use_gate=True),
    _attention("MultiHeadAttention", "int8_from_float32", num_heads=2, key_dim=3, output_shape=(3, 2), use_bias=False),
    _reloaded(model("maps of dtype policies", _map, x(3, 5), 1e-2)),
    model("quantizers as operations", _through_quantizers, x(3, 4, 5), 1e-5),
    *[op("cast", op_, dtype) for dtype in ("float8_e4m3fn", "float8_e5m2") for op_ in (
        x(2, 9, values=[[0.0, -0.0, 1e-3, -3e-3, 0.3, 464.0, 465.0, -1e9, 6e4], [1.0, 17.0, 19.0, 2.2, 1e-9, 7.0, 5.5,
                                                                              61440.0, np.inf]]),
        x(2, 7, dtype="float64"), x(2, 7, dtype="bfloat16"))],
]  # fmt: skip
