"""Whether a model file is that of a bundle: all that differs between the bundle and what the file converts to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import show
from kconvert_schemas.graph import Graph

from ..lowering import Lowering


def misfits(graph: Graph, weights: Mapping[str, Array], lowering: Lowering, fresh: Graph) -> list[str]:
    """Return what differs between a bundle and the conversion of a file, beside the numbers that are trained."""
    problems = [*_weights(graph, fresh), *_nodes(graph, fresh), *_ports(graph, fresh)]
    return problems or _fixed(graph, weights, lowering)


def _weights(graph: Graph, fresh: Graph) -> list[str]:
    mine, theirs = graph.weights, fresh.weights
    problems = [f"weight {show(n)} {w.type} is not in the file" for n, w in mine.items() if n not in theirs]
    problems += [f"weight {show(n)} {w.type} is in the file only" for n, w in theirs.items() if n not in mine]
    for name in mine.keys() & theirs.keys():
        if mine[name].type != theirs[name].type:
            problems.append(f"weight {show(name)} is {mine[name].type}, in the file {theirs[name].type}")
        elif mine[name].source != theirs[name].source:
            problems.append(
                f"weight {show(name)} comes from {show(mine[name].source)}, not {show(theirs[name].source)}"
            )
    return sorted(problems)


def _nodes(graph: Graph, fresh: Graph) -> list[str]:
    mine, theirs = ({node.name: node for node in one.nodes} for one in (graph, fresh))
    missing = [f"operation {show(n)} is not in the file" for n in mine if n not in theirs]
    missing += [f"operation {show(n)} is in the file only" for n in theirs if n not in mine]
    both = [name for name in mine if name in theirs]
    return missing + [f"operation {show(n)} ({mine[n].op}) differs in the file" for n in both if mine[n] != theirs[n]]


def _ports(graph: Graph, fresh: Graph) -> list[str]:
    pairs = (("inputs", graph.inputs, fresh.inputs), ("outputs", graph.outputs, fresh.outputs))
    return [f"the {name} differ" for name, mine, theirs in pairs if mine != theirs]


def _fixed(graph: Graph, weights: Mapping[str, Array], lowering: Lowering) -> list[str]:
    """Weights that stand elsewhere than among the variables of the file, such as vocabularies, must be as they were."""
    return [
        f"{show(name)} has changed, and stands elsewhere than among the weights of the file"
        for name, weight in graph.weights.items()
        if weight.source not in lowering.file.weights
        and not np.array_equal(_bits(weights[name]), _bits(lowering.builder.read(name)))
    ]


def _bits(array: Array) -> Array:
    return array if array.dtype == object else np.ascontiguousarray(array).reshape(-1).view(np.uint8)
