"""Gradients of whole models against differences, in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kconvert_runtime import Model
from kconvert_schemas import Graph
from kconvert_schemas.graph import Body, Node, Signature, TensorType

STEP = 1e-6
WIDE = {"float32": "float64", "complex64": "complex128"}


def retyped(graph: Graph, dtypes: Mapping[str, str] = WIDE) -> Graph:
    """The same graph in other dtypes, also in bodies and attributes."""

    def type_of(type_: TensorType) -> TensorType:
        return replace(type_, dtype=dtypes.get(type_.dtype, type_.dtype))

    def signature(given: Signature) -> Signature:
        return replace(given, ports=tuple(replace(port, type=type_of(port.type)) for port in given.ports))

    def node(given: Node) -> Node:
        return replace(given, attrs={name: attr(name, value) for name, value in given.attrs.items()})

    def attr(name: str, value: Any) -> Any:
        if isinstance(value, Body):
            values = {name: type_of(type_) for name, type_ in value.values.items()}
            return replace(value, nodes=tuple(map(node, value.nodes)), values=values)
        return dtypes.get(value, value) if name in ("dtype", "source") else value

    return replace(
        graph,
        nodes=tuple(map(node, graph.nodes)),
        values={name: type_of(type_) for name, type_ in graph.values.items()},
        weights={name: replace(weight, type=type_of(weight.type)) for name, weight in graph.weights.items()},
        inputs=signature(graph.inputs),
        outputs=signature(graph.outputs),
    )


def wide_array(array: np.ndarray) -> np.ndarray:
    return array.astype(WIDE[array.dtype.name]) if array.dtype.name in WIDE else array


def check_model(graph: Graph, weights: Mapping[str, np.ndarray], inputs: Sequence[np.ndarray], tolerance: float) -> int:
    """Compare gradients of a random sum of the outputs with differences; returns how many weights and inputs."""
    graph = retyped(graph)
    held = {name: wide_array(np.asarray(array)) for name, array in weights.items()}
    ports = graph.inputs.ports
    feeds = {port.name: wide_array(array) for port, array in zip(ports, inputs, strict=True)}
    rng = np.random.default_rng(2)
    model = Model(graph, held, optimize=False)
    seeds = _directions(rng, model.run(feeds))
    floats = {name: a for name, a in {**held, **feeds}.items() if a.dtype.kind in "fc"}
    found = model.gradients(feeds, lambda y: _rebuilt(graph.outputs.structure, seeds), wrt=list(floats))
    for group in (held, feeds):
        moved = _directions(rng, {name: array for name, array in group.items() if name in floats})
        if moved:
            exact = sum(_inner(found[name], v) for name, v in moved.items())
            ahead, behind = (_value(graph, held, feeds, moved, sign * STEP, seeds) for sign in (1, -1))
            numeric = (ahead - behind) / (2 * STEP)
            sizes = sum(abs(_inner(found[name], v)) for name, v in moved.items())
            scale = max(abs(numeric), sizes, 1e-2)
            kind = "weights" if group is held else "inputs"
            assert abs(numeric - exact) <= tolerance * scale, f"{kind}: {exact:.9g}, differences give {numeric:.9g}"
    return len(floats)


def _directions(rng: np.random.Generator, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: _random(rng, array) for name, array in arrays.items() if array.dtype.kind in "fc"}


def _random(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    parts = [rng.uniform(-1, 1, array.shape) for _ in range(2)]
    return (parts[0] + 1j * parts[1] if array.dtype.kind == "c" else parts[0]).astype(array.dtype)


def _rebuilt(structure: Any, named: Mapping[str, np.ndarray]) -> Any:
    if isinstance(structure, dict):
        return {key: _rebuilt(part, named) for key, part in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_rebuilt(part, named) for part in structure]
    return named.get(structure)


def _value(
    graph: Graph, held: Mapping[str, Any], feeds: Mapping[str, Any], moved: Mapping[str, Any], step: float, seeds: Any
) -> float:
    weights, inputs = (
        {n: a + step * moved[n] if n in moved else a for n, a in group.items()} for group in (held, feeds)
    )
    outputs = Model(graph, weights, optimize=False).run(inputs)
    return sum(_inner(seed, outputs[name]) for name, seed in seeds.items())


def _inner(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.real(np.sum(np.conj(a) * b)))
