"""The two directions of a bidirectional layer, run in one loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType
from kconvert_schemas.opset import find_op

from ..kernels.recurrent.both import CELLS, both
from ..plan import unaries
from ..steps import Binding
from .fuse import DTYPES, Group


def pairs(groups: Sequence[Group], types: Mapping[str, TensorType]) -> dict[int, int]:
    """Return the indices of groups that run the same layer forwards and backwards over one value: first -> second."""
    found: dict[int, int] = {}
    waiting: dict[object, int] = {}
    for i, one in enumerate(groups):
        key = _key(one, types)
        if key is None:
            continue
        backwards, rest = key
        partner = waiting.pop((not backwards, rest), None)
        if partner is None:
            waiting[backwards, rest] = i
        else:
            found[partner] = i
    return found


def _key(one: Group, types: Mapping[str, TensorType]) -> tuple[bool, object] | None:
    """What the two directions have in common; None for a group that cannot be one of a pair."""
    node = one.first
    if node is None or node.op not in CELLS or one.tail is not None:
        return None
    x, *weights, mask = _inputs(node)
    if any(value is not None for value in node.inputs[5:]) or types[str(x)].dtype not in DTYPES:
        return None
    shapes = tuple(None if value is None else types[value].shape for value in weights)
    attrs = {name: value for name, value in node.attrs.items() if name != "go_backwards"}
    return bool(node.attrs.get("go_backwards")), (node.op, x, mask, shapes, repr(sorted(attrs.items())))


def _inputs(node: Node) -> tuple[str | None, ...]:
    """x, kernel, recurrent kernel, bias, mask."""
    return (*node.inputs, None, None)[:5]


def pair(one: Node, other: Node) -> Binding:
    """Bind two nodes as one call."""
    forward, backward = (other, one) if one.attrs["go_backwards"] else (one, other)
    spec = find_op(one.op)
    assert spec is not None  # noqa: S101  (a built-in op)
    attrs = unaries(spec, dict(complete(spec, one.attrs)))
    for name in ("go_backwards", "stateful"):
        attrs.pop(name)
    (x, *first, mask), (_, *second, _) = _inputs(forward), _inputs(backward)

    def run(x: Array, mask: Array | None, *weights: Array | None) -> tuple[Array, ...]:
        return both(one.op, x, mask, weights[:3], weights[3:], **attrs)

    node = replace(one, outputs=(*forward.outputs, *backward.outputs))
    return Binding(node, run, (x, mask, *first, *second), node.outputs, kernel="both directions")
