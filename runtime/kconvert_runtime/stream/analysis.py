"""Which inputs come step by step, and the graph that runs so; or every reason why none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice

from kconvert_schemas.attrs import complete
from kconvert_schemas.errors import InputError, paragraph, show
from kconvert_schemas.graph import Graph, Node, Port, TensorType
from kconvert_schemas.opset import find_op

from ..plan import needed_nodes, types_of
from . import loops, pointwise, products, shapes, windows  # noqa: F401  (importing them registers the rules)
from .flow import LATEST, LOST, STILL, Along, Flow, Refused
from .registry import RULES
from .site import Site, Sketch

MOST_SETS = 64
"""Sets of inputs that are tried."""
UNKNOWN = "it is not known to treat every step by itself"


@dataclass(frozen=True, slots=True)
class Streamed:
    """A graph read with some inputs coming step by step: the graph that runs so, and the flow of every value."""

    over: tuple[str, ...]
    sketch: Sketch
    problems: list[str] = field(default_factory=list)

    def flow(self, value: str) -> Flow:
        """Return the flow of a value; weights are still."""
        return self.sketch.flows.get(value, STILL)


def analyse(graph: Graph, over: Sequence[str] | None) -> Streamed:
    """Return how `graph` runs step by step.

    over: names of the inputs that come in steps; None: as many as can, such that most outputs come in steps.
    Raises InputError with every reason where it cannot.
    """
    tried = [_read(graph, names) for names in _candidates(graph, over)]
    ends = [port.value for port in graph.outputs.ports]
    useful = [one for one in tried if not one.problems and any(one.flow(value) is not STILL for value in ends)]
    if useful:
        return max(useful, key=lambda one: (_moving_outputs(graph, one), len(one.over)))
    failed = [one for one in tried if one.problems]
    if not failed:
        raise InputError(
            "No output of this model depends on an input with steps: there is nothing to run step by step."
        )
    nearest = min(failed, key=lambda one: (len(one.problems), -len(one.over)))
    raise InputError(
        paragraph(
            f"This model cannot run step by step over {', '.join(map(show, nearest.over))}:",
            nearest.problems,
            "Give it whole sequences instead: model(x).",
        )
    )


def _moving_outputs(graph: Graph, one: Streamed) -> int:
    return sum(isinstance(one.flow(port.value), Along) for port in graph.outputs.ports)


def _candidates(graph: Graph, over: Sequence[str] | None) -> list[tuple[str, ...]]:
    """Return the sets of inputs to try, larger ones first."""
    able = [port.name for port in graph.inputs.ports if len(port.type.shape) > 1]
    if over is not None:
        names = (over,) if isinstance(over, str) else tuple(over)
        strangers = [name for name in names if name not in able]
        if strangers or not names:
            raise InputError(
                f"The inputs that can come in steps are {', '.join(map(show, able)) or 'none'}; "
                f"{', '.join(map(show, strangers)) or 'none'} was asked for."
            )
        return [names]
    if not able:
        raise InputError("No input of this model has an axis of time after the batch, so it cannot run step by step.")
    sets = (names for count in range(len(able), 0, -1) for names in combinations(able, count))
    return list(islice(sets, MOST_SETS))


def rows_apart(graph: Graph) -> bool:
    """Tell whether each row of the outputs depends on the same row of the inputs alone, for any number of rows."""
    if any(port.type.shape[:1] != (None,) for port in graph.inputs.ports):
        return False
    found = _read(graph, tuple(port.name for port in graph.inputs.ports), axis=0)
    ends = [found.flow(port.value) for port in graph.outputs.ports]
    apart = all(isinstance(flow, Along) and flow.place == (0, False) and not flow.front for flow in ends)
    return apart and not found.problems and not found.sketch.states


def _read(graph: Graph, over: tuple[str, ...], axis: int = 1) -> Streamed:
    """Walk through the graph, noting every node that cannot run step by step along this axis of the inputs."""
    types, sketch = types_of(graph), Sketch()
    problems: list[str] = []
    sketch.values.update(types)
    for port in graph.inputs.ports:
        if port.name in over:
            _place(sketch, port.value, Along(axis, length=port.type.shape[axis]), port.type)
    streamed = Streamed(over, sketch, problems)
    for node in needed_nodes(graph.nodes, [port.value for port in graph.outputs.ports]):
        _step(node, types, streamed)
    for port in graph.outputs.ports:
        problems += _output_problems(port, streamed.flow(port.value))
    return streamed


def _step(node: Node, types: Mapping[str, TensorType], streamed: Streamed) -> None:
    sketch = streamed.sketch
    flows = [None if value is None else streamed.flow(value) for value in node.inputs]
    spec = find_op(node.op)
    given = [None if value is None else types[value] for value in node.inputs]
    made = [sketch.values[value] for value in node.outputs]
    attrs = complete(spec, node.attrs) if spec else dict(node.attrs)
    site = Site(node, attrs, given, made, flows, sketch)
    start = len(sketch.nodes), len(sketch.states)
    try:
        found = _flows(site)
    except Refused as refusal:
        del sketch.nodes[start[0] :], sketch.states[start[1] :]
        where = f"layer {show(node.layer)}" if node.layer else f"node {show(node.name)}"
        streamed.problems.append(f"{where} ({node.op}): {refusal}")
        found = [LOST] * len(node.outputs)
    if not site.written and not streamed.problems:
        sketch.nodes.append(node)
    for value, flow, type_ in zip(node.outputs, found, made, strict=True):
        _place(sketch, value, flow, type_)


def _flows(site: Site) -> Sequence[Flow]:
    present = [flow for flow in site.flows if flow is not None]
    if LOST in present:
        return [LOST] * len(site.node.outputs)
    if not any(isinstance(flow, Along) for flow in present):
        return [LATEST if LATEST in present else STILL] * len(site.node.outputs)
    rule = RULES.get(site.node.op)
    if rule is None:
        raise Refused(UNKNOWN)
    return rule(site)


def _place(sketch: Sketch, value: str, flow: Flow, type_: TensorType) -> None:
    """Note the flow of a value, and its type with the number of steps left open."""
    sketch.flows[value] = flow
    if isinstance(flow, Along):
        shape = tuple(None if i == flow.axis else size for i, size in enumerate(type_.shape))
        type_ = replace(type_, shape=shape)
    sketch.values[value] = type_


def _output_problems(port: Port, flow: Flow) -> list[str]:
    if isinstance(flow, Along) and (flow.rows or flow.front):
        return [f"output {show(port.name)}: its steps have no axis of their own"]
    return []
