"""The vocabularies of lookup layers in a SavedModel: constants that fill a table when loaded, or a file in assets/.

Keras leaves a vocabulary that `adapt` found out of the layer's config. The table's `_initialize` function is not read,
let alone run: only what it is bound to, the keys and the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.errors import ModelFileError, show

from . import protobuf
from .protobuf import Damaged

LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")
TABLES = ("lookup_table", "_table")
ASSET_LIMIT = 1 << 26
STRING, INT64 = 7, 9


class SavedObjects:
    """The objects that saved_model.pb describes, as far as tables need them."""

    def __init__(self, graph: memoryview, folder: Path) -> None:
        self.folder = folder
        saved = _one(graph, 7)
        self.nodes = protobuf.messages(saved, 1)
        self.functions = {protobuf.text(entry, 1): _one(entry, 2) for entry in protobuf.messages(saved, 2)}
        self.assets = [protobuf.text(asset, 2) for asset in protobuf.messages(graph, 6)]
        self.graph = graph
        self._constants: dict[str, memoryview] | None = None

    def children(self, node: int) -> dict[str, int]:
        """Return the attributes of an object that are objects."""
        if node >= len(self.nodes):
            raise Damaged(f"an object {node}, of {len(self.nodes)}")
        return {protobuf.text(c, 2): protobuf.numbers(c).get(1, 0) for c in protobuf.messages(self.nodes[node], 1)}

    def vocabulary(self, layer: int, *, invert: bool) -> list[Any] | None:
        """Return the tokens of a lookup layer in the order of their indices; None where they cannot be told."""
        children = self.children(layer)
        own = self.children(children.get("_lookup_layer", layer))
        table = next((own[name] for name in TABLES if name in own), None)
        fill = None if table is None else self.children(table).get("_initialize")
        if fill is None:
            return None
        columns: list[list[Any]] = []
        for node in self._bound(fill):
            message = self.nodes[node]
            if protobuf.messages(message, 5):
                return self._lines(protobuf.numbers(_one(message, 5)).get(1, 0))
            if protobuf.messages(message, 9):
                columns.append(self._constant(protobuf.text(_one(message, 9), 1)))
        if len(columns) != 2 or len(columns[0]) != len(columns[1]):
            return None
        tokens, indices = reversed(columns) if invert else columns
        order = sorted(zip(indices, tokens, strict=True))
        first = order[0][0] if order else 0
        return [token for _, token in order] if [i for i, _ in order] == [*range(first, first + len(order))] else None

    def _bound(self, function: int) -> Iterator[int]:
        """Yield the objects that a function is bound to."""
        for name in protobuf.messages(_one(self.nodes[function], 6), 1):
            concrete = self.functions.get(bytes(name).decode("utf-8", "replace"), memoryview(b""))
            for field, value in protobuf.fields(concrete):
                if field == 2:
                    nodes = [value] if isinstance(value, int) else list(_varints(value))
                    yield from (node for node in nodes if node < len(self.nodes))

    def _constant(self, name: str) -> list[Any]:
        if self._constants is None:
            nodes = protobuf.messages(_one(self.graph, 2), 1)
            self._constants = {protobuf.text(n, 1): n for n in nodes if protobuf.text(n, 2) == "Const"}
        for attribute in protobuf.messages(self._constants.get(name, memoryview(b"")), 5):
            if protobuf.text(attribute, 1) == "value":
                return _values(_one(_one(attribute, 2), 8))
        return []

    def _lines(self, asset: int) -> list[str]:
        """Return the lines of a file in assets/; a name that is more than the name of a file is refused."""
        name = self.assets[asset] if asset < len(self.assets) else ""
        file = self.folder / "assets" / name
        if not name or Path(name).name != name or "\\" in name or file.is_symlink() or not file.is_file():
            raise ModelFileError(f"{show(self.folder)} asks for the file {show(name)} in assets/, which is not there.")
        if file.stat().st_size > ASSET_LIMIT:
            raise ModelFileError(f"{show(file)} is larger than {ASSET_LIMIT} bytes: not a vocabulary.")
        lines = file.read_bytes().decode("utf-8", "replace").split("\n")
        protobuf.spend(len(lines))
        return lines[:-1] if lines[-1] == "" else lines


def with_vocabularies(model: Mapping[str, Any], objects: SavedObjects, node: int = 0) -> dict[str, Any]:
    """Return a serialised model whose lookup layers hold their vocabularies."""
    config = model.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(layers, list):
        return dict(model)
    children, filled, number = objects.children(node), [], 0
    for layer in layers:
        counted = isinstance(layer, Mapping) and not (
            model["class_name"] == "Sequential" and layer.get("class_name") == "InputLayer"
        )
        child = children.get(f"layer-{number}") if counted else None
        filled.append(layer if child is None else _filled(layer, objects, child))
        number += counted
    return {**model, "config": {**config, "layers": filled}}


def _filled(layer: Mapping[str, Any], objects: SavedObjects, node: int) -> dict[str, Any]:
    config = layer.get("config")
    if layer.get("class_name") not in LOOKUPS or not isinstance(config, Mapping):
        return with_vocabularies(layer, objects, node)
    if isinstance(config.get("vocabulary"), list):
        return dict(layer)
    return {
        **layer,
        "config": {**config, "vocabulary": objects.vocabulary(node, invert=config.get("invert") is True)},
    }


def _one(message: bytes | memoryview, number: int) -> memoryview:
    return next(iter(protobuf.messages(message, number)), memoryview(b""))


def _varints(packed: memoryview) -> Iterator[int]:
    at = 0
    while at < len(packed):
        protobuf.spend()
        value, at = protobuf.varint(packed, at)
        yield value


def _values(tensor: memoryview) -> list[Any]:
    """Return the values of a constant of strings or int64; none for another."""
    dtype = protobuf.numbers(tensor).get(1, 0)
    if dtype == STRING:
        return [bytes(value).decode("utf-8", "surrogateescape") for value in protobuf.messages(tensor, 8)]
    if dtype != INT64:
        return []
    content = _one(tensor, 4)
    if content:
        protobuf.spend(len(content) // 8)
        return list(np.frombuffer(content, "<i8", len(content) // 8).tolist())
    values: list[int] = []
    for field, value in protobuf.fields(tensor):
        if field == 10:
            values += [value] if isinstance(value, int) else _varints(value)
    return [value - 2**64 if value >= 2**63 else value for value in values]
