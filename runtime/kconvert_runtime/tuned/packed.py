"""Recurrent ops whose weights are arranged once for all runs."""

from __future__ import annotations

from collections.abc import Mapping

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType
from kconvert_schemas.opset import find_op

from ..kernels.recurrent.both import CELLS
from ..kernels.recurrent.sequences import run_cell
from ..plan import unaries
from ..steps import Call
from .fuse import DTYPES

STATES = 5
"""Where the initial states begin among the inputs."""


def packed(node: Node, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> Call | None:
    """Return the kernel of a recurrent op with constant weights, ready to run; None for other nodes."""
    spec = find_op(node.op)
    names = (*node.inputs, None)[1:4]
    if node.op not in CELLS or spec is None or types[node.outputs[0]].dtype not in DTYPES:
        return None
    if any(name is not None and name not in weights for name in names):
        return None
    kernel, recurrent_kernel, bias = (None if name is None else weights[name] for name in names)
    assert kernel is not None and recurrent_kernel is not None  # noqa: S101  (the ops require them)
    attrs = unaries(spec, dict(complete(spec, node.attrs)))
    attrs.pop("stateful")
    order = {name: attrs.pop(name) for name in ("go_backwards", "zero_output_for_mask")}
    made = CELLS[node.op](kernel, recurrent_kernel, bias, **attrs)
    units, states = recurrent_kernel.shape[0], len(node.outputs) - 2

    def run(x: Array, *others: Array | None) -> tuple[Array, ...]:
        mask, *given = (*others, *[None] * (STATES + states))[STATES - 2 : STATES - 1 + states]
        return run_cell(made, x, units, mask, given, **order)

    return run
