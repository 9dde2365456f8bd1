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
