"""Graph + the shapes of its inputs -> Plan, with kernels chosen for these shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph, Node, TensorType
from kconvert_schemas.opset import find_op
from kconvert_schemas.opspec import OpError

from .. import blas
from ..pace import Pace
from ..parallel import workers
from ..plan import bind, link, needed_nodes
from ..steps import Binding, Call, Plan
from .attention import join
from .choice import PLAIN, Choice, Seconds, choose, choose_alone, estimated
from .fuse import Group, group
from .loops import LoopCost, bind_loop, bind_numbers, cost_of, loops_of, tables_of
from .paddings import absorb
from .site import Kept, Site

LARGEST = 5_000
"""Nodes of a graph that is planned this way at most: what planning takes grows faster than the graph."""
REST = 2
"""Steps for which memory is left alone after its last use where cores share the work: else a core that is ahead would
have to wait for the others before it writes there."""
SHORT = 1e-4
"""Seconds of a run below which no product is large enough for BLAS' threads."""
LOOPS = {"lstm", "gru", "simple_rnn", "scan"}
"""Ops of many small steps, whose time is not known unless they run as a loop of their own."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Which nodes run together, and how, before anything is built for it.

    loops: recurrent groups whose loop runs by itself or, first -> second, with that of another one. tables: those whose
    input is looked up, loop -> the group that does. types: of all values. shared: whether BLAS keeps to one thread.
    cores: how many may be used. kept: arrays that several plans use.
    """

    graph: Graph
    weights: Mapping[str, Array]
    groups: Sequence[Group]
    loops: Mapping[int, int | None]
    tables: Mapping[int, int]
    choices: Mapping[int, Choice]
    types: Mapping[str, TensorType]
    shared: bool
    cores: int
    kept: Kept

    @property
    def seconds(self) -> float | None:
        """Seconds that a run is expected to take; None where that is not known."""
        if any(node.op in LOOPS for i in self.choices for node in self.groups[i].nodes):
            return None
        loops = sum(cost.seconds(self.cores) for cost in self._costs)
        return loops + sum(choice.seconds for choice in self.choices.values())

    @property
    def steps(self) -> int:
        """How many steps a run has, those of its loops included."""
        return len(self.groups) + sum(cost.steps for cost in self._costs)

    @property
    def _costs(self) -> list[LoopCost]:
        return [cost_of(self._nodes(i), self.types, i in self.tables) for i in self.loops]

    def _nodes(self, loop: int) -> list[Node]:
        """The recurrent nodes that run in one loop."""
        return [self.groups[n].nodes[0] for n in (loop, self.loops[loop]) if n is not None]

    def build(self) -> Plan:
        """Build the kernels, and plan their memory."""
        others, numbers = set(self.loops.values()), set(self.tables.values())
        inputs, outputs = ([port.value for port in side.ports] for side in (self.graph.inputs, self.graph.outputs))
        read = {*outputs, *(value for one in self.groups for node in one.nodes for value in node.inputs)}
        bindings = [
            bind_numbers(one.nodes[0], self.types) if i in numbers
            else _binding(one, self.choices[i]) if i in self.choices
            else bind_loop(self._nodes(i), self.types, self.weights, read, self._entries(i), self.kept)
            for i, one in enumerate(self.groups) if i not in others
        ]  # fmt: skip
        plan = link(bindings, inputs, outputs, self.weights, REST if self.shared else 0)
        short = self.seconds is not None and self.seconds < SHORT
        cores = self.cores if self.shared else 1
        return replace(plan, parallel=self.shared, cores=cores, pace=None if self.shared or short else Pace())

    def _entries(self, loop: int) -> Array | None:
        """The entries of the table in which a loop's input is looked up."""
        if loop not in self.tables:
            return None
        return self.weights[str(self.groups[self.tables[loop]].nodes[0].inputs[0])]


def draft(
    graph: Graph, weights: Mapping[str, Array], shapes: Sequence[tuple[int, ...]], seconds: Seconds = estimated, *,
    alone: bool = False, kept: Kept | None = None,
) -> Draft | None:  # fmt: skip
    """Choose how to run `graph` on inputs of these shapes.

    None for more than LARGEST nodes, and for shapes that do not fit (the plain plan says why).
    seconds: tells how long each way to compute a node takes. alone: in one thread, as others run beside it. kept: where
    arrays are kept that several plans use.
    """
    outputs = {port.value for port in graph.outputs.ports}
    nodes = needed_nodes(graph.nodes, list(outputs))
    if len(nodes) > LARGEST:
        return None
    try:
        types = concrete_types(graph, nodes, shapes)
    except OpError:
        return None
    groups = join(absorb(group(nodes, types, outputs), types, outputs), types, outputs)
    loops = loops_of(groups, types, weights)
    tables = tables_of(groups, loops, types, weights, outputs)
    rest = [i for i in range(len(groups)) if i not in {*loops, *loops.values()}]
    kept = {} if kept is None else kept
    sites = [_site(groups[i], types, weights, kept) for i in rest]
    choices, shared = (choose_alone(sites, seconds), True) if alone else choose(sites, seconds)
    chosen = dict(zip(rest, choices, strict=True))
    cores = 1 if alone else workers()
    return Draft(graph, weights, groups, loops, tables, chosen, types, shared, cores, kept)


def concrete_types(graph: Graph, nodes: Sequence[Node], shapes: Sequence[tuple[int, ...]]) -> dict[str, TensorType]:
    """Return the type of every value for these input shapes; sizes that only running tells stay None.

    Raises OpError where an op does not fit.
    """
    types = {name: weight.type for name, weight in graph.weights.items()}
    for port, shape in zip(graph.inputs.ports, shapes, strict=True):
        types[port.value] = TensorType(shape, port.type.dtype)
    for node in nodes:
        spec = find_op(node.op)
        if spec is None:
            types.update({value: graph.values[value] for value in node.outputs})
            continue
        given = [None if value is None else types[value] for value in node.inputs]
        types.update(zip(node.outputs, spec.infer(given, node.attrs), strict=True))
    return types


def _site(one: Group, types: Mapping[str, TensorType], weights: Mapping[str, Array], kept: Kept) -> Site:
    node = one.nodes[-1] if one.first is None else one.first
    outputs = node.outputs if one.tail is None else (one.output,)
    own = () if one.first is None else one.first.inputs
    inputs = (*own, *one.extras)
    return Site(
        node,
        tuple(None if value is None else types[value] for value in inputs),
        tuple(types[value] for value in outputs),
        tuple(None if value is None else weights.get(value) for value in inputs),
        len(own),
        one.tail,
        partial(_plain, node, types, weights),
        kept=kept,
    )


def _plain(node: Node, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> Call:
    kernel = bind(node, types, weights)
    return blas.in_one_thread(kernel) if node.op == "scan" else kernel  # many small products


def _binding(one: Group, choice: Choice) -> Binding:
    site, chosen = choice.site, choice.candidate
    outputs = site.node.outputs if one.tail is None else (one.output,)
    inputs = (*(() if one.first is None else one.first.inputs), *one.extras)
    after = tuple(other.op for other in one.nodes if other is not site.node)
    fills = () if chosen is PLAIN else (site.outputs[0],)
    gives = site.outputs[0] if not fills and len(outputs) == 1 and None not in site.outputs[0].shape else None
    return Binding(site.node, chosen.build(site), inputs, outputs, fills, gives, chosen.name, after,
                   choice.seconds)  # fmt: skip
