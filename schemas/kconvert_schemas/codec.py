"""graph.json <-> Graph, strictly: unknown keys, missing keys and wrong types are errors with their JSON path."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .cursor import Cursor
from .errors import BundleError, GraphError, show
from .graph import (
    FORMAT,
    VERSION,
    Body,
    Graph,
    Layer,
    Node,
    Port,
    Signature,
    Source,
    TensorType,
    Training,
    Weight,
)  # fmt: skip
from .limits import current
from .training import decode_training, encode_training


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
        **({"training": encode_training(graph.training)} if graph.training != Training() else {}),
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
        training=decode_training(training) if training else Training(),
        weights_sha256=digest.digest() if digest else "",
    )


def _few(nodes: Cursor) -> Cursor:
    """Refuse too many nodes before the first is read."""
    if isinstance(nodes.value, list) and len(nodes.value) > current().nodes:
        raise GraphError(f"The graph has {len(nodes.value)} nodes, more than {current().nodes} (limit nodes).")
    return nodes


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
