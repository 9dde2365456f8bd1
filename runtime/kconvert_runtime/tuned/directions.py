"""The two directions of a bidirectional layer, run in one loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType

from ..steps import Binding
from .fuse import Group
from .packed import operands, packable, packed


def pairs(
    groups: Sequence[Group], types: Mapping[str, TensorType], weights: Mapping[str, Array]
) -> dict[int, int]:  # fmt: skip
    """Return the indices of groups that run the same layer forwards and backwards over one value: first -> second."""
    found: dict[int, int] = {}
    waiting: dict[object, int] = {}
    for i, one in enumerate(groups):
        if one.first is None or one.tail is not None or not packable(one.first, types, weights):
            continue
        backwards, rest = _key(one.first, types)
        partner = waiting.pop((not backwards, rest), None)
        if partner is None:
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


def pair(one: Node, other: Node, weights: Mapping[str, Array]) -> Binding:
    """Bind two nodes as one call."""
    node = replace(one, outputs=(*one.outputs, *other.outputs))
    return Binding(node, packed([one, other], weights), operands(one)[:2], node.outputs, kernel="both directions")
