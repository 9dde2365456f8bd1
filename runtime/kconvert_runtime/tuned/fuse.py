"""Which nodes run together: one that computes a value, and what is then done to that value element by element."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kconvert_schemas.graph import Node, TensorType

from .expansions import expand
from .tape import Operand, Program, Ref, Tape, finish

DTYPES = ("float32", "float64")


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that run as one. `first` computes by its own kernel, None if all work element by element."""

    nodes: tuple[Node, ...]
    first: Node | None
    extras: tuple[str, ...]
    tail: Program | None

    @property
    def output(self) -> str:
        """The value that the group gives."""
        return self.nodes[-1].outputs[0]


def group(nodes: Sequence[Node], types: Mapping[str, TensorType], kept: Collection[str]) -> list[Group]:
    """Group nodes, in an order in which the groups can run.

    Only the last value of a group is read outside it; `kept` are values that are read by someone else.
    """
    members = _grow(nodes, types)
    position = {id(node): i for i, node in enumerate(nodes)}
    readers: dict[str, list[int]] = {}
    for node in nodes:
        for value in node.inputs:
            readers.setdefault(str(value), []).append(id(node))
    parts = [part for chain in members for part in _split(chain, readers, kept)]
    parts.sort(key=lambda part: position[id(part[-1])])
    return [_group(part, types) for part in parts]


def _grow(nodes: Sequence[Node], types: Mapping[str, TensorType]) -> list[list[Node]]:
    """Let each node that works element by element join the group of one of its inputs, where that can run."""
    chains: list[list[Node]] = []
    home: dict[str, int] = {}
    depends: dict[str, int] = {}  # value -> the groups it needs, as bits
    for node in nodes:
        needs = 0
        for value in node.inputs:
            needs |= depends.get(value, 0) if value is not None else 0
        index = _joinable(node, types, home, depends)
        if index is None:
            index = len(chains)
            chains.append([])
        chains[index].append(node)
        for value in node.outputs:
            depends[value] = needs | 1 << index
            if len(node.outputs) == 1:
                home[value] = index
    return chains


def _joinable(
    node: Node, types: Mapping[str, TensorType], home: Mapping[str, int], depends: Mapping[str, int]
) -> int | None:
    if not elementwise(node, types):
        return None
    found = [(home[v], v) for v in node.inputs if v is not None and v in home and types[v] == types[node.outputs[0]]]
    for index, _ in sorted(found, reverse=True):
        others = [v for v in node.inputs if v is not None and home.get(v) != index]
        if not any(depends.get(v, 0) >> index & 1 for v in others):
            return index
    return None


def elementwise(node: Node, types: Mapping[str, TensorType]) -> bool:
    """Tell whether a node can be put on a tape."""
    type_ = types[node.outputs[0]]
    if type_.dtype not in DTYPES or None in type_.shape or len(node.outputs) > 1 or None in node.inputs:
        return False
    if any(types[v].dtype != type_.dtype for v in node.inputs if v is not None):
        return False
    operands: list[Operand] = [Ref(i, extra=True) for i in range(len(node.inputs))]
    return expand(Tape(0, type_.dtype), node.op, operands, node.attrs) is not None


def _split(chain: list[Node], readers: Mapping[str, Sequence[int]], kept: Collection[str]) -> list[list[Node]]:
    """Cut a chain where a value in the middle of it is read from outside; `readers` of each value, by `id`."""
    place, outside = {id(node): i for i, node in enumerate(chain)}, len(chain)
    last = []
    for node in chain:
        value = node.outputs[0]
        read = [outside] if value in kept else [place.get(reader, outside) for reader in readers.get(value, ())]
        last.append(max(read, default=0))
    parts, start = [], 0
    while start < len(chain):
        end = _end(last, start)
        parts.append(chain[start:end])
        start = end
    return parts


def _end(last: Sequence[int], start: int) -> int:
    """Return where the longest part that begins at `start` ends: all its values but the last are read within it."""
    end, reached = start + 1, 0
    for stop in range(start + 1, len(last) + 1):
        if reached >= len(last):
            break
        end = stop if reached < stop else end
        reached = max(reached, last[stop - 1])
    return end


def _group(part: list[Node], types: Mapping[str, TensorType]) -> Group:
    first = None if elementwise(part[0], types) else part[0]
    rest = part if first is None else part[1:]
    if not rest:
        return Group(tuple(part), first, (), None)
    refs: dict[str, Ref] = {} if first is None else {first.outputs[0]: Ref(0)}
    extras: list[str] = []
    result = Ref(0)
    tape = Tape(len(refs), types[part[-1].outputs[0]].dtype)
    for node in rest:
        for value in node.inputs:
            if value is not None and value not in refs:
                refs[value] = Ref(len(extras), extra=True)
                extras.append(value)
        found = expand(tape, node.op, [refs[str(v)] for v in node.inputs], node.attrs)
        assert found is not None  # noqa: S101  (elementwise() tells)
        result = found
        refs[node.outputs[0]] = result
    return Group(tuple(part), first, tuple(extras), finish(tape, result, len(extras), started=first is not None))
