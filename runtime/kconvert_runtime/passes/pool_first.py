"""Take the largest first: functions that keep the order of numbers are then computed of fewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kconvert_schemas.graph import Node, TensorType

from .program import Program

RISING = {
    "relu": ("negative_slope", "threshold"), "relu6": (), "leaky_relu": (), "elu": (), "selu": (), "sigmoid": (),
    "tanh": (), "softplus": (), "softsign": (), "exp": (), "hard_sigmoid": (), "hard_tanh": (), "log_sigmoid": (),
}  # fmt: skip
"""Functions that never fall, and the attributes that have to be 0 for that."""
SLOPES = ("negative_slope", "alpha", "slope")
"""Attributes below 0 with which they fall."""


def pool_first(program: Program) -> Program:
    """max_pool(f(x)) = f(max_pool(x)) for f that never fall, where nothing else reads f(x).

    1. an activation that rises: the pooling comes before it.
    2. an addition of a constant for each channel, or of a number: the pooling comes before it.
    3. several of them in a row: the pooling comes before all.
    4. an activation that falls somewhere, a constant with places of its own, a value read elsewhere: left.
    """
    readers, writers = program.readers(), program.writers()
    values = dict(program.graph.values)
    nodes = list(program.graph.nodes)
    for pool in program.graph.nodes:
        if pool.op != "max_pool":
            continue
        over = _over(program, pool, readers, writers)
        if over:
            _move(nodes, values, pool, over)
    if values == program.graph.values:
        return program
    return program.with_nodes(tuple(nodes), values, {})


def _over(
    program: Program, pool: Node, readers: Mapping[str, int], writers: Mapping[str, Node]
) -> list[Node]:  # fmt: skip
    """Return the functions whose result is pooled, the first that is computed first."""
    found: list[Node] = []
    value = str(pool.inputs[0])
    while readers[value] == 1 and value in writers and _rises(program, writers[value], pool):
        found.insert(0, writers[value])
        value = str(writers[value].inputs[0])
    return found


def _rises(program: Program, node: Node, pool: Node) -> bool:
    x, y = (program.graph.type_of(str(value)) for value in (node.inputs[0], node.outputs[0]))
    if x != y or y.dtype not in ("float32", "float64"):
        return False
    if node.op == "add":
        constant = program.weights.get(str(node.inputs[1]))
        axis = -1 if pool.attrs["data_format"] == "channels_last" else 1 - len(x.shape)
        return constant is not None and all(
            size == 1 or i == len(constant.shape) + axis for i, size in enumerate(constant.shape)
        )
    zeros = RISING.get(node.op)
    if zeros is None or any(node.attrs.get(name) for name in zeros):
        return False
    return all(node.attrs.get(name, 0) >= 0 for name in SLOPES)


def _move(nodes: list[Node], values: dict[str, TensorType], pool: Node, over: list[Node]) -> None:
    """Put a pooling before these functions."""
    start, end = str(over[0].inputs[0]), pool.outputs[0]
    pooled = f"{over[0].outputs[0]}/pooled"
    moved = [replace(pool, inputs=(start, *pool.inputs[1:]), outputs=(pooled,))]
    values[pooled] = values[end]
    for node in over:
        result = end if node is over[-1] else node.outputs[0]
        values[node.outputs[0]] = values[end]
        moved.append(replace(node, inputs=(moved[-1].outputs[0], *node.inputs[1:]), outputs=(result,)))
    del values[over[-1].outputs[0]]
    at = nodes.index(pool)
    nodes[at : at + 1] = moved
    for node in over:
        nodes.remove(node)
