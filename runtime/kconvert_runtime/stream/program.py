"""Two graphs out of one: what is computed once, as a stream starts, and what is computed for each chunk of steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kconvert_schemas.graph import Graph, Node, Port, Signature

from ..plan import needed_nodes
from .analysis import Streamed
from .flow import STILL
from .site import Sketch, State, read_as


@dataclass(frozen=True, slots=True)
class Program:
    """start: chunk, still inputs -> states, fixed values. step: chunk, states, fixed values -> moving outputs, states.

    over, still: the inputs that come in steps, and the others. fixed: values that are computed once. moving: the
    outputs of the model that change; the others are among the fixed values.
    """

    start: Graph
    step: Graph
    over: tuple[Port, ...]
    still: tuple[Port, ...]
    states: tuple[State, ...]
    fixed: tuple[Port, ...]
    moving: tuple[Port, ...]


def split(graph: Graph, streamed: Streamed) -> Program:
    """Return the two graphs for a graph that has been found to run step by step."""
    sketch = streamed.sketch
    over = tuple(_port(p.value, sketch, p.name) for p in graph.inputs.ports if p.name in streamed.over)
    still = tuple(port for port in graph.inputs.ports if port.name not in streamed.over)
    moving = tuple(port for port in graph.outputs.ports if streamed.flow(port.value) is not STILL)
    states = tuple(sketch.states)
    once = _once(streamed, [port.value for port in (*over, *still)])
    rest = [node for node in sketch.nodes if not once.issuperset(node.outputs)]
    needed = needed_nodes(rest, [*(port.value for port in moving), *(state.after for state in states)])
    read = [value for node in needed for value in node.inputs if value in once]
    read += [port.value for port in graph.outputs.ports if port not in moving]
    fixed = tuple(_port(value, sketch) for value in dict.fromkeys(read) if value is not None)
    before = tuple(Port(state.value, read_as(state.value), state.type) for state in states)
    after = tuple(Port(state.value, state.after, state.type) for state in states)
    first = {read_as(state.value): state.start for state in states}
    begun = [replace(node, inputs=tuple(first.get(v, v) if v else v for v in node.inputs)) for node in sketch.nodes]
    starts = tuple(Port(state.value, state.start, state.type) for state in states)
    step = _graph(graph, sketch, needed, (*over, *before, *fixed), (*moving, *after))
    start = _graph(graph, sketch, begun, (*over, *still), (*starts, *fixed))
    return Program(start, step, over, still, states, fixed, moving)


def _once(streamed: Streamed, inputs: Iterable[str]) -> set[str]:
    """Return the values that depend on inputs, if only on their shapes, and are the same at every step.

    Those of weights alone are left to the folding of constants.
    """
    live = {*inputs, *(read_as(state.value) for state in streamed.sketch.states)}
    once = {value for value in inputs if streamed.flow(value) is STILL}
    for node in streamed.sketch.nodes:
        if not live.isdisjoint(node.inputs):
            live.update(node.outputs)
            once.update(v for v in node.outputs if v in streamed.sketch.flows and streamed.flow(v) is STILL)
    return once


def _port(value: str, sketch: Sketch, name: str = "") -> Port:
    return Port(name or value, value, sketch.values[value])


def _graph(
    graph: Graph, sketch: Sketch, nodes: Sequence[Node], inputs: Sequence[Port], outputs: Sequence[Port]
) -> Graph:
    ends = (Signature([port.name for port in ports], tuple(ports)) for ports in (inputs, outputs))
    return replace(graph, nodes=tuple(nodes), values=sketch.values, layers={}, inputs=next(ends), outputs=next(ends))
