"""How two bundles differ: operations, weights, inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph, Node, Signature, Weight

Bundle = tuple[Graph, Mapping[str, Array]]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that stands in both bundles and differs: its name, and what differs, from the first to the second."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A weight with other numbers: the largest and the mean difference (NaN where a number is not finite), how many."""

    name: str
    largest: float
    mean: float
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What the second of two bundles has that the first lacks, the reverse, and what differs."""

    ports: list[Change] = field(default_factory=list)
    nodes_added: list[str] = field(default_factory=list)
    nodes_removed: list[str] = field(default_factory=list)
    nodes_changed: list[Change] = field(default_factory=list)
    weights_added: list[str] = field(default_factory=list)
    weights_removed: list[str] = field(default_factory=list)
    weights_changed: list[Change] = field(default_factory=list)
    weights_moved: list[Moved] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(self.as_json().values())

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def compare(first: Bundle, second: Bundle) -> Difference:
    """Return how two bundles differ. Operations and weights are told by their names."""
    (a, before), (b, after) = first, second
    mine, theirs = ({node.name: node for node in graph.nodes} for graph in (a, b))
    both = [name for name in mine if name in theirs]
    shared = [name for name in a.weights if name in b.weights]
    alike = [name for name in shared if a.weights[name].type == b.weights[name].type]
    return Difference(
        [*_ports("inputs", a.inputs, b.inputs), *_ports("outputs", a.outputs, b.outputs)],
        [f"{name} ({theirs[name].op})" for name in theirs if name not in mine],
        [f"{name} ({mine[name].op})" for name in mine if name not in theirs],
        [Change(name, what) for name in both if (what := _node(mine[name], theirs[name]))],
        [f"{name} {weight.type}" for name, weight in b.weights.items() if name not in a.weights],
        [f"{name} {weight.type}" for name, weight in a.weights.items() if name not in b.weights],
        [Change(name, what) for name in shared if (what := _weight(a.weights[name], b.weights[name]))],
        [moved for name in alike if (moved := _moved(name, before[name], after[name]))],
    )


def _ports(what: str, mine: Signature, theirs: Signature) -> list[Change]:
    shown = [", ".join(f"{port.name} {port.type}" for port in one.ports) for one in (mine, theirs)]
    if shown[0] != shown[1]:
        return [Change(what, f"{shown[0]} -> {shown[1]}")]
    if mine.structure != theirs.structure:
        return [Change(what, f"nested as {mine.structure} -> {theirs.structure}")]
    return [Change(what, "values of other names")] if mine != theirs else []


def _node(mine: Node, theirs: Node) -> str:
    parts = [f"{name} {a} -> {b}" for name, a, b in (
        ("op", mine.op, theirs.op), ("layer", mine.layer, theirs.layer),
        ("inputs", list(mine.inputs), list(theirs.inputs)), ("outputs", list(mine.outputs), list(theirs.outputs)),
    ) if a != b]  # fmt: skip
    for name in sorted({*mine.attrs, *theirs.attrs}):
        a, b = mine.attrs.get(name), theirs.attrs.get(name)
        if a != b:
            parts.append(f"{name} differs" if hasattr(a, "nodes") or hasattr(b, "nodes") else f"{name} {a} -> {b}")
    return ", ".join(parts)


def _weight(mine: Weight, theirs: Weight) -> str:
    pairs = (
        ("type", str(mine.type), str(theirs.type)), ("trainable", mine.trainable, theirs.trainable),
        ("source", mine.source, theirs.source),
    )  # fmt: skip
    return ", ".join(f"{name} {a} -> {b}" for name, a, b in pairs if a != b)


def _moved(name: str, mine: Array, theirs: Array) -> Moved | None:
    if mine.dtype == object:
        count = int(np.count_nonzero(mine != theirs))
        return Moved(name, float("nan"), float("nan"), count, mine.size) if count else None
    same = (mine == theirs) | ((mine != mine) & (theirs != theirs))
    if np.all(same):
        return None
    wide = np.complex128 if mine.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        apart = np.abs(np.where(same, 0, mine.astype(wide) - theirs.astype(wide)))
    return Moved(name, float(apart.max()), float(apart.mean()), int(np.count_nonzero(~same)), mine.size)
