"""Recurrent layers as one call each; the two directions of a bidirectional layer together, in one loop."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType

from ..kernels.shape import check_indices
from ..steps import Binding
from .costs import CALL, product
from .fuse import Group
from .packed import STATES, operands, packable, packed
from .site import Kept

LARGEST = 1 << 23
"""Numbers of a table of projected entries at most."""
ELEMENT, CALLS = 1e-9, 10
"""Seconds that each element of all gates takes at a step besides the product, and calls of NumPy at a step."""
OFTEN = 64
"""How many times as many entries as are looked up in a run a table has at most, for them to be projected once."""


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


@dataclass(frozen=True, slots=True)
class LoopCost:
    """What a loop is expected to take: its steps, the seconds of all of them, and of projecting their inputs before."""

    steps: int
    stepping: float
    projecting: float

    def seconds(self, cores: int) -> float:
        """Return the seconds of both; with several cores, another one projects meanwhile."""
        both = self.stepping, self.projecting
        return sum(both) if cores == 1 else max(both)


def cost_of(nodes: Sequence[Node], types: Mapping[str, TensorType], looked_up: bool) -> LoopCost:
    """Return the cost of one recurrent node, or of two of a pair. looked_up: whether its inputs were projected once."""
    batch, steps, features = (n or 0 for n in types[str(nodes[0].inputs[0])].shape)
    units, width = (n or 0 for n in types[str(nodes[0].inputs[2])].shape)
    one = product(batch, units, width)
    step = (one.products + batch * width * ELEMENT) * len(nodes) + CALLS * CALL
    projecting = 0.0 if looked_up else product(batch * steps, features + 1, width).alone(1) * len(nodes)
    return LoopCost(steps, steps * step, projecting)


def _key(node: Node, types: Mapping[str, TensorType]) -> tuple[bool, object]:
    """The direction of a recurrent op, and what the two of a pair have in common."""
    x, *others = operands(node)
    mask, *states = others or [None]
    alone = node.name if any(states) else None
    shapes = tuple(None if name is None else types[name].shape for name in node.inputs[1:4])
    attrs = {name: value for name, value in node.attrs.items() if name != "go_backwards"}
    return bool(node.attrs.get("go_backwards")), (node.op, x, mask, alone, shapes, repr(sorted(attrs.items())))


def bind_loop(
    nodes: Sequence[Node], types: Mapping[str, TensorType], weights: Mapping[str, Array],
    read: Collection[str | None], entries: Array | None = None, kept: Kept | None = None,
) -> Binding:  # fmt: skip
    """Bind one node, or two of a pair, as one call, which fills those outputs that are `read`.

    entries: of the table in which the input is looked up, where the node is given the numbers of entries for it.
    """
    outputs = tuple(value for node in nodes for value in node.outputs)
    node = replace(nodes[0], outputs=outputs)
    inputs = nodes[0].inputs[:STATES] if len(nodes) > 1 else nodes[0].inputs
    fills = tuple(types[value] if value in read else None for value in outputs)
    kernel = "one loop" if len(nodes) == 1 else "both directions"
    if entries is not None:
        kernel += ", of a table"
    return Binding(node, packed(nodes, weights, entries, kept), inputs, outputs, fills, None, kernel)


def tables_of(
    groups: Sequence[Group], loops: Mapping[int, int | None], types: Mapping[str, TensorType],
    weights: Mapping[str, Array], outputs: Collection[str],
) -> dict[int, int]:  # fmt: skip
    """Return the loops whose input is looked up in a table, which pays to be projected: loop -> group that looks up."""
    readers = Counter(value for one in groups for node in one.nodes for value in node.inputs)
    looking = {one.output: i for i, one in enumerate(groups) if _looks_up(one, types, weights)}
    found = {}
    for loop, other in loops.items():
        nodes = [groups[n].nodes[0] for n in (loop, other) if n is not None]
        x = str(nodes[0].inputs[0])
        if x in looking and x not in outputs and readers[x] == len(nodes):
            take = groups[looking[x]].nodes[0]
            count = len(weights[str(take.inputs[0])])
            wide = sum(types[str(node.inputs[1])].shape[1] or 0 for node in nodes)
            tokens = math.prod(n or 0 for n in types[str(take.inputs[1])].shape)
            if count * wide <= LARGEST and count <= OFTEN * tokens:
                found[loop] = looking[x]
    return found


def _looks_up(one: Group, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> bool:
    node = one.nodes[0]
    if len(one.nodes) > 1 or node.op != "take" or node.attrs.get("axis", 0) not in (0, -2):
        return False
    table, indices = weights.get(str(node.inputs[0])), types[str(node.inputs[1])]
    fits = table is not None and table.ndim == 2 and table.dtype.name == types[one.output].dtype
    return fits and len(indices.shape) == 2 and None not in indices.shape and indices.dtype.startswith(("int", "uint"))


def bind_numbers(node: Node, types: Mapping[str, TensorType]) -> Binding:
    """Bind what looks up in a table so that it only says which entries there are to be looked up."""

    def numbers(table: Array, given: Array) -> Array:
        check_indices(given, len(table))
        return np.remainder(given, len(table), dtype=np.int64)  # from the other end, if below 0

    gives = replace(types[str(node.inputs[1])], dtype="int64")
    return Binding(node, numbers, node.inputs, node.outputs, (), gives, "numbers")
