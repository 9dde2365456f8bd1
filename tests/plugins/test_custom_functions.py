"""Activation functions of someone's own: a plugin converts them by the name that Keras stores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kconvert import Unsupported
from kconvert.testing import convert_layer, registry_of

KERNEL = np.array([[1, -1], [2, 0.5], [-0.5, 3]], "float32")
X = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)


def function(name: str) -> dict[str, Any]:
    """A function as Keras serialises it."""
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def bent(call: Any, emit: Any) -> Any:
    """Return x relu(x)."""
    return emit.op("multiply", call.x, emit.op("relu", call.x))


@pytest.mark.parametrize("name", ["acme>bent", "bent"])
def test_a_function_that_a_plugin_converts(name: str) -> None:
    config = {"units": 2, "use_bias": False, "activation": function(name)}
    registry = registry_of(lambda register: register(name, bent))
    y = convert_layer("keras.layers.Dense", config, X, weights=[KERNEL], registry=registry).model()(X)
    np.testing.assert_allclose(y, X @ KERNEL * np.maximum(X @ KERNEL, 0), rtol=1e-6)


def test_a_function_that_nobody_converts() -> None:
    config = {"units": 2, "use_bias": False, "activation": function("acme>bent")}
    with pytest.raises(Unsupported, match="acme>bent"):
        convert_layer("keras.layers.Dense", config, X, weights=[KERNEL], registry=registry_of())


def test_numbers_are_not_symbols() -> None:
    def lower(call: Any, emit: Any) -> Any:
        return emit.op("multiply", call.x, 2.0)

    with pytest.raises(TypeError, match=r"multiply takes symbols, got 2.0; write emit.constant\(value, dtype\)"):
        convert_layer("acme>Twice", {}, X, registry=registry_of(lambda register: register("acme>Twice", lower)))
