"""Keras 3 config -> ModelSpec. Nothing here looks up a name anywhere but in the config itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from kconvert_schemas.dims import Shape
from kconvert_schemas.dtypes import DTYPES
from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import TensorType

from .limits import current
from .policies import read_policy
from .spec import ArrayConstant, Call, InputSpec, LayerSpec, ModelSpec, PolicyMap, TensorRef
from .structures import flatten, map_structure

FUNCTIONAL = "keras.Functional"
SEQUENTIAL = "keras.Sequential"
NESTING_LIMIT = 32
INPUT_DTYPES = {
    "keras.layers.TextVectorization": "string",
    "keras.layers.StringLookup": "string",
    "keras.layers.IntegerLookup": "int64",
}
"""What Keras gives a Sequential's first layer as input where that is not the compute dtype of its policy."""
OPERATIONS = ("keras.src.ops", "keras.ops", "keras.src.activations.activations", "keras.src.quantizers.quantizers")
"""Modules of Keras whose serialised classes are operations; no class name stands in two of them."""
EXPORTED_AS = {"keras.layers.GroupQueryAttention": "GroupedQueryAttention"}
"""Layers that are saved under another name than that of their class, which counts in the addresses of weights."""


def snake_case(name: str) -> str:
    """Return a class name as Keras writes it in the addresses of weights: 'Conv2D' -> 'conv2d'."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def registered_key(config: Mapping[str, Any]) -> str:
    """Return the name under which plugins convert a serialised object.

    A class registered by an author keeps its registered name even when it is named like a built-in.
    """
    module, class_name = str(config.get("module") or ""), str(config.get("class_name"))
    registered = config.get("registered_name")
    if module.startswith(OPERATIONS):
        return f"keras.ops.{class_name}"
    if (module == "keras" or module.startswith("keras.")) and registered in (None, class_name):
        return f"keras.{class_name}" if class_name in ("Functional", "Sequential") else f"keras.layers.{class_name}"
    return str(registered or class_name)


def build_root(config: Mapping[str, Any]) -> LayerSpec:
    """Return the spec of the outermost model; raises ModelFileError for a config that is not one."""
    root = build_layer(config, path="", address="")
    if root.model is None:
        raise ModelFileError(
            f"The model is a {show(root.class_name)}, neither Sequential nor Functional, so the file holds no graph "
            "of it: that is in Python code elsewhere. Rebuild it with the functional API and save that."
        )
    return root


def build_layer(config: Mapping[str, Any], path: str, address: str, depth: int = 0, scope: str = "") -> LayerSpec:
    """Return the spec of one serialised layer with everything nested in it.

    scope: the path that Keras gives to what is around it when that builds it; a layer with a config to be built from
    is built by itself.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise ModelFileError(f"config.json: layer {show(path)} is not a serialised layer.")
    if depth > NESTING_LIMIT:
        raise ModelFileError(f"config.json: models are nested more than {NESTING_LIMIT} deep at {show(path)}.")
    inner = config["config"]
    key = registered_key(config)
    name = str(inner.get("name", config.get("name", "")))
    if len(name) > current().name_length:
        raise ModelFileError(f"config.json: the name {show(name)} is too long (limit name_length).")
    build_config = config.get("build_config")
    scope = name if build_config else join(scope, name)
    policy = read_policy(inner.get("dtype"), path)
    policies = policy if isinstance(policy, PolicyMap) else None
    spec = LayerSpec(
        key=key,
        class_name=str(config.get("class_name")),
        name=name,
        path=path,
        address=address,
        config=inner,
        policy=policy.at(scope) if isinstance(policy, PolicyMap) else policy,
        build_config=build_config if isinstance(build_config, Mapping) else {},
        module=str(config.get("module") or ""),
        scope=scope,
        policies=policies,
    )
    if key == FUNCTIONAL:
        return replace(spec, model=_functional(spec, depth))
    if key == SEQUENTIAL:
        return replace(spec, model=_sequential(spec, depth))
    return spec


def _functional(spec: LayerSpec, depth: int) -> ModelSpec:
    entries = _entries(spec)
    layers = _layers(entries, spec, depth)
    inbound = {str(entry["name"]): entry.get("inbound_nodes") or [] for entry in entries}
    for name, nodes in inbound.items():
        if not isinstance(nodes, list):
            raise ModelFileError(f"config.json: the calls of layer {show(join(spec.path, name))} are not a list.")
    calls: list[Call] = []
    for layer, entry in zip(layers, entries, strict=True):
        for index, node in enumerate(inbound[str(entry["name"])]):
            calls.append(_call(layer, index, node, spec.path))
    keys = {layer.name: layer.key for layer in layers}
    ends = {side: _structure(spec.config.get(f"{side}_layers"), spec.path) for side in ("input", "output")}
    inner = _shift(refs([[call.args, call.kwargs] for call in calls]), inbound, {})
    outer = _shift(refs(list(ends.values())), inbound, keys)
    calls = [replace(c, args=_shifted(c.args, inner), kwargs=_shifted(c.kwargs, inner)) for c in calls]
    return ModelSpec(
        name=spec.name,
        layers=layers,
        calls=tuple(calls),
        input_layers={layer.name: _input(layer) for layer in layers if _is_input(layer)},
        inputs=_shifted(ends["input"], outer),
        outputs=_shifted(ends["output"], outer),
    )


def _shift(found: Sequence[TensorRef], inbound: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, int]:
    """Return what to subtract from the call numbers of each layer so that they count from 0.

    A Functional model is born with a call of its own. Where Keras lists inputs and outputs, its calls
    count from 1; inside the calls of Keras 3 they count from 0, in older files from 1 for nested models.
    """
    highest = Counter[str]()
    for ref in found:
        highest[ref.layer] = max(highest[ref.layer], ref.node)
    return {n: int(bool(c) and (keys.get(n) == FUNCTIONAL or highest[n] >= len(c))) for n, c in inbound.items()}


def _sequential(spec: LayerSpec, depth: int) -> ModelSpec:
    entries = _entries(spec)
    if not entries:
        raise ModelFileError(f"config.json: Sequential {show(spec.path or spec.name)} has no layers.")
    layers = _layers(entries, spec, depth)
    inputs = {layer.name: _input(layer) for layer in layers[:1] if _is_input(layer)}
    shape = spec.config.get("build_input_shape") or spec.build_config.get("input_shape")
    known = (None, 1) if shape is None and not spec.path and _splits_text(layers[0]) else _shape(shape)
    if not inputs and known is not None:
        dtype = INPUT_DTYPES.get(layers[0].key, layers[0].policy.compute)
        inputs = {"input": InputSpec("input", TensorType(known, dtype))}
    start = TensorRef(next(iter(inputs)), 0, 0) if inputs else TensorRef("", 0, -1)
    last = start
    calls = []
    for layer in layers:
        if not _is_input(layer):
            calls.append(Call(layer, 0, (last,), {}))
            last = TensorRef(layer.name, 0, -1)
    return ModelSpec(spec.name, layers, tuple(calls), inputs, start, last)


def _splits_text(layer: LayerSpec) -> bool:
    """Whether a layer takes one string for each sample, so that a model that starts with it needs no Input."""
    return layer.key == "keras.layers.TextVectorization" and layer.config.get("split") is not None


def _shape(shape: Any) -> Shape | None:
    """Return a stored shape; None for what is not one (the nest of shapes of a layer with several inputs)."""
    if isinstance(shape, (list, tuple)) and all(n is None or (isinstance(n, int) and n >= 0) for n in shape):
        return tuple(shape)
    return None


def _entries(spec: LayerSpec) -> list[Mapping[str, Any]]:
    entries = spec.config.get("layers")
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ModelFileError(f"config.json: model {show(spec.path or spec.name)} has no list of layers.")
    named: list[Mapping[str, Any]] = [{**entry, "name": _name(entry)} for entry in entries]
    odd = [entry["name"] for entry in named if not isinstance(entry["name"], str)]
    if odd:
        raise ModelFileError(f"config.json: a layer of {show(spec.path or spec.name)} is named {show(odd[0])}.")
    doubled = [name for name, count in Counter(entry["name"] for entry in named).items() if count > 1]
    if doubled:
        raise ModelFileError(f"config.json: two layers of {show(spec.path or spec.name)} are named {show(doubled[0])}.")
    return named


def _name(entry: Mapping[str, Any]) -> Any:
    config = entry.get("config")
    return entry.get("name") or (config.get("name", "") if isinstance(config, Mapping) else "")


def _layers(entries: Sequence[Mapping[str, Any]], spec: LayerSpec, depth: int) -> tuple[LayerSpec, ...]:
    """Build the layers with their addresses: class names with a counter per class, operations not counted."""
    used: Counter[str] = Counter()
    layers = []
    for entry in entries:
        name = str(entry["name"])
        address = ""
        if not registered_key(entry).startswith("keras.ops."):
            address = join(spec.address, "layers", place(entry, used))
        scope = spec.scope if spec.key == SEQUENTIAL else ""
        layer = build_layer(entry, join(spec.path, name), address, depth + 1, scope)
        layers.append(replace(layer, name=name))
    return tuple(layers)


def place(entry: Mapping[str, Any], used: Counter[str]) -> str:
    """Return where a list of layers keeps this one: its class with a counter, as in 'dense_1'; counts it in `used`."""
    kind = snake_case(EXPORTED_AS.get(registered_key(entry), str(entry.get("class_name"))))
    used[kind] += 1
    return f"{kind}_{used[kind] - 1}" if used[kind] > 1 else kind


def join(*parts: str) -> str:
    """Join the non-empty parts of a path with '/'."""
    return "/".join(part for part in parts if part)


def _is_input(layer: LayerSpec) -> bool:
    return layer.key == "keras.layers.InputLayer"


def _input(layer: LayerSpec) -> InputSpec:
    shape = _shape(layer.config.get("batch_shape"))
    if shape is None:
        raise ModelFileError(f"config.json: InputLayer {show(layer.path)} has no batch_shape.")
    if layer.policy.compute not in DTYPES:
        raise ModelFileError(f"config.json: InputLayer {show(layer.path)} has the dtype {show(layer.policy.name)}.")
    return InputSpec(layer.name, TensorType(shape, layer.policy.compute), bool(layer.config.get("optional")))


def _call(layer: LayerSpec, index: int, node: Any, path: str) -> Call:
    plain = isinstance(node, Mapping) and isinstance(node.get("args"), list) and isinstance(node.get("kwargs"), Mapping)
    if not plain:
        raise ModelFileError(f"config.json: call {index} of layer {show(layer.path)} is not in Keras 3's form.")
    args, kwargs = _revive(node["args"]), _revive(node["kwargs"])
    return Call(layer, index, tuple(args), kwargs)


def _revive(value: Any) -> Any:
    """Replace serialised tensors by TensorRefs, and slices by Python's; all else stays data."""
    if isinstance(value, list):
        return [_revive(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    config = value.get("config")
    if value.get("class_name") == "__keras_tensor__" and isinstance(config, Mapping):
        history = config.get("keras_history")
        if not _is_history(history):
            raise ModelFileError(f"config.json: a tensor has the history {show(history)}, not [layer, call, output].")
        name, node, tensor = history
        return TensorRef(name, node, tensor, _recorded(config))
    if value.get("class_name") in ("__numpy__", "__tensor__") and isinstance(config, Mapping):
        if config.get("dtype") not in DTYPES or "value" not in config:
            raise ModelFileError(f"config.json: an array argument has the dtype {show(config.get('dtype'))}.")
        return ArrayConstant(config["value"], config["dtype"])
    if value.get("class_name") == "__slice__" and isinstance(config, Mapping):
        return slice(*(_revive(config.get(key)) for key in ("start", "stop", "step")))
    if value.get("class_name") == "__ellipsis__":
        return ...
    return {key: _revive(item) for key, item in value.items()}


def _is_history(value: Any) -> TypeGuard[list[Any]]:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value[1:])
    )


def _recorded(config: Mapping[str, Any]) -> TensorType | None:
    shape, dtype = config.get("shape"), config.get("dtype")
    if isinstance(shape, list) and dtype in DTYPES and all(n is None or isinstance(n, int) for n in shape):
        return TensorType(tuple(shape), dtype)
    return None


def _structure(value: Any, path: str) -> Any:
    if _is_history(value):
        return TensorRef(*value)
    if isinstance(value, list):
        return [_structure(item, path) for item in value]
    if isinstance(value, Mapping):
        return {key: _structure(item, path) for key, item in value.items()}
    raise ModelFileError(f"config.json: model {show(path)} lists {show(value)} among its inputs or outputs.")


def refs(value: Any) -> list[TensorRef]:
    """Return every TensorRef in a structure, in Keras' flattening order (dicts by sorted key)."""
    return [leaf for leaf in flatten(value) if isinstance(leaf, TensorRef)]


def _shifted(value: Any, shift: Mapping[str, int]) -> Any:
    def move(leaf: Any) -> Any:
        if isinstance(leaf, TensorRef):
            return replace(leaf, node=leaf.node - shift.get(leaf.layer, 0))
        return leaf

    return map_structure(move, value)
