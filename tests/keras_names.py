"""The names of all that Keras can save in a model: layer classes and operations, stored so that tests need no Keras.

python -m tests.keras_names     # writes tests/keras_names.json; needs Keras
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")
MODULES = (
    "ops.core", "ops.einops", "ops.image", "ops.linalg", "ops.math", "ops.nn", "ops.numpy", "ops.operation",
    "ops.function", "activations.activations", "quantizers.quantizers",
)  # fmt: skip
"""Modules of keras.src that define operations."""


def stored() -> dict[str, Any]:
    """Return the version of Keras that the list is of, and the names under 'layers' and 'operations'."""
    names: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return names


def installed() -> dict[str, Any]:
    """Return the same of the Keras that is installed."""
    import keras

    return {"keras": keras.__version__, "layers": _layers(keras), "operations": _operations()}


def _layers(keras: Any) -> list[str]:
    """Names under which files hold the classes of keras.layers: those that they are exported by."""
    from keras.src.api_export import get_name_from_symbol

    found = [value for value in vars(keras.layers).values() if isinstance(value, type)]
    classes = [value for value in found if issubclass(value, keras.layers.Layer)]
    return sorted({get_name_from_symbol(value).rpartition(".")[2] for value in classes})


def _operations() -> list[str]:
    """Names of the classes that the functions of keras.ops and keras.activations put into a model."""
    modules = [import_module(f"keras.src.{name}") for name in MODULES]
    operation = import_module("keras.src.ops.operation").Operation
    layer = import_module("keras.src.layers.layer").Layer
    own = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    return sorted({value.__name__ for value in own if issubclass(value, operation) and not issubclass(value, layer)})


if __name__ == "__main__":
    FILE.write_text(json.dumps(installed(), indent=1) + "\n", "utf-8")
