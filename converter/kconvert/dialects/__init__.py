"""Older configs -> the config that Keras 3 writes, so that everything after the reader sees one dialect.

Every rule leaves a config of Keras 3 as it is. Only where the meaning of a setting changed (`hard_sigmoid`) does the
result say so, as explicit config.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ..modelspec import OPERATIONS
from .functional import modern_calls
from .layers import modern_layer
from .merge import modern_merge
from .names import CLASSES, CUDNN, LAYERS, MODELS, RETIRED


def modernize(config: Any, version: str) -> dict[str, Any]:
    """Return the config of a model or layer in Keras 3's form.

    version: the Keras version that wrote it, '' for Keras 1 files that do not say.
    Raises ModelFileError for what is not a serialised layer at all.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("class_name"), str):
        raise ModelFileError(f"The model's config is not a serialised model but {show(config)}.")
    return _layer(config, major_version(version))


def major_version(version: str) -> int:
    """Return the major version of Keras; 1 for files that do not say one, as those of Keras 1 do not."""
    digits = version.partition(".")[0]
    return int(digits) if digits.isdigit() and int(digits) < 100 else 1


def _layer(entry: Mapping[str, Any], major: int) -> dict[str, Any]:
    """Modernise a serialised layer with all that is nested in it."""
    written_as = entry["class_name"]
    entry = _named(modern_merge(entry) if major < 2 else entry, major)
    config = entry.get("config")
    if entry["class_name"] in MODELS:
        config = _model_config(entry, config, major)
    if not isinstance(config, Mapping):
        return entry
    if written_as in CUDNN:
        config = {**config, **CUDNN[written_as]}
    done = ("layers",) if entry["class_name"] in MODELS else ()
    nested = {key: value if key in done else _setting(value, major) for key, value in config.items()}
    return modern_layer({**entry, "config": nested}, major)


def _setting(value: Any, major: int) -> Any:
    if _are_layers(value):
        return [_layer(layer, major) for layer in value]
    return _layer(value, major) if _is_layer(value) else value


def _is_layer(value: Any) -> bool:
    """Whether a setting holds a serialised layer, as the wrappers do."""
    if not isinstance(value, Mapping) or not isinstance(value.get("config"), (Mapping, list)):
        return False
    name = value.get("class_name")
    return isinstance(name, str) and (CLASSES.get(name, name) in LAYERS or name in MODELS)


def _are_layers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_layer(item) for item in value)


def _named(entry: Mapping[str, Any], major: int) -> dict[str, Any]:
    """Give an entry Keras 3's class name, module and registered name."""
    name = str(entry["class_name"])
    module = str(entry.get("module") or "")
    old = module == "" or module.startswith(("keras", "tensorflow", "tf_keras"))
    if not old or entry.get("registered_name") not in (None, name) or module.startswith(OPERATIONS):
        return dict(entry)
    modern = CLASSES.get(name, name)
    if modern in MODELS.values() or name in MODELS:
        return {**entry, "class_name": MODELS.get(name, name), "module": "keras", "registered_name": None}
    if modern in LAYERS:
        return {**entry, "class_name": modern, "module": "keras.layers", "registered_name": None}
    if name in RETIRED and major < 3:
        return {**entry, "registered_name": f"keras2>{name}"}
    return {**entry, "registered_name": entry.get("registered_name") or name, "module": module or None}


def _model_config(entry: Mapping[str, Any], config: Any, major: int) -> Any:
    """Modernise the layers of a model, and give a Sequential its Input."""
    if isinstance(config, list):
        config = {"name": str(entry.get("name", "sequential")), "layers": config}
    if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
        return config
    if not all(isinstance(layer, Mapping) and isinstance(layer.get("class_name"), str) for layer in config["layers"]):
        raise ModelFileError(f"The layers of the model {show(config.get('name'))} are not serialised layers.")
    layers = [_layer(layer, major) for layer in config["layers"]]
    if entry["class_name"] == "Sequential":
        layers = _with_input(layers, config["layers"])
    else:
        layers = modern_calls(layers)
    return {**config, "name": config.get("name", "model"), "layers": layers}


def _with_input(layers: list[dict[str, Any]], before: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put an InputLayer in front of a Sequential whose first layer says the shape of its input."""
    if not layers or layers[0]["class_name"] == "InputLayer":
        return layers
    first = _innermost(before[0])
    shape = first.get("batch_input_shape", first.get("batch_shape"))
    if shape is None and isinstance(first.get("input_shape"), list):  # written by hand: Keras adds the batch axis
        shape = [first.get("batch_size"), *first["input_shape"]]
    if shape is None:
        return layers
    dtype = first.get("dtype") if isinstance(first.get("dtype"), str) else "float32"
    name = before[0]["config"].get("name", "model") if isinstance(before[0].get("config"), Mapping) else "model"
    config = {"name": f"{name}_input", "batch_shape": list(shape), "dtype": dtype}
    start = {"module": "keras.layers", "class_name": "InputLayer", "config": config, "registered_name": None}
    return [start, *layers]


def _innermost(layer: Any) -> Mapping[str, Any]:
    """Return the config of the first layer of a model, however deep: a Sequential takes the input of a model in it."""
    while isinstance(layer, Mapping) and layer.get("class_name") in MODELS:
        config = layer.get("config")
        inner = config.get("layers") if isinstance(config, Mapping) else config
        if not isinstance(inner, list) or not inner:
            return {}
        if layer["class_name"] == "Sequential" or not isinstance(config, Mapping):
            layer = inner[0]
            continue
        inputs = config.get("input_layers")
        flat = inputs[0] if isinstance(inputs, list) and inputs and isinstance(inputs[0], list) else inputs
        name = flat[0] if isinstance(flat, list) and flat else None
        layer = next((each for each in inner if isinstance(each, Mapping) and _name(each) == name), None)
    config = layer.get("config") if isinstance(layer, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def _name(layer: Mapping[str, Any]) -> Any:
    config = layer.get("config")
    return layer.get("name") or (config.get("name") if isinstance(config, Mapping) else None)
