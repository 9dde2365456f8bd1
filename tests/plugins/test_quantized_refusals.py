"""Quantized layers that Keras cannot load, or whose numbers are not sure, are refused with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kconvert import Unsupported
from kconvert.testing import convert_layer
from tests.helpers import layer_config

INT8 = "int8_from_float32"
FLOAT8 = {"units": 2, "dtype": "float8_from_float32", "lora_rank": 2}
ROWS = np.zeros((2, 3), "float32")
SEQUENCE = np.zeros((2, 4, 3), "float32")
DENSE = {"units": 2, "dtype": INT8}
EINSUM = {"equation": "...x,xy->...y", "output_shape": 2, "dtype": INT8}
ATTENTION = {"num_heads": 1, "key_dim": 2, "use_bias": False}
KERNEL8 = [np.zeros((3, 2), "int8"), np.zeros(2, "float32"), np.ones(2, "float32")]


def policy(class_name: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.dtype_policies", "class_name": class_name, "config": config, "registered_name": None}


def policies(default: str, **entries: str) -> dict[str, Any]:
    found = {path.replace("__", "/"): policy("DTypePolicy", name=name) for path, name in entries.items()}
    return policy("DTypePolicyMap", default_policy=default, policy_map=found)


def quantizer(module: str = "keras.quantizers", **config: Any) -> dict[str, Any]:
    inner = {"module": module, "class_name": "AbsMaxQuantizer", "config": config}
    return {
        "module": "keras.quantizers",
        "class_name": "Int8QuantizationConfig",
        "config": {"activation_quantizer": inner},
    }


def named(**entries: str) -> dict[str, Any]:
    """A layer 'a' with a map of dtype policies."""
    return {"units": 2, "name": "a", "dtype": policies("float32", **entries)}


REFUSED: list[tuple[str, str, dict[str, Any], Any, Any]] = [
    ("Keras has no such form of it", "LSTM", {"units": 2, "dtype": INT8}, SEQUENCE, ()),
    ("Keras has no such form of it", "Flatten", {"dtype": "int4/8_from_float32"}, ROWS, ()),
    ("is not one that Keras has", "Dense", {"units": 2, "dtype": "int8_from_float16"}, ROWS, ()),
    ("is not one that Keras has", "Dense", {"units": 2, "dtype": "gptq/5/8_from_float32"}, ROWS, ()),
    ("is not one that Keras has", "Dense", {"units": 2, "dtype": "int4/0_from_float32"}, ROWS, ()),
    ("does not save the kernel_zero", "Dense", {"units": 2, "dtype": "gptq/8/-1_from_float32"}, ROWS, KERNEL8),
    ("cannot load that together with float8", "Dense", FLOAT8, ROWS, ()),
    ("only converted for floats", "Dense", DENSE, np.zeros((2, 3), "int32"), KERNEL8),
    ("is stored as int8", "Dense", {"units": 2}, ROWS, KERNEL8),
    ("is stored as float32", "Dense", DENSE, ROWS, [np.zeros((3, 2), "float32"), *KERNEL8[1:]]),
    ("has '...', which Keras cannot quantize", "EinsumDense", EINSUM, SEQUENCE, ()),
    ("only int8 is converted", "Dense", {**DENSE, "quantization_config": quantizer(output_dtype="int4")}, ROWS, ()),
    ("activation_quantizer is not one of", "Dense", {**DENSE, "quantization_config": quantizer("acme")}, ROWS, KERNEL8),
    ("whose scales Keras overlooks", "TimeDistributed", {"layer": layer_config("Dense", "d", **DENSE)}, SEQUENCE, ()),
    ("cannot load the two together", "SpectralNormalization", {"layer": layer_config("Dense", "d", **DENSE)}, ROWS, ()),
    ("not one for cells", "RNN", {"cell": layer_config("LSTMCell", "c", units=2, dtype=INT8)}, SEQUENCE, ()),
    ("another one for its lstm_cell", "LSTM", named(a__lstm_cell="float64"), SEQUENCE, ()),
    ("fits several entries", "Dense", named(**{"a?": "float64", ".": "float16"}), ROWS, ()),
    ("not one to try", "Dense", named(**{"(a+)+": "float64"}), ROWS, ()),
    ("not one to try", "Dense", named(**{"(": "float64"}), ROWS, ()),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "class_name", "config", "x", "weights"), REFUSED)
def test_it_says_why(reason: str, class_name: str, config: dict[str, Any], x: Any, weights: Any) -> None:
    with pytest.raises(Unsupported) as error:
        convert_layer(f"keras.layers.{class_name}", config, x, weights=weights)
    assert reason in str(error.value)


@pytest.mark.parametrize("extra", [np.ones((1, 1, 1, 2), "float32"), None])
def test_attention_quantized_inside(extra: Any) -> None:
    """Its own config does not say so, so that Keras builds it as it was; only its variables show it."""
    kernel = np.zeros((3, 1, 2), "int8" if extra is None else "float32")
    stored = {f"{name}_dense/vars/0": kernel for name in ("query", "key", "value", "output")}
    if extra is not None:
        stored["query_dense/vars/1"] = extra
    with pytest.raises(Unsupported, match=r"is stored as int8|was quantized"):
        convert_layer("keras.layers.MultiHeadAttention", ATTENTION, SEQUENCE, weights=stored, call={"value": SEQUENCE})


def test_weights_stay_packed() -> None:
    """A kernel of 4 bits takes half a byte for each weight in the bundle."""
    stored = [np.full((6, 4), 0x21, "int8"), np.zeros(8, "float32"), np.ones(8, "float32")]
    made = convert_layer(
        "keras.layers.Dense", {"units": 8, "dtype": "int4_from_float32"}, np.ones((2, 6), "float32"), weights=stored
    )
    assert made.weights["dense/kernel"].dtype == np.int8
    assert made.weights["dense/kernel"].nbytes == 24
    np.testing.assert_array_equal(made.model()(np.ones((2, 6), "float32")), [[6, 12] * 4] * 2)
