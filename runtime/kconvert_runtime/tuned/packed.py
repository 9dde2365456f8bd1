"""Recurrent ops whose weights are arranged once for all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType
from kconvert_schemas.opset import find_op

from ..kernels.recurrent import CELLS
from ..kernels.recurrent.sequences import run_cell, stacked
from ..plan import unaries
from ..steps import Call
from .fuse import DTYPES

STATES = 5
"""Where the initial states begin among the inputs."""


def packable(node: Node, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> bool:
    """Whether a node is a recurrent op with constant weights."""
    if node.op not in CELLS or types[node.outputs[0]].dtype not in DTYPES:
        return False
    return all(name is None or name in weights for name in _weights(node))


def packed(nodes: Sequence[Node], weights: Mapping[str, Array]) -> Call:
    """Return a function (x, mask, states...) for one packable node, or for two that run in opposite directions.

    It gives the outputs of all nodes. Two nodes have no initial states.
    """
    node = nodes[0]
    spec = find_op(node.op)
    assert spec is not None  # noqa: S101  (a built-in op)
    attrs = unaries(spec, dict(complete(spec, node.attrs)))
    attrs.pop("stateful")
    zero = attrs.pop("zero_output_for_mask")
    attrs.pop("go_backwards")
    arrays = [[None if name is None else weights[name] for name in _weights(one)] for one in nodes]
    made = CELLS[node.op](*stacked(arrays), **attrs)
    backwards = [bool(one.attrs.get("go_backwards")) for one in nodes]
    states = [None] * (len(node.outputs) - 2)

    def run(x: Array, mask: Array | None = None, *given: Array | None) -> tuple[Array, ...]:
        starts = [*given, *states][: len(states)]
        return run_cell(made, x, mask, starts, backwards=backwards, zero_output_for_mask=zero)

    return run


def operands(node: Node) -> tuple[str | None, ...]:
    """The inputs that are not weights: x, the mask, the states."""
    return (node.inputs[0], *node.inputs[STATES - 1 :])


def _weights(node: Node) -> tuple[str | None, ...]:
    """Kernel, recurrent kernel, bias."""
    return (*node.inputs, None)[1:4]
