"""Remove nodes that only hand on their input."""

from __future__ import annotations

from dataclasses import replace

from kconvert_schemas.graph import Graph, Node

from ..kernels.normalization import IDENTITIES
from .program import Program


def drop_identities(program: Program) -> Program:
    """Let readers of an identity read its input instead.

    1. dropout and noise layers, which only act in training: dropped.
    2. a cast to the dtype that the value has: dropped.
    3. a transpose that keeps the order of the axes: dropped.
    4. chains of them: dropped together.
    5. one whose result is an output of the model: the output is its input.
    """
    graph = program.graph
    renamed: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(renamed.get(value, value) if value is not None else None for value in node.inputs)
        if _is_identity(graph, node):
            renamed[node.outputs[0]] = str(inputs[0])
        else:
            nodes.append(replace(node, inputs=inputs))
    if not renamed:
        return program
    ports = tuple(replace(port, value=renamed.get(port.value, port.value)) for port in graph.outputs.ports)
    values = {name: type_ for name, type_ in graph.values.items() if name not in renamed}
    graph = replace(graph, nodes=tuple(nodes), outputs=replace(graph.outputs, ports=ports), values=values, layers={})
    return replace(program, graph=graph)


def _is_identity(graph: Graph, node: Node) -> bool:
    if node.op in IDENTITIES:
        return True
    if node.op == "cast":
        return graph.type_of(str(node.inputs[0])).dtype == node.attrs["dtype"]
    return node.op == "transpose" and list(node.attrs["axes"]) == list(range(len(node.attrs["axes"])))
