"""Nodes joined to the boxes of a picture: those of one layer together, as far as that makes no circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kconvert_schemas.graph import Node


@dataclass
class Group:
    """A box: its name, the path of its layer ('' for none), its nodes; kind: 'input', 'output' or 'layer'."""

    name: str
    layer: str
    nodes: list[Node] = field(default_factory=list)
    kind: str = "layer"


@dataclass(frozen=True)
class Edge:
    """A value that goes from one group to another, both by number."""

    source: int
    target: int
    value: str


class _Joined:
    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.of_value: dict[str, int] = {}
        self._above: list[int] = []  # for each group the set of groups it depends on, as bits

    def add(self, group: Group, values: Iterable[str], reads: Iterable[str] = ()) -> int:
        number = len(self.groups)
        self.groups.append(group)
        self._above.append(0)
        self._depend(number, reads)
        self.of_value.update(dict.fromkeys(values, number))
        return number

    def join(self, node: Node) -> bool:
        """Add a node to a group of its layer that it reads from; False where there is none, or a circle would be."""
        sources = {self.of_value[value] for value in node.inputs if value in self.of_value}
        for number in sorted(sources, reverse=True):
            others = [self._above[other] | 1 << other for other in sources if other != number]
            circle = any(above >> number & 1 for above in others)
            if self._fits(number, node) and not circle:
                self.groups[number].nodes.append(node)
                for other in sorted(sources - {number}):
                    if self._fits(other, node) and not self._apart(number, other):
                        self._merge(number, other)
                self._depend(number, (value for value in node.inputs if value))
                self.of_value.update(dict.fromkeys(node.outputs, number))
                return True
        return False

    def _fits(self, number: int, node: Node) -> bool:
        group = self.groups[number]
        return bool(node.layer) and group.layer == node.layer and group.kind == "layer"

    def _apart(self, one: int, other: int) -> bool:
        """Whether a third group stands between two, so that they cannot be one."""
        between = [
            self._above[b] >> n & 1 and self._above[n] >> a & 1
            for a, b in ((one, other), (other, one))
            for n in range(len(self.groups))
            if n not in (one, other)
        ]
        return any(between)

    def _merge(self, number: int, other: int) -> None:
        """Make `other` a part of a group; what is left of it is empty."""
        nodes = self.groups[other].nodes + self.groups[number].nodes
        self.groups[number].nodes, self.groups[other].nodes = nodes, []
        self.of_value.update({value: number for value, group in self.of_value.items() if group == other})
        together = (self._above[number] | self._above[other]) & ~(1 << number | 1 << other)
        for n, above in enumerate(self._above):
            if above >> number & 1 or above >> other & 1:
                self._above[n] = (above | together | 1 << number) & ~(1 << other)
        self._above[number], self._above[other] = together, 0

    def _depend(self, number: int, reads: Iterable[str]) -> None:
        sources = {self.of_value[value] for value in reads if value in self.of_value} - {number}
        more = 0
        for source in sources:
            more |= self._above[source] | 1 << source
        if not more & ~self._above[number]:
            return
        self._above[number] |= more
        for other, above in enumerate(self._above):
            if above >> number & 1:
                self._above[other] |= more


def grouped(
    nodes: Sequence[Node], inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> tuple[list[Group], list[Edge]]:
    """Return the groups of some nodes and the edges between them. inputs, outputs: name -> value."""
    joined = _Joined()
    for name, value in inputs.items():
        joined.add(Group(name, "", kind="input"), [value])
    waiting: dict[str, Node] = {}
    for node in nodes:
        if not any(value in joined.of_value or value in waiting for value in node.inputs):
            waiting.update(dict.fromkeys(node.outputs, node))  # a constant joins who reads it
            continue
        own = [waiting[value] for value in node.inputs if value in waiting]
        for constant in dict.fromkeys(map(id, own)):
            source = next(one for one in own if id(one) == constant)
            if source.layer != node.layer or not node.layer:
                _alone(joined, source, waiting)
        _place(joined, node, waiting)
    for node in list({id(node): node for node in waiting.values()}.values()):
        _alone(joined, node, waiting)
    for name, value in outputs.items():
        joined.add(Group(name, "", kind="output"), [], [value])
    return _numbered(joined, outputs, {node.name: n for n, node in enumerate(nodes)})


def _place(joined: _Joined, node: Node, waiting: dict[str, Node]) -> None:
    """Put a node into a group, with the constants of its layer that only it has read so far."""
    if not joined.join(node):
        joined.add(Group(node.layer or node.name, node.layer, [node]), node.outputs, [v for v in node.inputs if v])
    number = joined.of_value[node.outputs[0]]
    for value in node.inputs:
        constant = waiting.get(value) if value is not None else None
        if constant is not None:
            joined.groups[number].nodes.insert(0, constant)
            for output in constant.outputs:
                waiting.pop(output, None)
                joined.of_value[output] = number


def _alone(joined: _Joined, node: Node, waiting: dict[str, Node]) -> None:
    for output in node.outputs:
        waiting.pop(output, None)
    joined.add(Group(node.layer or node.name, node.layer, [node]), node.outputs)


def _numbered(joined: _Joined, outputs: Mapping[str, str], place: Mapping[str, int]) -> tuple[list[Group], list[Edge]]:
    """Return what is left after merging, in the order in which it runs."""
    left = [n for n, group in enumerate(joined.groups) if group.nodes or group.kind != "layer"]
    number = {n: i for i, n in enumerate(left)}
    edges = [Edge(number[e.source], number[e.target], e.value) for e in _edges(joined, outputs)]
    for n in left:
        joined.groups[n].nodes.sort(key=lambda node: place[node.name])
    return [joined.groups[n] for n in left], edges


def _edges(joined: _Joined, outputs: Mapping[str, str]) -> Iterable[Edge]:
    seen = set()
    for target, group in enumerate(joined.groups):
        reads = [value for node in group.nodes for value in node.inputs if value]
        reads += [outputs[group.name]] if group.kind == "output" else []
        for value in reads:
            source = joined.of_value.get(value)
            if source is not None and source != target and (source, target, value) not in seen:
                seen.add((source, target, value))
                yield Edge(source, target, value)
