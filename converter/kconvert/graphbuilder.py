"""The graph under construction: nodes, values and weights, with unique names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kconvert_schemas import attrs as attributes
from kconvert_schemas.check import unary_name
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import ConversionError, show
from kconvert_schemas.graph import (
    Body,
    Constraint,
    Dropped,
    Graph,
    Layer,
    Node,
    Penalty,
    Port,
    Signature,
    Source,
    Spectral,
    TensorType,
    Training,
    Weight,
)  # fmt: skip
from kconvert_schemas.opset import find_op, opset_versions
from kconvert_schemas.opspec import OpError

from .limits import current
from .spec import StoredWeight
from .symbol import Symbol


class GraphBuilder:
    """Collects what emitters write. Every node is checked against the op table as it is written."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.values: dict[str, TensorType] = {}
        self.weights: dict[str, tuple[Weight, StoredWeight]] = {}
        self.layers: dict[str, tuple[str, list[tuple[str, ...]]]] = {}
        self.ports: list[Port] = []
        self.penalties: list[Penalty] = []
        self.constraints: list[Constraint] = []
        self.dropped: list[Dropped] = []
        self.spectral: list[Spectral] = []
        self.norm_masks: dict[str, str] = {}
        self.frozen: list[str] = []
        self.norm_steps: dict[str, int] = {}
        self.within_body = False
        self.steps: list[int | None] = []
        self.refused: dict[str, str] = {}
        self._names: set[str] = set()
        self._counts: dict[str, int] = {}
        self._by_source: dict[str, str] = {}

    def unique(self, name: str) -> str:
        """Return `name`, with a counter if it is taken, and take it."""
        candidate, count = name, self._counts.get(name, 0)
        while candidate in self._names:
            count += 1
            candidate = f"{name}_{count}"
        self._counts[name] = count
        self._names.add(candidate)
        return candidate

    def input(self, name: str, type_: TensorType) -> Symbol:
        """Add a model input."""
        name = self.unique(name)
        self.ports.append(Port(name, name, type_))
        return Symbol(name, type_)

    def node(
        self, op: str, inputs: Sequence[Symbol | None], attrs: Mapping[str, Any], layer: str
    ) -> tuple[Symbol, ...]:
        """Add a call of `op`; raises OpError when the op table does not allow it."""
        spec = find_op(op)
        if spec is None:
            raise OpError(f"there is no op {op!r}")
        if len(self.nodes) >= current().nodes:
            raise ConversionError(f"The model makes more than {current().nodes} nodes, at {show(layer)} (limit nodes).")
        given = list(inputs)
        while given and given[-1] is None:
            given.pop()
        completed = attributes.complete(spec, attrs)
        types = spec.infer([symbol.type if symbol else None for symbol in given], completed)
        short = op.replace("::", ".")
        name = self.unique(layer if layer.rpartition("/")[2] == short else f"{layer}/{short}" if layer else short)
        outputs = (name,) if len(types) == 1 else tuple(f"{name}:{output}" for output in spec.output_names(len(types)))
        self._names.update(outputs)
        names = tuple(symbol.name if symbol else None for symbol in given)
        self.nodes.append(Node(op, name, layer, names, outputs, completed))
        self.values.update(zip(outputs, types, strict=True))
        return tuple(Symbol(output, type_) for output, type_ in zip(outputs, types, strict=True))

    def source(self, symbol: Symbol) -> tuple[str, Symbol] | None:
        """Return the op that gave a value, and its first input; None where there is none."""
        node = next((node for node in reversed(self.nodes) if symbol.name in node.outputs), None)
        first = node.inputs[0] if node is not None and node.inputs else None
        if node is None or first is None:
            return None
        known = {port.value: port.type for port in self.ports} | {n: w.type for n, (w, _) in self.weights.items()}
        type_ = self.values.get(first) or known.get(first)
        return None if type_ is None else (node.op, Symbol(first, type_))

    def weight(self, name: str, stored: StoredWeight, source: str, trainable: bool) -> Symbol:
        """Add a stored array, once for each (name, source); a name taken by another source gets a counter."""
        known = self._by_source.get(source)
        if known is not None and source:
            return Symbol(known, self.weights[known][0].type)
        name = self.unique(name)
        self._by_source[source] = name
        self.weights[name] = (Weight(stored.type, trainable, source), stored)
        return Symbol(name, stored.type)

    def layer(self, path: str, class_name: str, outputs: Sequence[Symbol]) -> None:
        """Record what one call of a Keras layer gave."""
        self.layers.setdefault(path, (class_name, []))[1].append(tuple(symbol.name for symbol in outputs))

    def read(self, name: str) -> Array:
        """Return the values of a weight."""
        return self.weights[name][1].read()

    def finish(
        self, inputs: Any, outputs: Any, ports: Sequence[Port], source: Source, producer: str,
        masks: Mapping[str, str] | None = None,
    ) -> Graph:  # fmt: skip
        """Return the graph without nodes and weights that nothing depends on."""
        wanted = {port.value for port in ports}
        wanted.update((masks or {}).values())
        wanted.update(one.vector for one in self.spectral)
        wanted.update(self.norm_masks.values())
        wanted.update(value for _, calls in self.layers.values() for call in calls for value in call)
        nodes = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                nodes.append(node)
                wanted.update(value for value in node.inputs if value)
                wanted.update(_outer_reads(node))
        nodes.reverse()
        training = self._training(wanted, masks or {}, {node.name for node in _all(nodes)})
        values = {output: self.values[output] for node in nodes for output in node.outputs}
        return Graph(
            inputs=Signature(inputs, tuple(self.ports)),
            outputs=Signature(outputs, tuple(ports)),
            nodes=tuple(nodes),
            values=values,
            weights={name: weight for name, (weight, _) in sorted(self.weights.items()) if name in wanted},
            layers={path: Layer(class_name, tuple(calls)) for path, (class_name, calls) in self.layers.items()},
            opsets=opset_versions(_ops(nodes)),
            source=source,
            producer=producer,
            training=training,
        )

    def _training(self, wanted: set[str], masks: Mapping[str, str], nodes: set[str]) -> Training:
        """Return what concerns the values and nodes that are left."""
        return Training(
            penalties=tuple(p for p in self.penalties if p.value in wanted),
            masks=masks,
            refused=self.refused,
            constraints=tuple(c for c in self.constraints if c.weight in wanted),
            dropped=tuple(d for d in self.dropped if d.node in nodes),
            spectral=tuple(s for s in self.spectral if s.weight in wanted),
            norm_masks={name: mask for name, mask in self.norm_masks.items() if name in nodes},
            frozen=tuple(name for name in self.frozen if name in nodes),
            norm_steps={name: steps for name, steps in self.norm_steps.items() if name in nodes},
        )


def _all(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield nodes and those of their bodies."""
    for node in nodes:
        yield node
        for value in node.attrs.values():
            if isinstance(value, Body):
                yield from _all(value.nodes)


def _ops(nodes: Iterable[Node]) -> Iterator[str]:
    """Yield the ops of nodes, of their bodies, and those that attributes name."""
    for node in _all(nodes):
        yield node.op
        spec = find_op(node.op)
        for name, value in node.attrs.items():
            if spec and name in spec.attrs and spec.attrs[name].kind == "unary" and value is not None:
                yield unary_name(value)


def _outer_reads(node: Node) -> set[str]:
    """Names that the subgraphs of a node read from outside."""
    reads: set[str] = set()
    for value in node.attrs.values():
        if isinstance(value, Body):
            for inner in value.nodes:
                reads.update(name for name in inner.inputs if name)
                reads.update(_outer_reads(inner))
    return reads
