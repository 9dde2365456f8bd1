"""Handlers for classes and functions that are followed when a call of them is converted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from kconvert_schemas.graph import TensorType

from ..call import LayerCall
from ..emitter import Emitter
from ..errors import Unsupported
from ..modelspec import build_layer, join
from ..registry import Registry
from ..spec import LayerSpec, StoredWeight
from ..structures import map_structure
from ..symbol import Symbol
from .cells import follow_cells
from .modules import Imported
from .reading import saved
from .tracing import Traced, Tracer

PACKAGE = "--import"
LAMBDA = "keras.layers.Lambda"


def follow(registry: Registry, tracer: Tracer, imported: Imported) -> Registry:
    """Return the registry with handlers for what was imported; what a plugin converts stays with the plugin."""
    for key, class_ in imported.classes.items():
        if key not in registry.handlers and key not in registry.refusals:
            arguments = [n for n in inspect.signature(class_.call).parameters if n != "self"]
            registry.register(key, _layer_handler(tracer), arguments=arguments, package=PACKAGE)
    for key, function in imported.functions.items():
        if key not in registry.handlers and key not in registry.refusals:
            registry.register(key, _function_handler(tracer, function), arguments=("x",), package=PACKAGE)
    if LAMBDA in registry.refusals:
        reason, _ = registry.refusals.pop(LAMBDA)
        registry.register(LAMBDA, _lambda_handler(tracer, imported, reason), arguments=("inputs", "mask"),
                          package=PACKAGE)  # fmt: skip
    follow_cells(registry, tracer, imported)
    return registry


def _layer_handler(tracer: Tracer) -> Callable[[LayerCall, Emitter], Any]:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        layer = tracer.live.get(call.layer.path)
        if layer is None:
            raise Unsupported("Keras loads it at another place of the model than the file says")
        if any("__call__" in vars(base) for base in type(layer).__mro__ if base in tracer.imported.classes.values()):
            raise Unsupported("its class has a __call__ of its own, which is not followed; write `call`")
        if not layer.autocast:
            raise Unsupported("it does not cast its inputs (autocast=False), which is not followed")
        given = {k: v for k, v in call.arguments.items() if k != "training" and v is not None}
        return _written(tracer, emit, tracer.layer(layer, given), call.layer, layer)

    lower.__doc__ = "Followed by Keras through its own `call`."
    return lower


def _function_handler(tracer: Tracer, function: Any) -> Callable[[LayerCall, Emitter], Any]:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        return _written(tracer, emit, tracer.function(function, dict(call.arguments)), call.layer, None)

    lower.__doc__ = "Followed by Keras."
    return lower


def _lambda_handler(tracer: Tracer, imported: Imported, reason: str) -> Callable[[LayerCall, Emitter], Any]:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        layer = tracer.live.get(call.layer.path)
        function = getattr(layer, "function", None)
        if layer is None or getattr(function, "__module__", None) not in imported.modules:
            raise Unsupported(reason)
        given = {k: v for k, v in call.arguments.items() if v is not None}
        if "mask" not in inspect.signature(layer.function).parameters:
            given.pop("mask", None)
        return _written(tracer, emit, tracer.layer(layer, given), call.layer, layer)

    lower.__doc__ = "Followed by Keras, where its function is one that was imported."
    return lower


def _written(tracer: Tracer, emit: Emitter, traced: Traced, spec: LayerSpec, layer: Any) -> Any:
    """Write what was followed as a nested model below the layer's path; returns its outputs with their masks."""
    lowering = emit._lowering
    address = f"imported_{tracer.number()}"
    config, weights, assets = saved(traced.model, address)
    lowering.file.weights.update(weights)  # type: ignore[attr-defined]
    lowering.file.assets.update(assets)  # type: ignore[attr-defined]
    config["config"]["name"] = spec.name
    for live in traced.model.layers:
        own = join(spec.path, live.name)
        tracer.live.setdefault(own, live)
        tracer.know(live, own)
    inner = build_layer(config, spec.path, address)
    symbols = [*traced.symbols, *(_variable(emit, name, variable, layer) for name, variable in traced.variables)]
    results = lowering.follow(inner, symbols)
    values = results if isinstance(results, (list, tuple)) else [results]
    masks = iter(traced.masks)

    def output(place: Any) -> Any:
        mask = next(masks)
        if place is None:
            return None
        return values[place].with_mask(None if mask is None else values[mask])

    return map_structure(output, traced.outputs)


def _variable(emit: Emitter, name: str, variable: Any, layer: Any) -> Symbol:
    """Return a variable of the layer itself as a weight, in the dtype that its call sees."""
    dtype = str(variable.dtype)
    stored = StoredWeight(TensorType(tuple(variable.shape), dtype), lambda: np.asarray(variable))
    path = join(emit.layer.path, name.replace(".", "_").lstrip("_") or name)
    symbol = emit._lowering.builder.weight(path, stored, path, bool(variable.trainable))
    seen = (
        layer.compute_dtype if "float" in dtype and layer.autocast and getattr(variable, "_autocast", True) else dtype
    )
    return emit.cast(symbol, seen)
