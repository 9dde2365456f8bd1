"""What cannot be trained, found before the first step."""

from __future__ import annotations

from collections.abc import Sequence

from kconvert_schemas.errors import InputError, paragraph, show
from kconvert_schemas.graph import Body, Graph, Node

ACTIVE = ("batch_norm",)


def check_trainable(graph: Graph, trained: Sequence[str]) -> None:
    """Raise InputError listing every layer that acts in training in a way that cannot be followed."""
    if not trained:
        raise InputError("This model has no trainable weights.")
    problems = [
        f"layer {show(node.layer)}: {inner.op} within the loop of {node.op} has no training form here"
        for node in graph.nodes
        for inner in inside(node)
        if inner.op in ACTIVE and inner.name not in graph.training.frozen
    ]
    problems += [f"layer {show(path)}: {reason}" for path, reason in graph.training.refused.items()]
    if problems:
        raise InputError(paragraph("This model cannot be trained as Keras would train it:", problems))


def inside(node: Node) -> list[Node]:
    """Return the nodes in the bodies of a node, at any depth."""
    bodies = [value for value in node.attrs.values() if isinstance(value, Body)]
    return [found for body in bodies for inner in body.nodes for found in (inner, *inside(inner))]
