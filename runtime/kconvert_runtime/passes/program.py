"""What passes work on: a graph with the arrays of its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph, Node, TensorType, Weight


@dataclass(frozen=True, slots=True)
class Program:
    """A graph and its weights by name."""

    graph: Graph
    weights: Mapping[str, Array]

    def readers(self) -> dict[str, int]:
        """Return how often each value is read, by nodes or as an output."""
        counts: dict[str, int] = {}
        ports = [port.value for port in self.graph.outputs.ports]
        for value in [*(v for node in self.graph.nodes for v in node.inputs if v is not None), *ports]:
            counts[value] = counts.get(value, 0) + 1
        return counts

    def writers(self) -> dict[str, Node]:
        """Return the node that gives each value."""
        return {value: node for node in self.graph.nodes for value in node.outputs}

    def with_nodes(
        self, nodes: tuple[Node, ...], values: Mapping[str, TensorType], new: Mapping[str, Array]
    ) -> Program:
        """Return a program of other nodes, with more weights: `new` by name."""
        weights = {name: Weight(TensorType(array.shape, array.dtype.name), False, "") for name, array in new.items()}
        graph = replace(self.graph, nodes=nodes, values=values, weights={**self.graph.weights, **weights}, layers={})
        return Program(graph, {**self.weights, **new})


Pass: TypeAlias = Callable[[Program], Program]
