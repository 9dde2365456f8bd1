"""The contract kit: what every converted layer and every op has to hold, as classes to subclass.

    class TestSwish(LayerContract):
        layer = "acme>Swish"
        config = {"initial_beta": 1.5}
        weights = [np.array([0.5, 1.0, 2.0], "float32")]
        x = np.linspace(-3, 3, 12, dtype="float32").reshape(4, 3)

        def expected(self, x):
            return x / (1 + np.exp(-self.weights[0] * x))

The classes need neither Keras nor pytest: their tests take no fixtures and raise AssertionError.
"""

from __future__ import annotations

from .contract import Contract
from .conversion import Converted, convert_layer, convert_op, registry_of
from .gradients import check_vjp
from .layers import LayerContract
from .ops import OpContract

__all__ = [
    "Contract",
    "Converted",
    "LayerContract",
    "OpContract",
    "check_vjp",
    "convert_layer",
    "convert_op",
    "registry_of",
]
