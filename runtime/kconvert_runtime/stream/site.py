"""What a rule is given: one node with the flows of its inputs, and a pen for the nodes that run it step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from kconvert_schemas.attrs import complete
from kconvert_schemas.graph import Node, TensorType
from kconvert_schemas.opset import find_op

from .flow import LATEST, STILL, Along, Flow, Refused

Rule: TypeAlias = "Callable[[Site], Sequence[Flow]]"
Dims: TypeAlias = "list[int | str]"


@dataclass(frozen=True, slots=True)
class State:
    """What an op carries on: `value` is its name, `start` the value it is at first, `after` the value it becomes.

    The step graph reads it as `read_as(value)`.
    """

    value: str
    type: TensorType
    start: str
    after: str


@dataclass
class Sketch:
    """The graph that runs step by step, as far as it is written: nodes, types of values, and states."""

    nodes: list[Node] = field(default_factory=list)
    values: dict[str, TensorType] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)


@dataclass
class Site:
    """One node. attrs are complete. A rule returns the flows of the outputs; `keep`, `op` and `state` write nodes."""

    node: Node
    attrs: Mapping[str, Any]
    types: Sequence[TensorType | None]
    outputs: Sequence[TensorType]
    flows: Sequence[Flow | None]
    sketch: Sketch
    written: bool = False

    @property
    def names(self) -> Sequence[str]:
        """The names of the inputs, as the op table has them."""
        spec = find_op(self.node.op)
        return spec.input_names if spec else ()

    @property
    def x(self) -> Flow:
        """The flow of the first input."""
        return self.flow(0)

    def flow(self, index: int) -> Flow:
        """The flow of an input; an optional one that is not given is still."""
        found = self.flows[index] if index < len(self.flows) else None
        return STILL if found is None else found

    def given(self, index: int) -> Flow | None:
        """The flow of an optional input, None where it is not given."""
        return self.flows[index] if index < len(self.flows) else None

    def rank(self, index: int = 0) -> int:
        """The number of axes of an input."""
        type_ = self.types[index]
        return 0 if type_ is None else len(type_.shape)

    def all_but(self, *indices: int) -> list[Flow]:
        """Return the flows of the other inputs."""
        return [self.flow(i) for i in range(len(self.flows)) if i not in indices]

    def keep(self, inputs: Sequence[str | None] | None = None, **attrs: Any) -> None:
        """Write the node, with other inputs or attributes where given."""
        node = replace(self.node, attrs={**self.node.attrs, **attrs})
        self.sketch.nodes.append(node if inputs is None else replace(node, inputs=tuple(inputs)))
        self.written = True

    def op(self, op: str, name: str, /, *inputs: str, **attrs: Any) -> str:
        """Write a node beside this one; returns the name of its output, `name` after that of this node's."""
        return self.define(f"{self.node.outputs[0]}~{name}", op, *inputs, **attrs)

    def define(self, value: str, op: str, /, *inputs: str, **attrs: Any) -> str:
        """Write a node that gives `value`."""
        spec = find_op(op)
        assert spec is not None  # noqa: S101  (a built-in op)
        whole = complete(spec, attrs)
        (self.sketch.values[value],) = spec.infer([self.sketch.values[one] for one in inputs], whole)
        self.sketch.nodes.append(Node(op, value, self.node.layer, inputs, (value,), whole))
        return value

    def renamed(self, inputs: Sequence[str | None], outputs: Sequence[str]) -> str:
        """Write the node with its first outputs under other names, as others will give `outputs`; returns the first."""
        names = tuple(f"{name}~raw" for name in outputs)
        self.sketch.values.update({new: self.sketch.values[name] for new, name in zip(names, outputs, strict=True)})
        node = replace(self.node, inputs=tuple(inputs), outputs=(*names, *self.node.outputs[len(names) :]))
        self.sketch.nodes.append(node)
        self.written = True
        return names[0]

    def state(self, name: str, type_: TensorType, start: str) -> str:
        """Add a state that starts as the value `start`; returns the value that the step reads."""
        self.sketch.states.append(State(name, type_, start, ""))
        value = read_as(name)
        self.sketch.values[value] = type_
        return value

    def becomes(self, name: str, value: str) -> None:
        """Say what the state `name` is after these steps."""
        states = self.sketch.states
        states[:] = [replace(one, after=value) if one.value == name else one for one in states]


def read_as(state: str) -> str:
    """Return the value by which the step reads a state."""
    return f"{state}~before"


def outputs(site: Site, flow: Flow) -> list[Flow]:
    """The same flow for every output."""
    return [flow] * len(site.node.outputs)


def require_still(flows: Sequence[Flow], what: str) -> None:
    """Refuse values that depend on the steps."""
    if any(flow is not STILL for flow in flows):
        raise Refused(f"{what} depends on the steps")


def plain(flow: Flow) -> Flow:
    """Refuse padding that no window has read."""
    if isinstance(flow, Along) and flow.front is not None:
        raise Refused("it is given steps of padding in front, which only a window that looks back can read")
    return flow


def merged(flows: Sequence[Flow]) -> Flow:
    """Return the flow of a value that is computed from several with steps at one place."""
    moving = [flow for flow in map(plain, flows) if isinstance(flow, Along)]
    if not moving:
        return LATEST if LATEST in flows else STILL
    if LATEST in flows:
        raise Refused("it joins what is known only after the last step with every single step")
    if len({flow.place for flow in moving}) > 1:
        raise Refused("it sets steps beside other steps")
    found = {flow.length for flow in moving}
    lengths = found if 1 in found else found - {None}  # one step might be meant for all others
    if len(lengths) > 1:
        raise Refused(f"it joins sequences of {' and '.join(str(n or 'any') for n in lengths)} steps")
    return replace(moving[0], length=lengths.pop() if lengths else None)
