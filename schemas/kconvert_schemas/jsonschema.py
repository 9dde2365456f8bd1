"""The JSON Schema of graph.json, generated from the data model and the op table.

python -m kconvert_schemas.jsonschema > schemas/kconvert_schemas/graph.schema.json
"""

from __future__ import annotations

import json
from typing import Any

from .cursor import Cursor
from .dims import PATTERN
from .dtypes import DTYPES
from .graph import FORMAT, VERSION
from .opset import BUILT_IN
from .opspec import Attr, OpSpec
from .training import RECORDS, numbers, required

TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1}
NAMES = {"type": "array", "items": NAME}
SIZE = {"type": ["integer", "null"], "minimum": 0}
INTEGER = {"type": "integer"}
NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}]}
DIM = {"anyOf": [{"type": "integer", "minimum": -1}, {"type": "string", "pattern": PATTERN}]}


def schema() -> dict[str, Any]:
    """Return the schema: what the codec accepts, and for each built-in op its arity and attributes."""
    typed = {"shape": {"type": "array", "items": SIZE}, "dtype": {"enum": list(DTYPES)}}
    port = _object({"name": NAME, "value": NAME, **typed})
    definitions = {
        "type": _object(typed),
        "structure": {"anyOf": [NAME, _array(_ref("structure")), _map(_ref("structure"))]},
        "signature": _object({"structure": _ref("structure"), "tensors": _array(port)}),
        "weight": _object({**typed, "trainable": {"type": "boolean"}, "source": TEXT}),
        "layer": _object({"class": TEXT, "calls": _array(NAMES)}),
        "body": _object(
            {"inputs": NAMES, "outputs": NAMES, "nodes": _array(_ref("node")), "values": _map(_ref("type"))}
        ),
        "value": {"anyOf": [{"type": ["number", "boolean", "string", "null"]}, _array(_ref("value"))]},
        "training": _training(),
        "unary": {"anyOf": [NAME, _object({"op": NAME, "attrs": {"type": "object"}})]},
        "node": _node(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"kconvert graph, version {VERSION}",
        **_object(
            {
                "format": {"const": FORMAT},
                "version": {"const": VERSION},
                "producer": TEXT,
                "source": _object(dict.fromkeys(("file", "sha256", "keras_version", "container"), TEXT)),
                "opsets": _map({"type": "integer", "minimum": 0}),
                "inputs": _ref("signature"),
                "outputs": _ref("signature"),
                "layers": _map(_ref("layer")),
                "nodes": _array(_ref("node")),
                "values": _map(_ref("type")),
                "weights": _map(_ref("weight")),
            },
            {"training": _ref("training"), "weights_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
        ),
        "$defs": definitions,
    }


def _training() -> dict[str, Any]:
    """What `training.py` reads: lists of records, maps, and names; what is empty may be left out."""
    kinds: dict[Any, dict[str, Any]] = {
        Cursor.name: NAME,
        Cursor.flag: {"type": "boolean"},
        Cursor.factor: {"type": "number", "minimum": 0},
        Cursor.number: {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
        numbers: _array({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}),
    }
    records = {}
    for member, (kind, readers) in RECORDS.items():
        needed = required(kind)
        properties = {name: kinds[reader] for name, reader in readers.items()}
        first = {name: schema for name, schema in properties.items() if name in needed}
        records[member] = _array(_object(first, {n: s for n, s in properties.items() if n not in needed}))
    count = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    maps = {"masks": _map(NAME), "refused": _map(TEXT), "norm_masks": _map(NAME), "norm_steps": _map(count)}
    return _object({}, {**records, **maps, "frozen": NAMES})


def _node() -> dict[str, Any]:
    """Any op of another namespace, or a built-in one with its own inputs and attributes."""
    shape = {
        "op": NAME,
        "name": NAME,
        "layer": TEXT,
        "inputs": _array({"type": ["string", "null"]}),
        "outputs": {**NAMES, "minItems": 1},
        "attrs": {"type": "object"},
    }
    rules = [{"if": _is({"const": spec.name}), "then": {"properties": _of(spec)}} for spec in BUILT_IN.ops.values()]
    known = {"if": {"not": _is({"pattern": "::"})}, "then": _is({"enum": list(BUILT_IN.ops)})}
    return {**_object(shape), "allOf": [known, *rules]}


def _of(spec: OpSpec) -> dict[str, Any]:
    least, most = spec.arity()
    attrs = {name: _attr(attr) for name, attr in spec.attrs.items()}
    required = [name for name, attr in spec.attrs.items() if attr.required]
    return {
        "inputs": {"minItems": least, **({} if most is None else {"maxItems": most})},
        "outputs": {"minItems": len(spec.outputs), "maxItems": len(spec.outputs)},
        "attrs": {"properties": attrs, "required": required, "additionalProperties": False},
    }


def _attr(attr: Attr) -> dict[str, Any]:
    """Return what a value of the attribute must look like."""
    kinds: dict[str, dict[str, Any]] = {
        "bool": {"type": "boolean"},
        "int": _least(INTEGER, attr),
        "float": _least(NUMBER, attr),
        "str": {"enum": list(attr.choices)} if attr.choices else TEXT,
        "dtype": {"enum": list(DTYPES)},
        "ints": _array(_least(INTEGER, attr)),
        "floats": _array(NUMBER),
        "strs": _array(TEXT),
        "dims": _array(DIM),
        "pairs": _array({**_array(_least(INTEGER, attr)), "minItems": 2, "maxItems": 2}),
        "unary": _ref("unary"),
        "value": _ref("value"),
        "body": _ref("body"),
    }
    found = kinds[attr.kind]
    return {"anyOf": [found, {"type": "null"}]} if attr.nullable or attr.default is None else found


def _least(kind: dict[str, Any], attr: Attr) -> dict[str, Any]:
    if attr.minimum is None:
        return kind
    if "anyOf" in kind:
        return {"anyOf": [{"type": "number", "minimum": attr.minimum}, {"const": "inf"}]}
    return {**kind, "minimum": attr.minimum}


def _object(properties: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def _map(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": item}


def _array(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _is(op: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"op": op}}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
