"""What a graph holds, layer by layer: the numbers behind the summaries that `kconvert` and `kbundle info` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kconvert_schemas.dims import product
from kconvert_schemas.graph import Graph, Node, Signature
from kconvert_schemas.ops.normalization import TRAINING_ONLY


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer, or one operation of `keras.ops` (class_name '').

    outputs: the types that its first call gives. parameters: of the layer and all layers inside it. ops: the
    ops it became, without those of layers inside it, and how many of each. inactive: whether it only hands
    on its input when running.
    """

    path: str
    class_name: str
    outputs: list[str]
    calls: int
    parameters: int
    ops: dict[str, int]
    inactive: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What `convert` did. `written` is None for a dry run; `files` are the sizes of the files in it, in bytes."""

    source: str
    keras_version: str
    container: str
    written: Path | None
    inputs: dict[str, str]
    outputs: dict[str, str]
    layers: list[LayerLine]
    ops: dict[str, int]
    opsets: dict[str, int]
    parameters: int
    trainable: int
    files: dict[str, int]

    @property
    def bytes(self) -> int:
        """Size of the bundle on disk."""
        return sum(self.files.values())

    @property
    def inactive(self) -> list[str]:
        """Paths of the layers that only act in training."""
        return [line.path for line in self.layers if line.inactive]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {**asdict(self), "written": str(self.written) if self.written else None, "bytes": self.bytes}


def make_report(graph: Graph, written: Path | None) -> Report:
    """Describe a graph, and the bundle folder it was written to or read from."""
    sizes = {name: product(w.type.shape) or 0 for name, w in graph.weights.items() if w.source}
    return Report(
        source=graph.source.file,
        keras_version=graph.source.keras_version,
        container=graph.source.container,
        written=written,
        inputs=_types(graph.inputs),
        outputs=_types(graph.outputs),
        layers=_lines(graph, sizes),
        ops=dict(Counter(node.op for node in graph.nodes).most_common()),
        opsets=dict(graph.opsets),
        parameters=sum(sizes.values()),
        trainable=sum(n for name, n in sizes.items() if graph.weights[name].trainable),
        files={path.name: path.stat().st_size for path in sorted(written.iterdir())} if written else {},
    )


def _types(signature: Signature) -> dict[str, str]:
    return {port.name: str(port.type) for port in signature.ports}


def _lines(graph: Graph, sizes: Mapping[str, int]) -> list[LayerLine]:
    nodes: dict[str, list[Node]] = {}
    for node in graph.nodes:
        nodes.setdefault(node.layer, []).append(node)
    parameters: Counter[str] = Counter()
    for name, size in sizes.items():
        parameters.update(dict.fromkeys(_parents(name), size))
    parents = {parent for path in (*graph.layers, *nodes) for parent in _parents(path)}
    return [
        _line(graph, path, nodes.get(path, []), parameters[path], path in parents)
        for path in _in_order(graph)
        if path in graph.layers or path in nodes
    ]


def _line(graph: Graph, path: str, nodes: Sequence[Node], parameters: int, holds_others: bool) -> LayerLine:
    layer = graph.layers.get(path)
    calls = layer.calls if layer else [node.outputs for node in nodes[-1:]]
    return LayerLine(
        path=path,
        class_name=layer.class_name if layer else "",
        outputs=[str(graph.type_of(value)) for value in calls[0]] if calls else [],
        calls=len(calls),
        parameters=parameters,
        ops=dict(Counter(node.op for node in nodes)),
        inactive=not holds_others and all(node.op in TRAINING_ONLY for node in nodes),
    )


def _parents(path: str) -> Iterator[str]:
    """The paths that `path` lies in, the outermost last."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _in_order(graph: Graph) -> list[str]:
    """Paths of layers and operations in the order in which they run, each before what is inside it."""
    first: dict[str, float] = {}
    writer = {value: index for index, node in enumerate(graph.nodes) for value in node.outputs}
    for index, node in enumerate(graph.nodes):
        for path in (node.layer, *_parents(node.layer)):
            first.setdefault(path, index)
    for path, layer in graph.layers.items():  # one without ops stands after what it hands on
        given = [writer.get(value, -1) + 0.5 for call in layer.calls[:1] for value in call]
        first.setdefault(path, max(given, default=-1.0))
    return sorted(first, key=lambda path: (first[path], path.count("/")))
