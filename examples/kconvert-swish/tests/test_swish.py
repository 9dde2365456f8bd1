"""The layer and the op keep kconvert's contract, and the stored model gives what Keras gave."""

from pathlib import Path

import numpy as np

import kconvert
from kconvert.testing import LayerContract, OpContract

FOLDER = Path(__file__).parents[1]
MASK = np.array([[True, True, False], [True, False, False]])


def swish(x, beta):
    return x / (1 + np.exp(-beta * x))


class TestSwishLayer(LayerContract):
    layer = "acme>Swish"
    config = {"initial_beta": 1.5, "zero_masked": True}
    weights = [np.array([0.5, 1.0, 2.0, -1.0], "float32")]
    x = np.linspace(-3, 3, 24, dtype="float32").reshape(2, 3, 4)
    mask = MASK

    def expected(self, x):
        return swish(x, self.weights[0]) * MASK[..., None]


class TestSwishWithoutMask(TestSwishLayer):
    mask = None

    def expected(self, x):
        return swish(x, self.weights[0])


class TestSwishOp(OpContract):
    op = "acme::swish"
    inputs = [np.linspace(-3, 3, 24, dtype="float32").reshape(2, 3, 4), np.array([0.5, 1.0, 2.0, -1.0], "float32")]

    def expected(self, x, beta):
        return swish(x, beta)


def test_the_model_gives_what_keras_gave(tmp_path):
    kconvert.convert(FOLDER / "swish.keras", tmp_path / "out")
    y = kconvert.load(tmp_path / "out")(np.load(FOLDER / "input.npy"))
    np.testing.assert_allclose(y, np.load(FOLDER / "output.npy"), rtol=1e-5, atol=1e-6)
