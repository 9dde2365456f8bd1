"""Graph + the shapes of its inputs -> Plan, with kernels chosen for these shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from kconvert_schemas.dtypes import HALVES, Array
from kconvert_schemas.graph import Graph, Node, TensorType
from kconvert_schemas.opset import find_op
from kconvert_schemas.opspec import OpError

from ..plan import bind, link, needed_nodes
from ..steps import Binding, Call, Plan
from .candidates import Candidate, choose
from .directions import pair, pairs
from .fuse import Group, group
from .paddings import absorb
from .site import Shared, Site, in_blocks, tail_blocks

LOOPS = ("lstm", "gru", "simple_rnn", "scan")
"""Ops of many small products, each of which threads of BLAS would only hold up."""


def specialise(graph: Graph, weights: Mapping[str, Array], shapes: Sequence[tuple[int, ...]]) -> Plan | None:
    """Plan `graph` for inputs of these shapes; None where they do not fit (the plain plan says why)."""
    outputs = [port.value for port in graph.outputs.ports]
    nodes = needed_nodes(graph.nodes, outputs)
    try:
        types = concrete_types(graph, nodes, shapes)
    except OpError:
        return None
    groups = absorb(group(nodes, types, set(outputs)), types, set(outputs))
    partners = pairs(groups, types)
    seconds = set(partners.values())
    bindings = [
        _pair(one, groups[partners[i]]) if i in partners else _binding(one, types, weights)
        for i, one in enumerate(groups)
        if i not in seconds
    ]
    plan = link(bindings, [port.value for port in graph.inputs.ports], outputs, weights)
    return replace(plan, parallel=any(isinstance(one.call, Shared) or one.node.op in LOOPS for one in bindings))


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


def _pair(one: Group, other: Group) -> Binding:
    return pair(one.nodes[0], other.nodes[0])


def _binding(one: Group, types: Mapping[str, TensorType], weights: Mapping[str, Array]) -> Binding:
    node = one.nodes[-1] if one.first is None else one.first
    outputs = node.outputs if one.tail is None else (one.output,)
    own = () if one.first is None else one.first.inputs
    inputs = (*own, *one.extras)
    site = Site(
        node,
        tuple(None if value is None else types[value] for value in inputs),
        tuple(types[value] for value in outputs),
        tuple(None if value is None else weights.get(value) for value in inputs),
        len(own),
        one.tail,
    )
    after = tuple(other.op for other in one.nodes if other is not node)
    if one.first is None:
        return Binding(node, _elementwise(site), inputs, outputs, site.outputs[0], "elementwise", after)
    best = _best(site)
    if best is not None:
        return Binding(node, best.build(site), inputs, outputs, site.outputs[0], best.name, after)
    plain = bind(node, types, weights)
    call = plain if site.tail is None else _finished(site, plain)
    return Binding(node, call, inputs, outputs, after=after)


def _best(site: Site) -> Candidate | None:
    """The way to compute a node; None where only the plain kernel does."""
    if any(type_.dtype in HALVES or None in type_.shape for type_ in _types(site)):
        return None
    return choose(site)


def _types(site: Site) -> list[TensorType]:
    return [type_ for type_ in (*site.inputs, *site.outputs) if type_ is not None]


def _elementwise(site: Site) -> Call:
    """Only a tail."""
    return in_blocks(site, tail_blocks(site.shape), lambda arrays: lambda out, block: None)


def _finished(site: Site, plain: Call) -> Call:
    """The plain kernel, and the tail on its result."""
    finish = in_blocks(site, tail_blocks(site.shape), lambda arrays: lambda out, block: None)
    own = site.own

    def run(*arrays: Array) -> Array:
        y = plain(*arrays[:own])
        fresh = y.flags.owndata and y.flags.writeable and not any(y is array for array in arrays)
        if not (fresh and y.flags.c_contiguous):
            y = np.array(y, order="C")
        finish(y, *arrays)
        return y

    return Shared(run) if isinstance(finish, Shared) else run
