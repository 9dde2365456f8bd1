"""What values a model's inputs can take, as far as its graph says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph, Node

HANDED_ON = {
    "cast", "reshape", "transpose", "slice", "concatenate", "flip", "pad", "broadcast_to", "dropout",
    "standardize_text", "tokenize",
}  # fmt: skip
"""Ops whose results hold values of their input, so that what is read from those is read from the input."""
KEYS = 1000
SMALL = 3
"""Integers of which nothing is known stay below this: few models take none that small."""


@dataclass(frozen=True, slots=True)
class Range:
    """below: integers are less than it; None where any number will do. words: those of the vocabularies it is
    looked up in.
    """

    below: int | None
    words: tuple[str, ...]


def find_range(graph: Graph, weights: Mapping[str, Array], value: str, dtype: str) -> Range:
    """Follow an input through the graph to the tables that it is looked up in."""
    held = {value}
    tables: list[int | None] = []
    words: list[str] = []
    for node in graph.nodes:
        read = held.intersection(v for v in node.inputs if v is not None)
        if not read:
            continue
        if node.op in HANDED_ON:
            held.update(node.outputs)
        elif node.op == "take" and node.inputs[1] in read:
            tables.append(_rows(graph, node))
        elif node.op == "one_hot":
            tables.append(node.attrs["depth"])
        elif node.op == "lookup" and dtype == "string":
            words += [str(word) for word in _keys(weights, node)]
    known = [rows for rows in tables if rows]
    whole = "int" in dtype
    return Range(min(known) if known else SMALL if whole else None, tuple(words))


def _rows(graph: Graph, node: Node) -> int | None:
    """The size of the axis that a `take` picks from."""
    table = node.inputs[0]
    shape = graph.type_of(table).shape if table is not None else ()
    axis = node.attrs.get("axis", 0)
    return shape[axis] if -len(shape) <= axis < len(shape) else None


def _keys(weights: Mapping[str, Array], node: Node) -> list[str]:
    """The first entries of the vocabulary of a `lookup`, if it is stored."""
    keys = weights.get(node.inputs[1] or "")
    return [] if keys is None else keys.ravel()[:KEYS].tolist()
