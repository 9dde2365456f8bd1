"""Which Keras wrote a config that does not say: told from settings that only one of them writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

KERAS_1 = {"border_mode", "nb_filter", "inner_activation", "dim_ordering", "output_dim", "init", "b_regularizer"}
KERAS_2 = {"batch_input_shape", "kernel_initializer", "input_dtype"}
SHARED = {"Embedding"}
"""Layers whose settings of Keras 1 are those of Keras 2 and 3, too."""


def written_by(config: Any) -> str:
    """Return '1', '2' or '3': the major version of the Keras that wrote a serialised model.

    Keras 3 gives every serialised object its module, and its inputs a `batch_shape`; only Keras 1 writes
    `border_mode` and its like.
    """
    settings: set[str] = set()
    modern = False
    for layer in _layers(config):
        inner = layer.get("config")
        if isinstance(inner, Mapping):
            modern = modern or (layer.get("class_name") == "InputLayer" and "batch_shape" in inner)
            settings.update(() if layer.get("class_name") in SHARED else inner)
    if modern:
        return "3"
    if settings & KERAS_1 and not settings & KERAS_2 - {"batch_input_shape", "input_dtype"}:
        return "1"
    return "2" if "batch_input_shape" in settings or not _has_modules(config) else "3"


def _has_modules(config: Any) -> bool:
    return isinstance(config, Mapping) and "module" in config


def _layers(config: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every serialised layer in a config, whatever the nesting."""
    stack = [config]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            if "class_name" in value:
                yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
