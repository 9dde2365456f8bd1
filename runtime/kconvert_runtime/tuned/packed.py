"""Recurrent ops whose weights are arranged once for all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType
from kconvert_schemas.opset import find_op

from ..calls import Do
from ..kernels.recurrent import CELLS
from ..kernels.recurrent.cells import Cell, stacked
from ..kernels.recurrent.projection import table_of
from ..kernels.recurrent.sequences import fill_cell
from ..plan import unaries
from ..steps import Call
from .fuse import DTYPES
from .site import Kept

STATES = 5
"""Where the initial states begin among the inputs."""


def packable(node: Node, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> bool:
    """Whether a node is a recurrent op with constant weights, and all sizes are known."""
    if node.op not in CELLS or any(types[y].dtype not in DTYPES or None in types[y].shape for y in node.outputs):
        return False
    return all(name is None or name in weights for name in _weights(node))


def packed(
    nodes: Sequence[Node], weights: Mapping[str, Array], entries: Array | None = None, kept: Kept | None = None
) -> Call:  # fmt: skip
    """Return a function (do, outputs of all nodes..., inputs of the first...) for one packable node.

    Or for two that run in opposite directions, which have no initial states. It fills the outputs that are not None.
    entries: those of a table; x then says which of them is the input of each step. They are projected once, and `kept`.
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
    states, count = len(node.outputs) - 2, sum(len(one.outputs) for one in nodes)

    def table(cell: Cell) -> Array | None:
        if entries is None:
            return None
        name = (node.name, cell.kernel.shape)
        tables = {} if kept is None else kept
        return tables[name] if name in tables else tables.setdefault(name, table_of(entries, cell.kernel))

    def run(do: Do, *arrays: Array | None) -> None:
        outputs, (x, *others) = arrays[:count], arrays[count:]
        assert x is not None  # noqa: S101  (the op requires it)
        mask, *starts = [*others[STATES - 2 :], *[None] * (1 + states)][: 1 + states]  # without the weights
        cell = made(len(x))
        fill_cell(do, cell, outputs, x, mask, starts, backwards=backwards, zero_output_for_mask=zero, table=table(cell))

    return run


def operands(node: Node) -> tuple[str | None, ...]:
    """The inputs that are not weights: x, the mask, the states."""
    return (node.inputs[0], *node.inputs[STATES - 1 :])


def _weights(node: Node) -> tuple[str | None, ...]:
    """Kernel, recurrent kernel, bias."""
    return (*node.inputs, None)[1:4]
