"""Compute now what does not depend on the inputs of the model."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.graph import Node, TensorType

from ..plan import bind
from .program import Program

LARGEST = 1 << 20
"""Elements of a result that is kept at most: a larger one costs more memory than time."""
TOGETHER = 1 << 25
"""Elements of all results that are kept."""
DTYPES = ("bool", "int32", "int64", "float32", "float64")


def fold_constants(program: Program) -> Program:
    """Make weights of values that are computed from weights alone.

    1. a constant: its value.
    2. an op on weights and folded values: its result.
    3. a result of unknown or large size, of strings or 16-bit floats, and one that cannot be computed: left.
    """
    types = {name: weight.type for name, weight in program.graph.weights.items()} | dict(program.graph.values)
    known = dict(program.weights)
    new: dict[str, Array] = {}
    nodes = []
    room = TOGETHER
    for node in program.graph.nodes:
        foldable = room > 0 and all(v is None or v in known for v in node.inputs)
        result = _computed(node, types, known) if foldable else None
        if result is None:
            nodes.append(node)
        else:
            known[node.outputs[0]] = new[node.outputs[0]] = result
            room -= result.size
    if not new:
        return program
    values = {name: type_ for name, type_ in program.graph.values.items() if name not in new}
    return program.with_nodes(tuple(nodes), values, new)


def _computed(node: Node, types: Mapping[str, TensorType], known: Mapping[str, Array]) -> Array | None:
    type_ = types[node.outputs[0]]
    if len(node.outputs) > 1 or None in type_.shape or type_.dtype not in DTYPES:
        return None
    if math.prod(n or 0 for n in type_.shape) > LARGEST:
        return None
    try:
        with np.errstate(all="ignore"):
            result = bind(node, types, known)(*(None if value is None else known[value] for value in node.inputs))
    except (ArithmeticError, IndexError, ValueError):
        return None
    return np.array(result, holder(type_.dtype), order="C")
