"""One layer, or one op, converted in memory: no model file, no Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kconvert_schemas.bundle import write_bundle
from kconvert_schemas.dtypes import DTYPES, FLOATS, Array, cast
from kconvert_schemas.graph import Graph, Port, Source, TensorType

from ..errors import Unsupported
from ..graphbuilder import GraphBuilder
from ..lowering import Lowering
from ..modelspec import join, snake_case
from ..plugins import load_registry
from ..policies import read_policy
from ..registry import Register, Registry
from ..spec import LayerSpec, ModelFile, PolicyMap, StoredWeight
from ..structures import flatten, map_structure, rebuild
from ..symbol import Symbol

if TYPE_CHECKING:
    from kconvert_runtime import Model

SOURCE = Source("contract", "", "", "memory")


@dataclass(frozen=True, slots=True)
class Converted:
    """A graph and the values of its weights by name."""

    graph: Graph
    weights: Mapping[str, Array]

    def model(self, *, optimize: bool = True) -> Model:
        """Return the model, ready to run."""
        from kconvert_runtime import Model

        return Model(self.graph, self.weights, optimize=optimize)

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write it as a bundle."""
        write_bundle(Path(folder), self.graph, lambda name: self.weights[name])


def convert_layer(
    key: str,
    config: Mapping[str, Any],
    x: Any,
    *,
    weights: Sequence[Array] | Mapping[str, Array] = (),
    call: Mapping[str, Any] | None = None,
    mask: Any = None,
    assets: Mapping[str, bytes] | None = None,
    registry: Registry | None = None,
    return_masks: bool = False,
) -> Converted:
    """Convert one layer as if it stood in a model file.

    key: its registered name. config: its config, as `get_config` gives it; name and dtype may be left out.
    x: what it is called with: an array or TensorType, or a nest of them; the batch axis of an array stays
    open. weights: its variables in Keras' order, or by address below the layer ('cell/vars/0') for nested
    ones. call: keyword arguments; arrays among them become inputs. mask: the mask attached to x, in the
    same structure. registry: the handlers to use instead of those installed. return_masks: give
    {'outputs': ..., 'masks': [...]} instead of the outputs.

    The inputs of the result are the arrays in x, call and mask, in that order. Raises Unsupported.
    """
    layer = layer_spec(key, config)
    stored = {join(layer.address, at): stored_weight(layer, array) for at, array in addressed(weights).items()}
    held = {join(layer.address, name): data for name, data in (assets or {}).items()}
    lowering = Lowering(ModelFile(layer, stored, held, SOURCE), registry or load_registry()[0])
    builder = lowering.builder
    symbols = _inputs(builder, "x", x)
    kwargs = {name: _inputs(builder, name, value) for name, value in (call or {}).items()}
    if mask is not None:
        masks = flatten(_inputs(builder, "mask", mask))
        symbols = rebuild(symbols, [s.with_mask(m) for s, m in zip(flatten(symbols), masks, strict=True)])
    outputs = lowering.call(layer, [symbols], kwargs)
    if lowering.problems:
        raise Unsupported("; ".join(lowering.problems))
    if return_masks:
        outputs = {"outputs": outputs, "masks": [s.mask for s in flatten(outputs) if s.mask is not None]}
    return _finished(builder, outputs)


def convert_op(op: str, inputs: Sequence[Any], attrs: Mapping[str, Any] | None = None) -> Converted:
    """Return a graph of one op; inputs are arrays, TensorTypes, or None for an optional one. Raises OpError."""
    builder = GraphBuilder()
    symbols = [None if value is None else builder.input("x", type_of(value, open_batch=False)) for value in inputs]
    outputs = builder.node(op, symbols, attrs or {}, "")
    return _finished(builder, outputs[0] if len(outputs) == 1 else list(outputs))


def registry_of(*hooks: Callable[[Register], None]) -> Registry:
    """Return the built-in handlers and those that `hooks` register: functions like the hook `register_layers`."""
    registry = load_registry(())[0]
    for hook in hooks:
        hook(Register(registry, hook.__module__))
    return registry


def layer_spec(key: str, config: Mapping[str, Any]) -> LayerSpec:
    """Return the spec of a layer that stands alone in a model."""
    class_name = key.rpartition(">")[2].rpartition(".")[2]
    name = str(config.get("name", snake_case(class_name)))
    found = read_policy(config.get("dtype"), name)
    policies = found if isinstance(found, PolicyMap) else None
    policy = found.at(name) if isinstance(found, PolicyMap) else found
    address = f"layers/{snake_case(class_name)}"
    return LayerSpec(key, class_name, name, name, address, config, policy, scope=name, policies=policies)


def stored_weight(layer: LayerSpec, array: Array) -> StoredWeight:
    """Return `array` as a variable of the layer: floats in the dtype of its variables."""
    array = np.asarray(array)
    dtype = layer.policy.variable if array.dtype.kind == "f" else type_of(array).dtype
    held = cast(array, dtype)
    return StoredWeight(TensorType(held.shape, dtype), lambda: held)


def type_of(value: Any, open_batch: bool = True) -> TensorType:
    """Return the type of an array; a TensorType stays as it is."""
    if isinstance(value, TensorType):
        return value
    array = np.asarray(value)
    dtype = "string" if array.dtype.kind in "OSU" else array.dtype.name
    if dtype not in DTYPES:
        raise TypeError(f"an array of {array.dtype} cannot be an input")
    return TensorType((None, *array.shape[1:]) if open_batch and array.ndim else array.shape, dtype)


def in_dtype(array: Array, dtype: str) -> Array:
    """Return floating arrays in kconvert's `dtype` (bfloat16 held as float32), others as they are."""
    return cast(array, dtype) if array.dtype.kind == "f" and dtype in FLOATS else array


def addressed(weights: Sequence[Array] | Mapping[str, Array]) -> dict[str, Array]:
    """Return weights by their address below the layer."""
    if isinstance(weights, Mapping):
        return dict(weights)
    return {f"vars/{i}": array for i, array in enumerate(weights)}


def _inputs(builder: GraphBuilder, name: str, value: Any) -> Any:
    def symbol(leaf: Any) -> Any:
        return builder.input(name, type_of(leaf)) if isinstance(leaf, (np.ndarray, TensorType)) else leaf

    return rebuild(value, [symbol(leaf) for leaf in flatten(value)])


def _finished(builder: GraphBuilder, outputs: Any) -> Converted:
    ports: list[Port] = []

    def port(symbol: Symbol) -> str:
        ports.append(Port(f"output_{len(ports)}" if ports else "output", symbol.name, symbol.type))
        return ports[-1].name

    names = [port.name for port in builder.ports]
    structure = map_structure(port, outputs)
    graph = builder.finish(names[0] if len(names) == 1 else names, structure, ports, SOURCE, "kconvert.testing")
    return Converted(graph, {name: builder.read(name) for name in graph.weights})
