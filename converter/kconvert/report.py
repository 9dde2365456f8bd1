"""What a conversion did: the numbers behind the summary that `kconvert` prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kconvert_schemas.dims import product
from kconvert_schemas.graph import Graph


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer: its path, Keras class, type of its first output, parameters, and the ops it became."""

    path: str
    class_name: str
    output: str
    parameters: int
    ops: dict[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of `convert`. `written` is None for a dry run."""

    source: str
    keras_version: str
    container: str
    written: Path | None
    inputs: dict[str, str]
    outputs: dict[str, str]
    layers: list[LayerLine]
    nodes: int
    parameters: int
    trainable: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {**asdict(self), "written": str(self.written) if self.written else None}


def make_report(graph: Graph, written: Path | None) -> Report:
    """Describe a converted graph."""
    sizes = {name: product(weight.type.shape) or 0 for name, weight in graph.weights.items()}
    numeric = [name for name, weight in graph.weights.items() if weight.source]
    size = sum(path.stat().st_size for path in written.iterdir()) if written else 0
    return Report(
        source=graph.source.file,
        keras_version=graph.source.keras_version,
        container=graph.source.container,
        written=written,
        inputs={port.name: str(port.type) for port in graph.inputs.ports},
        outputs={port.name: str(port.type) for port in graph.outputs.ports},
        layers=[_line(graph, path, sizes) for path in graph.layers],
        nodes=len(graph.nodes),
        parameters=sum(sizes[name] for name in numeric),
        trainable=sum(sizes[name] for name in numeric if graph.weights[name].trainable),
        bytes=size,
    )


def _line(graph: Graph, path: str, sizes: dict[str, int]) -> LayerLine:
    layer = graph.layers[path]
    first = layer.calls[0][0] if layer.calls and layer.calls[0] else None
    return LayerLine(
        path=path,
        class_name=layer.class_name,
        output=str(graph.type_of(first)) if first else "",
        parameters=sum(n for w, n in sizes.items() if w.rpartition("/")[0] == path and graph.weights[w].source),
        ops=dict(Counter(node.op for node in graph.nodes if node.layer == path)),
    )
