"""Write batch normalisation with known statistics as one multiplication and one addition."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType

from .program import Program


def split_batch_norm(program: Program) -> Program:
    """y = x scale + shift, with scale = gamma / sqrt(variance + epsilon) and shift = beta - mean scale.

    1. statistics that are weights, in float32 or float64: split.
    2. statistics that are computed, or of another dtype: left.
    """
    nodes: list[Node] = []
    values, new = dict(program.graph.values), dict[str, Array]()
    for node in program.graph.nodes:
        parts = _parts(program, node)
        if parts is None:
            nodes.append(node)
            continue
        scale, shift = (f"{node.name}/{what}" for what in ("scale", "shift"))
        new[scale], new[shift] = parts
        middle = f"{node.name}/scaled"
        values[middle] = values[node.outputs[0]]
        nodes.append(Node("multiply", middle, node.layer, (node.inputs[0], scale), (middle,), {}))
        nodes.append(Node("add", node.name, node.layer, (middle, shift), node.outputs, {}))
    return program.with_nodes(tuple(nodes), values, new) if new else program


def _parts(program: Program, node: Node) -> tuple[Array, Array] | None:
    """Scale and shift in the shape that stands against x."""
    if node.op != "batch_norm" or not all(v is None or v in program.weights for v in node.inputs[1:]):
        return None
    x: TensorType = program.graph.type_of(str(node.inputs[0]))
    if x.dtype not in ("float32", "float64"):
        return None
    given = [None if v is None else np.asarray(program.weights[v], np.float64) for v in node.inputs[1:]]
    mean, variance, gamma, beta = [*given, None, None][:4]
    assert mean is not None and variance is not None  # noqa: S101  (the op requires both)
    scale = 1 / np.sqrt(variance + node.attrs["epsilon"])
    scale = scale if gamma is None else scale * gamma
    shift = -mean * scale if beta is None else beta - mean * scale
    shape = [-1 if axis == node.attrs["axis"] % len(x.shape) else 1 for axis in range(len(x.shape))]
    first = next(i for i, size in enumerate(shape) if size == -1)
    return tuple(part.astype(x.dtype).reshape(shape[first:]) for part in (scale, shift))
