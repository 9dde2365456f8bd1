"""Compute once what is computed twice."""

from __future__ import annotations

from dataclasses import replace

from kconvert_schemas.graph import Node

from .program import Program


def share_equals(program: Program) -> Program:
    """Let the readers of a node that does what one before it did read that one's values.

    1. the same op, with the same attributes, on the same values: one of them is left.
    2. nodes that read the results of such: they become alike in turn.
    3. one whose result is an output of the model: the output is the other's result.
    4. other attributes, other inputs, the same inputs in another order: left.
    """
    graph = program.graph
    renamed: dict[str, str] = {}
    first: dict[object, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(renamed.get(value, value) if value is not None else None for value in node.inputs)
        attrs = repr(sorted(node.attrs.items()))
        before = first.setdefault((node.op, inputs, attrs, len(node.outputs)), node)
        if before is node:
            nodes.append(replace(node, inputs=inputs))
        else:
            renamed.update(zip(node.outputs, before.outputs, strict=True))
    if not renamed:
        return program
    ports = tuple(replace(port, value=renamed.get(port.value, port.value)) for port in graph.outputs.ports)
    values = {name: type_ for name, type_ in graph.values.items() if name not in renamed}
    graph = replace(graph, nodes=tuple(nodes), outputs=replace(graph.outputs, ports=ports), values=values, layers={})
    return replace(program, graph=graph)
