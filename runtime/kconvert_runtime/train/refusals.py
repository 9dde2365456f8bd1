"""What cannot be trained, found before the first step."""

from __future__ import annotations

from collections.abc import Sequence

from kconvert_schemas.errors import InputError, paragraph, show
from kconvert_schemas.graph import Body, Graph, Node
from kconvert_schemas.ops.normalization import TRAINING_ONLY

ACTIVE = (*TRAINING_ONLY, "batch_norm")


def check_trainable(graph: Graph, trained: Sequence[str]) -> None:
    """Raise InputError listing every layer that acts in training in a way that cannot be followed."""
    if not trained:
        raise InputError("This model has no trainable weights.")
    problems = [
        f"layer {show(node.layer)}: {inner.op} within the loop of {node.op} has no training form here"
        for node in graph.nodes
        for body in node.attrs.values()
        if isinstance(body, Body)
        for inner in _inside(body)
        if inner.op in ACTIVE
    ]
    problems += [f"layer {show(path)}: {reason}" for path, reason in graph.training.refused.items()]
    if problems:
        raise InputError(paragraph("This model cannot be trained as Keras would train it:", problems))


def _inside(body: Body) -> list[Node]:
    found = list(body.nodes)
    for node in body.nodes:
        for value in node.attrs.values():
            if isinstance(value, Body):
                found += _inside(value)
    return found
