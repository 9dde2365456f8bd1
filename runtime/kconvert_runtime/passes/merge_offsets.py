"""Add two constants at once."""

from __future__ import annotations

from dataclasses import replace

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node

from .program import Program


def merge_offsets(program: Program) -> Program:
    """x + a + b = x + (a + b), as a bias and the shift of a batch normalisation after it.

    1. add of a constant to the result of an add of a constant, which nothing else reads: one add.
    2. any number of such adds in a row: one add.
    3. a value in between that is read by others too, or a constant that makes the
       result larger, 16 bits: left.
    """
    readers = program.readers()
    writers = program.writers()
    merged: dict[str, Node] = {}
    gone: set[str] = set()
    new: dict[str, Array] = {}
    for node in program.graph.nodes:
        before = writers.get(str(node.inputs[0])) if node.inputs else None
        before = merged.get(before.name, before) if before else None
        if before is None or readers.get(before.outputs[0]) != 1:
            continue
        first, second = (_offset(program, one, new) for one in (before, node))
        if first is not None and second is not None:
            name = f"{node.name}/offset"
            new[name] = first + second
            merged[node.name] = replace(node, inputs=(before.inputs[0], name))
            gone.add(before.name)
    if not merged:
        return program
    nodes = tuple(merged.get(node.name, node) for node in program.graph.nodes if node.name not in gone)
    unread = {value for node in program.graph.nodes if node.name in gone for value in node.outputs}
    values = {value: type_ for value, type_ in program.graph.values.items() if value not in unread}
    return program.with_nodes(nodes, values, new)


def _offset(program: Program, node: Node, new: dict[str, Array]) -> Array | None:
    """The constant that a node adds, if it does not change the shape."""
    if node.op != "add":
        return None
    name = str(node.inputs[1])
    constant = new.get(name, program.weights.get(name))
    x, y = (program.graph.type_of(str(value)) for value in (node.inputs[0], node.outputs[0]))
    return constant if constant is not None and x == y and y.dtype in ("float32", "float64") else None
