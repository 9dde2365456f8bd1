"""graph.json <-> Graph, strictly: unknown keys, missing keys and wrong types are errors with their JSON path."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .errors import BundleError, GraphError, show
from .graph import (
    FORMAT,
    VERSION,
    Body,
    Graph,
    Layer,
    Node,
    Penalty,
    Port,
    Signature,
    Source,
    TensorType,
    Training,
    Weight,
)  # fmt: skip
from .limits import current

T = TypeVar("T")


class Cursor:
    """A JSON value and where it stands; every accessor raises GraphError with that place."""

    def __init__(self, value: Any, path: str = "$") -> None:
        self.value = value
        self.path = path

    def fail(self, expected: str) -> GraphError:
        """Build the error for a value that is not what was expected."""
        shown = show(json.dumps(self.value) if not isinstance(self.value, str) else self.value)
        return GraphError(f"graph.json at {self.path}: expected {expected}, got {shown}.")

    def fields(self, *names: str) -> tuple[Cursor, ...]:
        """Return the members of an object that has exactly these keys."""
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        if self.value.keys() != set(names):
            missing, extra = set(names) - self.value.keys(), self.value.keys() - set(names)
            wrong = [f"without {show(n)}" for n in sorted(missing)] + [f"with {show(n)}" for n in sorted(extra)]
            raise GraphError(f"graph.json at {self.path}: expected the keys {', '.join(names)}; it is {wrong[0]}.")
        return tuple(Cursor(self.value[name], f"{self.path}.{name}") for name in names)

    def take(self, name: str) -> Cursor | None:
        """Take an optional member out of an object; None where it is not there."""
        if name not in self.value:
            return None
        rest = dict(self.value)
        member = Cursor(rest.pop(name), f"{self.path}.{name}")
        self.value = rest
        return member

    def mapping(self, item: Callable[[Cursor], T]) -> dict[str, T]:
        """Return an object whose values all have one form."""
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        return {key: item(Cursor(value, f"{self.path}[{show(key)}]")) for key, value in self.value.items()}

    def items(self, item: Callable[[Cursor], T]) -> tuple[T, ...]:
        """Return a list whose entries all have one form."""
        if not isinstance(self.value, list):
            raise self.fail("a list")
        return tuple(item(Cursor(value, f"{self.path}[{i}]")) for i, value in enumerate(self.value))

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            raise self.fail("a string")
        return self.value

    def number(self) -> int:
        """Return an integer of at least 0 that 64 bits hold."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 0 <= self.value < 2**63:
            raise self.fail("an integer of at least 0 and below 2**63")
        return self.value

    def factor(self) -> float:
        """Return a finite number of at least 0."""
        number = not isinstance(self.value, bool) and isinstance(self.value, (int, float))
        if not number or not 0 <= self.value < float("inf"):
            raise self.fail("a finite number of at least 0")
        return float(self.value)

    def digest(self) -> str:
        """Return a SHA-256."""
        if not re.fullmatch(r"[0-9a-f]{64}", self.text()):
            raise self.fail("64 hexadecimal digits")
        return self.text()

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.fail("true or false")
        return self.value

    def optional(self, item: Callable[[Cursor], T]) -> T | None:
        """Return None for null."""
        return None if self.value is None else item(self)


def encode(graph: Graph) -> dict[str, Any]:
    """Return the JSON form of a graph, keys in the order in which they are written."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "producer": graph.producer,
        "source": {
            "file": graph.source.file,
            "sha256": graph.source.sha256,
            "keras_version": graph.source.keras_version,
            "container": graph.source.container,
        },
        "opsets": dict(sorted(graph.opsets.items())),
        "inputs": _encode_signature(graph.inputs),
        "outputs": _encode_signature(graph.outputs),
        "layers": {
            path: {"class": layer.class_name, "calls": [list(call) for call in layer.calls]}
            for path, layer in graph.layers.items()
        },
        "nodes": [_encode_node(node) for node in graph.nodes],
        "values": {name: _encode_type(type_) for name, type_ in graph.values.items()},
        "weights": {
            name: {**_encode_type(weight.type), "trainable": weight.trainable, "source": weight.source}
            for name, weight in graph.weights.items()
        },
        **({"training": _encode_training(graph.training)} if graph.training != Training() else {}),
        **({"weights_sha256": graph.weights_sha256} if graph.weights_sha256 else {}),
    }


def decode(data: Any) -> Graph:
    """Return the graph that JSON `data` describes; raises GraphError at the first thing that is not as FORMAT.md says.

    The graph still has to pass `check`.
    """
    root = Cursor(data)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BundleError('graph.json is not a kconvert graph: it does not say "format": "kconvert".')
    if data.get("version") != VERSION:
        raise BundleError(
            f"graph.json has format version {show(data.get('version'))}; this kconvert reads version {VERSION}. "
            "Install a newer kconvert, or convert the model again."
        )
    names = ("format", "version", "producer", "source", "opsets", "inputs", "outputs", "layers", "nodes", "values",
             "weights")  # fmt: skip
    digest, training = root.take("weights_sha256"), root.take("training")
    _, _, producer, source, opsets, inputs, outputs, layers, nodes, values, weights = root.fields(*names)
    file, sha256, keras_version, container = source.fields("file", "sha256", "keras_version", "container")
    return Graph(
        inputs=_decode_signature(inputs),
        outputs=_decode_signature(outputs),
        nodes=_few(nodes).items(_decode_node),
        values=values.mapping(_decode_type),
        weights=weights.mapping(_decode_weight),
        layers=layers.mapping(_decode_layer),
        opsets=opsets.mapping(Cursor.number),
        source=Source(file.text(), sha256.text(), keras_version.text(), container.text()),
        producer=producer.text(),
        training=_decode_training(training) if training else Training(),
        weights_sha256=digest.digest() if digest else "",
    )


def _few(nodes: Cursor) -> Cursor:
    """Refuse too many nodes before the first is read."""
    if isinstance(nodes.value, list) and len(nodes.value) > current().nodes:
        raise GraphError(f"The graph has {len(nodes.value)} nodes, more than {current().nodes} (limit nodes).")
    return nodes


def _encode_training(training: Training) -> dict[str, Any]:
    penalties = [{"value": p.value, "l1": p.l1, "l2": p.l2, "by_batch": p.by_batch} for p in training.penalties]
    return {"penalties": penalties, "masks": dict(training.masks), "refused": dict(training.refused)}


def _decode_training(cursor: Cursor) -> Training:
    penalties, masks, refused = cursor.fields("penalties", "masks", "refused")
    return Training(penalties.items(_decode_penalty), masks.mapping(Cursor.text), refused.mapping(Cursor.text))


def _decode_penalty(cursor: Cursor) -> Penalty:
    value, l1, l2, by_batch = cursor.fields("value", "l1", "l2", "by_batch")
    return Penalty(value.text(), l1.factor(), l2.factor(), by_batch.flag())


def _encode_type(type_: TensorType) -> dict[str, Any]:
    return {"shape": list(type_.shape), "dtype": type_.dtype}


def _encode_signature(signature: Signature) -> dict[str, Any]:
    ports = [{"name": port.name, "value": port.value, **_encode_type(port.type)} for port in signature.ports]
    return {"structure": signature.structure, "tensors": ports}


def _encode_node(node: Node) -> dict[str, Any]:
    return {
        "op": node.op,
        "name": node.name,
        "layer": node.layer,
        "inputs": list(node.inputs),
        "outputs": list(node.outputs),
        "attrs": {name: _encode_value(value) for name, value in node.attrs.items()},
    }


def _encode_value(value: Any) -> Any:
    if isinstance(value, Body):
        return {
            "inputs": list(value.inputs),
            "outputs": list(value.outputs),
            "nodes": [_encode_node(node) for node in value.nodes],
            "values": {name: _encode_type(type_) for name, type_ in value.values.items()},
        }
    if isinstance(value, Mapping):
        return {key: _encode_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def _decode_shape(cursor: Cursor) -> tuple[int | None, ...]:
    if isinstance(cursor.value, list) and len(cursor.value) > current().rank:
        raise cursor.fail(f"at most {current().rank} sizes (limit rank)")
    return cursor.items(lambda size: size.optional(Cursor.number))


def _decode_type(cursor: Cursor) -> TensorType:
    shape, dtype = cursor.fields("shape", "dtype")
    return TensorType(_decode_shape(shape), dtype.text())


def _decode_weight(cursor: Cursor) -> Weight:
    shape, dtype, trainable, source = cursor.fields("shape", "dtype", "trainable", "source")
    return Weight(TensorType(_decode_shape(shape), dtype.text()), trainable.flag(), source.text())


def _decode_layer(cursor: Cursor) -> Layer:
    class_name, calls = cursor.fields("class", "calls")
    return Layer(class_name.text(), calls.items(lambda call: call.items(Cursor.text)))


def _decode_signature(cursor: Cursor) -> Signature:
    structure, tensors = cursor.fields("structure", "tensors")
    return Signature(_decode_structure(structure), tensors.items(_decode_port))


def _decode_structure(cursor: Cursor) -> Any:
    if isinstance(cursor.value, str):
        return cursor.value
    if isinstance(cursor.value, list):
        return list(cursor.items(_decode_structure))
    if isinstance(cursor.value, dict):
        return cursor.mapping(_decode_structure)
    raise cursor.fail("a name, or a list or object of them")


def _decode_port(cursor: Cursor) -> Port:
    name, value, shape, dtype = cursor.fields("name", "value", "shape", "dtype")
    return Port(name.text(), value.text(), TensorType(_decode_shape(shape), dtype.text()))


def _decode_node(cursor: Cursor) -> Node:
    op, name, layer, inputs, outputs, attrs = cursor.fields("op", "name", "layer", "inputs", "outputs", "attrs")
    return Node(
        op=op.text(),
        name=name.text(),
        layer=layer.text(),
        inputs=inputs.items(lambda value: value.optional(Cursor.text)),
        outputs=outputs.items(Cursor.text),
        attrs=attrs.mapping(_decode_attr),
    )


def _decode_attr(cursor: Cursor) -> Any:
    if isinstance(cursor.value, dict) and "nodes" in cursor.value:
        inputs, outputs, nodes, values = cursor.fields("inputs", "outputs", "nodes", "values")
        return Body(
            inputs.items(Cursor.text),
            outputs.items(Cursor.text),
            nodes.items(_decode_node),
            values.mapping(_decode_type),
        )
    return cursor.value
