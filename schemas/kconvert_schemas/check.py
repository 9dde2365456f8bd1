"""The rules a graph obeys, executable. They run between stages and when a bundle is loaded."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from . import attrs as attributes
from .dtypes import DTYPES, holder
from .errors import GraphError, paragraph, show
from .graph import Body, Graph, Node, Signature, TensorType
from .limits import current
from .opset import find_op, find_opset, namespace_of
from .opspec import OpError, OpSpec
from .training import training_problems


def check(graph: Graph) -> Graph:
    """Return `graph` with its attributes completed; raises GraphError listing every rule it breaks.

    Rules: names are unique; every value is written once, before it is read; ops exist, take these
    inputs and attributes, and give the declared types; ports and layers refer to values that exist;
    the structure of inputs and outputs names each port once.
    """
    checker = _Checker()
    checker.opsets(graph)
    known: dict[str, TensorType] = {}
    for name, weight in graph.weights.items():
        checker.define(known, name, weight.type, "weights")
    checker.weights.update(known)
    for port in graph.inputs.ports:
        checker.define(known, port.value, port.type, "inputs")
    nodes = checker.nodes(graph.nodes, graph.values, known)
    checker.signature(graph.inputs, known, "inputs")
    checker.signature(graph.outputs, known, "outputs")
    for path, layer in graph.layers.items():
        for value in (value for call in layer.calls for value in call if value not in known):
            checker.problems.append(f"layer {show(path)} gives {show(value)}, which no node writes")
    checker.problems += training_problems(graph, known)
    if checker.problems:
        raise GraphError(paragraph("The graph breaks the rules of the format:", checker.problems))
    return replace(graph, nodes=nodes)


class _Checker:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self.weights: dict[str, TensorType] = {}
        self.missing: set[str] = set()
        self.stated: set[str] = {"kconvert"}
        self.room = current().nodes
        self.depth = 0

    def opsets(self, graph: Graph) -> None:
        self.stated.update(graph.opsets)
        for namespace, version in graph.opsets.items():
            opset = find_opset(namespace)
            if opset is None:
                self.missing.add(namespace)
                self.problems.append(f"ops of {show(namespace)} are needed: install the package that provides them")
            elif opset.version < version:
                self.problems.append(
                    f"ops of {show(namespace)} are needed in version {version}; version {opset.version} is installed: "
                    "install a newer one"
                )

    def define(self, known: MutableMapping[str, TensorType], name: str, type_: TensorType, where: str) -> None:
        if not name:
            self.problems.append(f"{where}: a name is empty")
        if name in known:
            self.problems.append(f"{where}: {show(name)} is written twice")
        if type_.dtype not in DTYPES:
            self.problems.append(f"{where}: {show(name)} has the unknown dtype {show(type_.dtype)}")
        known[name] = type_

    def size(self, type_: TensorType, where: str) -> None:
        """Check the rank and the size of a value, unknown sizes counted as 1."""
        limits = current()
        if len(type_.shape) > limits.rank:
            self.problems.append(f"{where}: a value of {len(type_.shape)} axes (limit rank)")
        elif least_bytes(type_) > limits.value_size:
            self.problems.append(f"{where}: a value {type_}, larger than {limits.value_size} bytes (limit value_size)")

    def known_op(self, name: str) -> OpSpec | None:
        """Return the row of an op whose namespace the graph states; no package is looked for otherwise."""
        namespace = namespace_of(name)
        if namespace not in self.stated:
            raise OpError(f"{show(name)} is an op of {show(namespace)}, which opsets does not state")
        return None if namespace in self.missing else find_op(name)

    def nodes(
        self, nodes: Iterable[Node], values: Mapping[str, TensorType], known: MutableMapping[str, TensorType]
    ) -> tuple[Node, ...]:
        """Check nodes in order, adding what they write to `known`; return them with completed attrs."""
        nodes = tuple(nodes)
        self.room -= len(nodes)
        if self.room < 0:
            raise GraphError(f"The graph has more than {current().nodes} nodes (limit nodes).")
        names: set[str] = set()
        checked = []
        for node in nodes:
            where = f"node {show(node.name)}"
            if node.name in names or not node.name:
                self.problems.append(f"{where}: the name is empty or taken")
            names.add(node.name)
            node = self._node(node, where, known, values)
            for output in node.outputs:
                if output not in values:
                    self.problems.append(f"{where}: its output {show(output)} is not in values")
                self.define(known, output, values.get(output, TensorType((), "bool")), where)
            checked.append(node)
        written = {output for node in checked for output in node.outputs}
        for name in values.keys() - written:
            self.problems.append(f"values: no node writes {show(name)}")
        return tuple(checked)

    def _node(self, node: Node, where: str, known: Mapping[str, TensorType], values: Mapping[str, TensorType]) -> Node:
        try:
            spec = self.known_op(node.op)
        except OpError as error:
            self.problems.append(f"{where}: {error}")
            return node
        if spec is None and namespace_of(node.op) in self.missing:
            return node
        if spec is None:
            self.problems.append(f"{where}: unknown op {show(node.op)}; a newer kconvert or a plugin may know it")
            return node
        unread = [value for value in node.inputs if value is not None and value not in known]
        if unread:
            self.problems += [f"{where}: reads {show(value)} before anything writes it" for value in unread]
            return node
        try:
            node = replace(node, attrs=self._attrs(spec, node))
            types = spec.infer([known[value] if value is not None else None for value in node.inputs], node.attrs)
        except OpError as error:
            self.problems.append(f"{where}: {error}")
            return node
        if len(types) != len(node.outputs):
            self.problems.append(f"{where}: {node.op} has {len(types)} outputs, {len(node.outputs)} are named")
        for type_ in types:
            self.size(type_, where)
        for output, type_ in zip(node.outputs, types, strict=False):
            if output in values and not agree(type_, values[output]):
                self.problems.append(f"{where}: {show(output)} is declared {values[output]}, {node.op} gives {type_}")
        return node

    def _attrs(self, spec: OpSpec, node: Node) -> dict[str, Any]:
        completed = attributes.complete(spec, node.attrs)
        for name, attr in spec.attrs.items():
            if attr.kind == "unary" and completed[name] is not None:
                self.known_op(unary_name(completed[name]))
                unary_call(completed[name])
            if attr.kind == "body":
                completed[name] = self._body(completed[name])
        return completed

    def _body(self, body: Body) -> Body:
        """Check a subgraph, which sees its inputs and the weights, but no other values around it."""
        self.depth += 1
        if self.depth > current().bodies:
            raise GraphError(f"Bodies are nested more than {current().bodies} deep (limit bodies).")
        inner = {name: body.values[name] for name in body.inputs if name in body.values}
        written = {output for node in body.nodes for output in node.outputs}
        values = {name: type_ for name, type_ in body.values.items() if name in written}
        known = ChainMap(inner, self.weights)
        nodes = self.nodes(body.nodes, values, known)
        missing = [name for name in body.outputs if name not in known]
        self.problems += [f"a body gives {show(name)}, which is not in it" for name in missing]
        self.depth -= 1
        return replace(body, nodes=nodes)

    def signature(self, signature: Signature, known: Mapping[str, TensorType], where: str) -> None:
        """Check the ports of the inputs or outputs against the values and the structure."""
        names = [port.name for port in signature.ports]
        if sorted(leaves(signature.structure)) != sorted(names) or len(set(names)) != len(names):
            self.problems.append(f"{where}: the structure must name each tensor once")
        for port in signature.ports:
            if port.value not in known:
                self.problems.append(f"{where}: {show(port.name)} is the value {show(port.value)}, which is not there")
            elif known[port.value] != port.type:
                self.problems.append(f"{where}: {show(port.name)} says {port.type}, its value is {known[port.value]}")


def least_bytes(type_: TensorType) -> int:
    """Return the bytes of a value, unknown sizes counted as 1."""
    itemsize = holder(type_.dtype).itemsize if type_.dtype in DTYPES else 1
    return math.prod(1 if n is None else n for n in type_.shape) * itemsize


def agree(a: TensorType, b: TensorType) -> bool:
    """Tell whether two types can be of one value: same dtype and rank, no two known sizes that differ."""
    return (
        a.dtype == b.dtype
        and len(a.shape) == len(b.shape)
        and all(m is None or n is None or m == n for m, n in zip(a.shape, b.shape, strict=True))
    )


def unary_name(value: Any) -> str:
    """Return the name of the op in a `unary` attribute."""
    return str(value if isinstance(value, str) else value["op"])


def unary_call(value: Any) -> tuple[OpSpec, dict[str, Any]]:
    """Return the op and completed attributes that a `unary` attribute names; OpError if it is not such an op."""
    name, given = unary_name(value), {} if isinstance(value, str) else value["attrs"]
    spec = find_op(name)
    if spec is None or len(spec.inputs) != 1 or spec.outputs != ("y",):
        raise OpError(f"{name!r:.60} is not an op with one input and one output")
    return spec, attributes.complete(spec, given)


def leaves(structure: Any) -> list[str]:
    """Return the names in a structure, in order."""
    if isinstance(structure, (list, tuple)):
        return [name for item in structure for name in leaves(item)]
    if isinstance(structure, dict):
        return [name for item in structure.values() for name in leaves(item)]
    return [structure]
