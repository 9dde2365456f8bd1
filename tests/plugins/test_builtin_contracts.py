"""The built-in layers run the contract that plugin authors run."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert.testing import LayerContract

RNG = np.random.default_rng(5)


def uniform(*shape: int) -> np.ndarray:
    return RNG.uniform(-1, 1, shape).astype("float32")


class TestDense(LayerContract):
    layer = "keras.layers.Dense"
    config = {"units": 4, "use_bias": True, "activation": "tanh"}
    weights = [uniform(5, 4), uniform(4)]
    x = uniform(3, 2, 5)
    mask = np.array([[True, False], [True, True], [False, True]])

    def expected(self, x: Any) -> Any:
        return np.tanh(x @ self.weights[0] + self.weights[1])


class TestActivation(LayerContract):
    layer = "keras.layers.Activation"
    config = {"activation": "softplus"}
    x = uniform(3, 4)

    def expected(self, x: Any) -> Any:
        return np.log1p(np.exp(x))


class TestEmbedding(LayerContract):
    layer = "keras.layers.Embedding"
    config = {"input_dim": 6, "output_dim": 3, "mask_zero": True}
    weights = [uniform(6, 3)]
    x = np.array([[1, 5, 0], [0, 0, 2]], "int32")

    def expected(self, x: Any) -> Any:
        return self.weights[0][x]

    def expected_mask(self) -> Any:
        return self.x != 0


class TestMasking(LayerContract):
    layer = "keras.layers.Masking"
    config = {"mask_value": 2.0}
    x = np.array([[[2, 2], [1, 2]], [[2, 2], [2, 2]], [[0, 3], [4, 5]]], "float32")

    def expected(self, x: Any) -> Any:
        return x * self.expected_mask()[..., None]

    def expected_mask(self) -> Any:
        return np.array([[False, True], [False, False], [True, True]])


class TestLeakyReLU(LayerContract):
    layer = "keras.layers.LeakyReLU"
    config = {"negative_slope": 0.25}
    x = uniform(2, 3, 4)
    mask = np.array([[True, False, True], [False, False, True]])

    def expected(self, x: Any) -> Any:
        return np.where(x > 0, x, 0.25 * x)


class TestIdentity(LayerContract):
    layer = "keras.layers.Identity"
    x = [uniform(2, 3), {"a": uniform(2), "b": uniform(2, 2, 2)}]

    def expected(self, x: Any) -> Any:
        return x


class TestAdd(LayerContract):
    layer = "keras.layers.Add"
    x = [uniform(3, 4), uniform(3, 1)]

    def expected(self, x: Any) -> Any:
        return x[0] + x[1]


class TestBatchNormalization(LayerContract):
    layer = "keras.layers.BatchNormalization"
    config = {"axis": -1, "epsilon": 1e-3, "momentum": 0.9, "center": True, "scale": True}
    weights = [uniform(4), uniform(4), uniform(4), np.abs(uniform(4)) + 0.5]
    x = uniform(3, 2, 4)

    def expected(self, x: Any) -> Any:
        gamma, beta, mean, variance = self.weights
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


class TestGlobalAveragePooling1D(LayerContract):
    layer = "keras.layers.GlobalAveragePooling1D"
    config = {"data_format": "channels_last", "keepdims": False}
    x = uniform(3, 4, 2)
    mask = np.array([[True, True, False, False], [True, False, True, True], [True, True, True, True]])

    def expected(self, x: Any) -> Any:
        kept = self.mask[..., None]
        return (x * kept).sum(1) / kept.sum(1)

    def expected_mask(self) -> Any:
        return None


class TestSimpleRNN(LayerContract):
    layer = "keras.layers.SimpleRNN"
    config = {
        "units": 3, "activation": "tanh", "use_bias": True, "return_sequences": True, "return_state": False,
        "go_backwards": False, "stateful": False, "unroll": False,
    }  # fmt: skip
    weights = {"cell/vars/0": uniform(2, 3), "cell/vars/1": uniform(3, 3), "cell/vars/2": uniform(3)}
    x = uniform(2, 4, 2)
    mask = np.array([[True, True, False, True], [True, True, True, False]])

    def expected(self, x: Any) -> Any:
        kernel, recurrent, bias = self.weights.values()
        h, outputs = np.zeros((2, 3), x.dtype), []
        for t in range(4):
            new = np.tanh(x[:, t] @ kernel + h @ recurrent + bias)
            h = np.where(self.mask[:, t, None], new, h)
            outputs.append(h)
        return np.stack(outputs, 1)


class TestStringLookup(LayerContract):
    layer = "keras.layers.StringLookup"
    config = {
        "max_tokens": None, "num_oov_indices": 1, "mask_token": None, "oov_token": "[UNK]", "vocabulary": None,
        "invert": False, "output_mode": "int", "pad_to_max_tokens": False, "sparse": False, "encoding": "utf-8",
        "vocabulary_dtype": "string",
    }  # fmt: skip
    assets = {"vocabulary.txt": b"red\ngreen\n"}
    x = np.array([["green", "blue"], ["", "red"]], object)

    def expected(self, x: Any) -> Any:
        return np.array([[2, 0], [0, 1]])
