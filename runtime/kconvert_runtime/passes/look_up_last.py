"""Compute with a table of embeddings once, not with every row that is looked up in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node

from .fold_constants import LARGEST
from .program import Program


def look_up_last(program: Program) -> Program:
    """take(table, i) kernel + bias = take(table kernel + bias, i), where nothing else reads what is looked up.

    1. a product with a matrix of weights: the table is multiplied, and then looked up in.
    2. an addition of a row of weights, or of a number: likewise.
    3. several of these one after the other: one table.
    4. a table that would be larger than what it stands for, one with other axes, one of 16 bits, rows that are read
       elsewhere too: left.
    """
    readers = program.readers()
    tables: dict[str, Array] = {}  # by the value that is looked up
    takes: dict[str, Node] = {}
    new: dict[str, Array] = {}
    nodes: list[Node] = []
    for node in program.graph.nodes:
        source = str(node.inputs[0]) if node.inputs else ""
        table = None
        if source in tables and readers[source] == 1:
            table = _changed(program, node, tables[source])
        if table is not None:
            name, take = f"{node.name}/table", takes[source]
            nodes.remove(take)
            new.pop(str(take.inputs[0]), None)
            new[name] = table
            node = replace(take, inputs=(name, take.inputs[1]), outputs=node.outputs)  # errors name the embedding
        elif node.op == "take":
            table = _table(node, program.weights)
        if table is not None:
            tables[node.outputs[0]], takes[node.outputs[0]] = table, node
        nodes.append(node)
    if not new:
        return program
    left = {value for node in nodes for value in node.outputs}
    values = {value: type_ for value, type_ in program.graph.values.items() if value in left}
    return program.with_nodes(tuple(nodes), values, new)


def _table(node: Node, weights: Mapping[str, Array]) -> Array | None:
    table = weights.get(str(node.inputs[0]))
    fits = table is not None and table.ndim == 2 and table.dtype.name in ("float32", "float64")
    return table if fits and node.attrs.get("axis", 0) in (0, -2) else None


def _changed(program: Program, node: Node, table: Array) -> Array | None:
    """Return the table with what a node does to each row of it done to all; None where that is not possible."""
    other = program.weights.get(str(node.inputs[1])) if len(node.inputs) == 2 else None
    if other is None or other.dtype != table.dtype:
        return None
    x, y = (program.graph.type_of(str(value)) for value in (node.inputs[0], node.outputs[0]))
    if node.op == "matmul" and other.ndim == 2:
        size = len(table) * other.shape[1]
        return np.matmul(table, other) if size <= min(table.size + other.size, LARGEST) else None
    row = other.ndim == 0 or (other.size == other.shape[-1] and other.shape[-1] in (1, table.shape[-1]))
    if node.op == "add" and row and x == y and table.size <= LARGEST:
        return np.asarray(table + other.reshape(-1))
    return None
