"""Recurrent layers as one call each; the two directions of a bidirectional layer together, in one loop."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType

from ..steps import Binding
from .fuse import Group
from .packed import STATES, operands, packable, packed


def loops_of(
    groups: Sequence[Group], types: Mapping[str, TensorType], weights: Mapping[str, Array]
) -> dict[int, int | None]:  # fmt: skip
    """Return the indices of groups that are a recurrent layer with constant weights.

    first -> second: they run the same layer forwards and backwards over one value; else first -> None.
    """
    found: dict[int, int | None] = {}
    waiting: dict[object, int] = {}
    for i, one in enumerate(groups):
        if one.first is None or one.tail is not None or not packable(one.first, types, weights):
            continue
        backwards, rest = _key(one.first, types)
        partner = waiting.pop((not backwards, rest), None)
        if partner is None:
            found[i] = None
            waiting[backwards, rest] = i
        else:
            found[partner] = i
    return found


def _key(node: Node, types: Mapping[str, TensorType]) -> tuple[bool, object]:
    """The direction of a recurrent op, and what the two of a pair have in common."""
    x, *others = operands(node)
    mask, *states = others or [None]
    alone = node.name if any(states) else None
    shapes = tuple(None if name is None else types[name].shape for name in node.inputs[1:4])
    attrs = {name: value for name, value in node.attrs.items() if name != "go_backwards"}
    return bool(node.attrs.get("go_backwards")), (node.op, x, mask, alone, shapes, repr(sorted(attrs.items())))


def bind_loop(
    nodes: Sequence[Node], types: Mapping[str, TensorType], weights: Mapping[str, Array], read: Collection[str | None]
) -> Binding:  # fmt: skip
    """Bind one node, or two of a pair, as one call, which fills those outputs that are `read`."""
    outputs = tuple(value for node in nodes for value in node.outputs)
    node = replace(nodes[0], outputs=outputs)
    inputs = nodes[0].inputs[:STATES] if len(nodes) > 1 else nodes[0].inputs
    fills = tuple(types[value] if value in read else None for value in outputs)
    kernel = "one loop" if len(nodes) == 1 else "both directions"
    return Binding(node, packed(nodes, weights), inputs, outputs, fills, None, kernel)
