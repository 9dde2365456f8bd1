"""Graph -> Plan: a list of steps over numbered slots, and when each slot can be let go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from kconvert_schemas import dtypes
from kconvert_schemas.attrs import complete
from kconvert_schemas.check import unary_call
from kconvert_schemas.dtypes import HALVES, Array
from kconvert_schemas.errors import BundleError, show
from kconvert_schemas.graph import Body, Graph, Node, TensorType
from kconvert_schemas.opset import find_op
from kconvert_schemas.opspec import OpSpec

from . import kernels  # noqa: F401  (importing it registers the built-in kernels)
from .execute import execute
from .memory import plan_memory
from .registry import KERNELS
from .steps import Binding, Call, Plan, Step


def plan(graph: Graph, weights: Mapping[str, Array], outputs: Sequence[str]) -> Plan:
    """Plan the nodes of `graph` that the values `outputs` need.

    Raises BundleError for an op that has no kernel.
    """
    inputs = [port.value for port in graph.inputs.ports]
    return _plan(graph.nodes, types_of(graph), inputs, list(outputs), weights)


def types_of(graph: Graph) -> dict[str, TensorType]:
    """Return the type of every weight, input and value."""
    types = {name: weight.type for name, weight in graph.weights.items()}
    types.update({port.value: port.type for port in graph.inputs.ports})
    types.update(graph.values)
    return types


def _plan(
    nodes: Sequence[Node],
    types: Mapping[str, TensorType],
    inputs: Sequence[str],
    outputs: Sequence[str],
    weights: Mapping[str, Array],
) -> Plan:
    needed = needed_nodes(nodes, outputs)
    bindings = [Binding(node, bind(node, types, weights), node.inputs, node.outputs) for node in needed]
    return link(bindings, inputs, outputs, weights)


def link(
    bindings: Sequence[Binding], inputs: Sequence[str], outputs: Sequence[str], weights: Mapping[str, Array],
    rest: int = 0,
) -> Plan:  # fmt: skip
    """Give every value a slot, and let go of each after its last use; its memory, `rest` steps later."""
    slots: dict[str, int] = {}
    for name in [*inputs, *(value for one in bindings for value in one.inputs if value is not None), *outputs]:
        slots.setdefault(name, len(slots))
    for one in bindings:
        for name in one.outputs:
            slots.setdefault(name, len(slots))
    constants = {slots[name]: weights[name] for name in slots if name in weights}
    kept = {slots[name] for name in outputs} | constants.keys()
    last_use = {slots[v]: i for i, one in enumerate(bindings) for v in (*one.outputs, *one.inputs) if v is not None}
    frees: dict[int, list[int]] = {}
    for slot, index in last_use.items():
        if slot not in kept:
            frees.setdefault(index, []).append(slot)
    fillings, memory = plan_memory(bindings, outputs, rest)
    steps = tuple(
        Step(
            one.node,
            one.call,
            tuple(None if value is None else slots[value] for value in one.inputs),
            tuple(slots[value] for value in one.outputs),
            tuple(frees.get(i, ())),
            fillings.get(i, ()),
            one.gives,
            one.kernel,
            one.after,
            one.seconds,
        )
        for i, one in enumerate(bindings)
    )
    ends = tuple(slots[n] for n in inputs), tuple(slots[n] for n in outputs)
    return Plan(len(slots), *ends, constants, steps, memory)


def needed_nodes(nodes: Sequence[Node], outputs: Sequence[str]) -> list[Node]:
    """Return, in order, the nodes that `outputs` depend on."""
    wanted = set(outputs)
    needed = []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            needed.append(node)
            wanted.update(value for value in node.inputs if value is not None)
    return needed[::-1]


def bind(node: Node, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> Call:
    """Return a function of the node's input arrays: its kernel with the attributes filled in."""
    function = find_kernel(node.op)
    spec = find_op(node.op)
    attrs = dict(complete(spec, node.attrs)) if spec else dict(node.attrs)
    if spec:
        attrs = unaries(spec, attrs)
        bodies = [name for name, attr in spec.attrs.items() if attr.kind == "body"]
        attrs.update({name: _subplan(attrs[name], types, weights) for name in bodies})
    call = partial(function, **attrs) if attrs else function
    out_types = [types[name] for name in node.outputs]
    in_types = [types[name] for name in node.inputs if name is not None]
    if any(type_.dtype in HALVES for type_ in (*in_types, *out_types)):
        return _in_float32(call, [type_.dtype for type_ in out_types])
    return call


def unaries(spec: OpSpec, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with the ops that they name as functions."""
    named = {name for name, attr in spec.attrs.items() if attr.kind == "unary" and attrs[name] is not None}
    return {name: _unary(value) if name in named else value for name, value in attrs.items()}


def find_kernel(op: str) -> Call:
    """Return the kernel of `op`, importing its namespace's package; BundleError when there is none."""
    if op not in KERNELS:
        find_op(op)
    if op not in KERNELS:
        raise BundleError(f"No kernel for the op {show(op)}: the package that provides it registers none.")
    return KERNELS[op]


def _unary(value: Any) -> Call:
    spec, attrs = unary_call(value)
    return partial(find_kernel(spec.name), **attrs)


def _subplan(body: Body, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> Call:
    inner = _plan(body.nodes, {**types, **body.values}, body.inputs, body.outputs, weights)
    return lambda *arrays: tuple(execute(inner, arrays))


def _in_float32(call: Call, out_dtypes: Sequence[str]) -> Call:
    """Compute float16 in float32 and round what comes out, as hardware with wide accumulators does."""

    def run(*arrays: Array | None) -> Any:
        widened = (a.astype(np.float32) if a is not None and a.dtype == np.float16 else a for a in arrays)
        result = call(*widened)
        if isinstance(result, tuple):
            return tuple(dtypes.cast(y, dtype) for y, dtype in zip(result, out_dtypes, strict=True))
        return dtypes.cast(result, out_dtypes[0])

    return run
