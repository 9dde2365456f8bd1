"""The calls of Functional models, as Keras 1 and 2 wrote them -> args and kwargs with tensors, as Keras 3 does.

Keras 2 lists `[layer, call, output, kwargs]` for each input tensor; tensors inside kwargs stand as
`[layer, call, output]`, constants in place of a layer as `_CONSTANT_VALUE`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from . import tensorflow
from .tensorflow import modern_operation

CONSTANT = "_CONSTANT_VALUE"


def modern_calls(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the layers of a Functional model with their `inbound_nodes` in Keras 3's form."""
    named = {str(layer.get("name") or _config(layer).get("name")): layer for layer in layers if layer.get("config")}
    counted = _calls_read([layer.get("inbound_nodes") for layer in layers], named)
    names = {name: int(_has_own_call(layer) and min(counted.get(name, [0])) > 0) for name, layer in named.items()}
    return [_modern(layer, names) for layer in layers]


def _config(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    config = layer.get("config")
    return config if isinstance(config, Mapping) else {}


def _has_own_call(layer: Mapping[str, Any]) -> bool:
    """Whether a layer is a model with inputs, which is born with a call: Keras 1 and 2 count the others from 1."""
    if layer.get("class_name") == "Sequential":
        inner = _config(layer).get("layers") or [{}]
        return isinstance(inner, list) and inner[0].get("class_name") == "InputLayer"
    return layer.get("class_name") == "Functional"


def _calls_read(value: Any, names: Container[str]) -> dict[str, list[int]]:
    """Return which calls of each layer are read, in the numbers of a file of Keras 1 or 2."""
    found: dict[str, list[int]] = {}
    stack = [value]
    while stack:
        value = stack.pop()
        if _is_reference(value, names):
            found.setdefault(value[0], []).append(value[1])
        stack.extend(value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ())
    return found


def _modern(layer: dict[str, Any], names: Mapping[str, int]) -> dict[str, Any]:
    nodes = layer.get("inbound_nodes")
    if not isinstance(nodes, list) or all(isinstance(node, Mapping) and "args" in node for node in nodes):
        return layer
    modern = {**layer, "inbound_nodes": [_call(layer, node, names) for node in nodes]}
    return modern_operation(modern) if layer["class_name"] in tensorflow.CLASSES else modern


def _call(layer: Mapping[str, Any], node: Any, names: Mapping[str, int]) -> dict[str, Any]:
    """Return one call: a list of tensors, a single one, or (for operations) a nest of them."""
    if isinstance(node, Mapping):
        node = [node]
    if not isinstance(node, list):
        raise ModelFileError(f"config.json: a call of layer {show(layer.get('name'))} is {show(node)}.")
    if _is_reference(node, names) or (node and node[0] == CONSTANT):
        node = [node]
    kwargs: dict[str, Any] = {}
    tensors = [_tensor(item, names, kwargs) for item in node]
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": kwargs}


def _tensor(item: Any, names: Mapping[str, int], kwargs: dict[str, Any]) -> Any:
    if isinstance(item, Mapping):
        return {key: _tensor(value, names, kwargs) for key, value in item.items()}
    if isinstance(item, list) and item and item[0] == CONSTANT:
        kwargs.update(_keywords(item[3] if len(item) > 3 else {}, names))
        return item[2]
    if _is_reference(item, names):
        if len(item) > 3 and isinstance(item[3], Mapping):
            kwargs.update(_keywords(item[3], names))
        return reference(item[0], item[1] - names[item[0]], item[2])
    if isinstance(item, list):
        return [_tensor(value, names, kwargs) for value in item]
    return item


def _keywords(given: Mapping[str, Any], names: Mapping[str, int]) -> dict[str, Any]:
    return {key: _argument(value, names) for key, value in given.items()}


def _argument(value: Any, names: Mapping[str, int]) -> Any:
    if _is_reference(value, names):
        return reference(value[0], value[1] - names[value[0]], value[2])
    if isinstance(value, list):
        return [_argument(item, names) for item in value]
    if isinstance(value, Mapping) and value.get("class_name") == "__tuple__" and isinstance(value.get("items"), list):
        return _argument(value["items"], names)
    if isinstance(value, Mapping):
        return {key: _argument(item, names) for key, item in value.items()}
    return value


def _is_reference(value: Any, names: Container[str]) -> bool:
    """Whether a value is [layer, call, output] or [layer, call, output, kwargs]."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and all(isinstance(n, int) and not isinstance(n, bool) for n in value[1:3])
    )


def reference(layer: str, node: int, tensor: int) -> dict[str, Any]:
    """Return a tensor as Keras 3 serialises it."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, node, tensor]}}
