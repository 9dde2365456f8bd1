"""The two directions of a bidirectional layer, joined in a walk, so that one loop runs both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from kconvert_schemas.attrs import complete
from kconvert_schemas.graph import Node
from kconvert_schemas.opset import find_op

from .pairs import CELLS, both, is_default


def joined(
    nodes: Sequence[Node], weights: Collection[str], choose: Callable[[Node], Any]
) -> list[tuple[Node, Any]]:  # fmt: skip
    """Return the nodes, each with None; where two are directions of one layer, one in their place, with its pair.

    choose: gives what runs a node instead of what is registered; such nodes stay apart.
    """
    found: list[tuple[Node, Any]] = []
    waiting: dict[object, int] = {}
    for node in nodes:
        key = _key(node, weights) if choose(node) is None else None
        other = None if key is None else waiting.pop((not key[0], key[1]), None)
        if key is None or other is None:
            if key is not None:
                waiting[key] = len(found)
            found.append((node, None))
            continue
        first = found[other][0]
        ahead, behind = (first, node) if key[0] else (node, first)
        inputs = (*_source(node), *_weights(ahead), *_weights(behind))
        outputs = (*ahead.outputs, *behind.outputs)
        found[other] = replace(first, inputs=inputs, outputs=outputs), partial(both, node.op)
    return found


def _key(node: Node, weights: Collection[str]) -> tuple[bool, object] | None:
    """Return the direction, and what both of a layer share; None for what cannot be joined."""
    spec = find_op(node.op)
    if node.op not in CELLS or spec is None or any(node.inputs[5:]):
        return None
    attrs = dict(complete(spec, node.attrs))
    if not is_default(node.op, attrs) or any(name is not None and name not in weights for name in _weights(node)):
        return None
    backwards = bool(attrs.pop("go_backwards"))
    return backwards, (node.op, _source(node), _weights(node)[2] is None, repr(sorted(attrs.items())))


def _source(node: Node) -> tuple[str | None, ...]:
    return node.inputs[0], (*node.inputs, None, None)[4]


def _weights(node: Node) -> tuple[str | None, ...]:
    return (*node.inputs, None)[1:4]
