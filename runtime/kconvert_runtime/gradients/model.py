"""Gradients of a whole model, by the names of its weights and inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Graph, Structure

from ..plan import types_of
from .rows import Gradient, dense
from .walk import SMOOTH, Walk

Seed: TypeAlias = Callable[[Sequence[Array]], Mapping[str, Any]]
"""From the outputs, in the order of their ports, to their gradients by port name."""


def gradients(
    graph: Graph, weights: Mapping[str, Array], inputs: Sequence[Array], seed: Seed, wrt: Sequence[str] | None
) -> dict[str, Array]:
    """Return the gradients of the weights and inputs named `wrt` (None: all trainable weights of floats).

    The graph runs as written. Gradients of 16-bit floats are float32. Zeros for what no output depends on.
    """
    chosen = _chosen(graph, wrt)
    ports = graph.outputs.ports
    walk = Walk(graph.nodes, types_of(graph), weights, [port.value for port in ports], chosen.values())
    values = {port.value: array for port, array in zip(graph.inputs.ports, inputs, strict=True)}
    with np.errstate(all="ignore"), walk.cores():
        run, outputs = walk.forward(values)
        given = seed(outputs)
        seeds = [_seed(port.name, given[port.name], y) for port, y in zip(ports, outputs, strict=True)]
        found = walk.back(run, seeds)
    arrays = {**weights, **values}
    return {name: _whole(found.get(value), arrays[value]) for name, value in chosen.items()}


def _chosen(graph: Graph, wrt: Sequence[str] | None) -> dict[str, str]:
    """Return the value of each name."""
    types = types_of(graph)
    if wrt is None:
        return {name: name for name, w in graph.weights.items() if w.trainable and w.type.dtype in SMOOTH}
    inputs = {port.name: port.value for port in graph.inputs.ports}
    chosen = {}
    for name in [wrt] if isinstance(wrt, str) else wrt:
        if name in inputs and name in graph.weights:
            raise InputError(f"{show(name)} is an input and a weight of this model. Rename the input.")
        if name not in inputs and name not in graph.weights:
            raise InputError(f"This model has no weight or input {show(name)}: {_some([*inputs, *graph.weights])}.")
        chosen[name] = inputs.get(name, name)
        dtype = types[chosen[name]].dtype
        if dtype not in SMOOTH:
            raise InputError(f"{show(name)} is {dtype}: only floats and complex numbers have gradients.")
    return chosen


def _some(names: Sequence[str]) -> str:
    return "it has " + ", ".join(map(show, names[:5])) + (" and others" if len(names) > 5 else "")


def _seed(name: str, given: Any, y: Array) -> Array | None:
    """Check the gradient of an output, and bring it to the dtype that is computed in."""
    if given is None or y.dtype.kind not in "fc":
        return None
    g = np.asarray(given)
    if g.shape != y.shape:
        raise InputError(f"The gradient of output {show(name)} must have its shape {y.shape}, got {g.shape}.")
    return g.astype(np.float32 if y.dtype == np.float16 else y.dtype, copy=False)


def _whole(g: Gradient | None, x: Array) -> Array:
    if g is None:
        return np.zeros(x.shape, np.float32 if x.dtype == np.float16 else x.dtype)
    return np.array(dense(g))


def by_port(structure: Structure, given: Any) -> dict[str, Any]:
    """Pair the names in the structure of the outputs with gradients given in that structure."""
    if isinstance(structure, str):
        return {structure: given}
    if isinstance(structure, dict):
        if not isinstance(given, Mapping) or given.keys() != structure.keys():
            raise InputError(f"The gradients of the outputs must be a dict of {', '.join(map(show, structure))}.")
        pairs = [(part, given[key]) for key, part in structure.items()]
    else:
        if not isinstance(given, (list, tuple)) or len(given) != len(structure):
            raise InputError(f"The gradients of the outputs must be a list of {len(structure)}.")
        pairs = list(zip(structure, given, strict=True))
    return {name: g for part, item in pairs for name, g in by_port(part, item).items()}
