"""Attribute values: checked against their kind, and brought into one canonical form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from . import dims
from .dtypes import DTYPES
from .graph import Body
from .opspec import Attr, OpError, OpSpec

WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
"""How floats that JSON lacks are written."""


def complete(spec: OpSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all attributes of an op in the table's order, defaults filled in; OpError for what does not fit."""
    strangers = given.keys() - spec.attrs.keys()
    if strangers:
        raise OpError(f"{spec.name} has no attribute {', '.join(sorted(map(repr, strangers)))}")
    missing = [name for name, attr in spec.attrs.items() if attr.required and name not in given]
    if missing:
        raise OpError(f"{spec.name} needs the attribute {', '.join(map(repr, missing))}")
    return {name: check(spec.name, name, attr, given.get(name, attr.default)) for name, attr in spec.attrs.items()}


def check(op: str, name: str, attr: Attr, value: Any) -> Any:
    """Return `value` in canonical form (lists, plain numbers); OpError when it is not of the attribute's kind."""
    if value is None:
        if attr.nullable or attr.default is None:
            return None
        raise OpError(f"{op}: attribute {name!r} must not be null")
    try:
        result = _CHECKS[attr.kind](value)
    except (TypeError, ValueError):
        raise OpError(f"{op}: attribute {name!r} must be {_MEANING[attr.kind]}, got {value!r:.60}") from None
    if attr.choices and result not in attr.choices:
        raise OpError(f"{op}: attribute {name!r} must be one of {', '.join(attr.choices)}, got {result!r:.60}")
    if attr.minimum is not None and any(not item >= attr.minimum for item in _numbers(result)):
        raise OpError(f"{op}: attribute {name!r} must be at least {attr.minimum:g}, got {value!r:.60}")
    return result


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [value]


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise TypeError
    return value


def _float(value: Any) -> float:
    if isinstance(value, str) and value in WORDS:
        return WORDS[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return float(value)


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _dtype(value: Any) -> str:
    if value not in DTYPES:
        raise ValueError
    return str(value)


def _dim(value: Any) -> dims.Dim:
    if not dims.valid(value):
        raise ValueError
    return value


def _pair(value: Any) -> list[int]:
    before, after = value
    return [_int(before), _int(after)]


def _list(item: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def convert(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise TypeError
        return [item(entry) for entry in value]

    return convert


def _value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return WORDS.get(value, value) if isinstance(value, str) else value
    return _int(value) if isinstance(value, int) else _float(value)


def _unary(value: Any) -> Any:
    """An op name, or {"op": name, "attrs": {...}}; whether it exists is the checker's business."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or value.keys() != {"op", "attrs"} or not isinstance(value["attrs"], Mapping):
        raise TypeError
    return {"op": _str(value["op"]), "attrs": dict(value["attrs"])}


def _body(value: Any) -> Body:
    if not isinstance(value, Body):
        raise TypeError
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": _str,
    "dtype": _dtype,
    "ints": _list(_int),
    "floats": _list(_float),
    "strs": _list(_str),
    "dims": _list(_dim),
    "pairs": _list(_pair),
    "unary": _unary,
    "value": _value,
    "body": _body,
}
_MEANING = {
    "bool": "true or false",
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "dtype": "a dtype",
    "ints": "a list of integers",
    "floats": "a list of numbers",
    "strs": "a list of strings",
    "dims": 'a list of sizes, -1 or products such as "x.0*4"',
    "pairs": "a list of [before, after]",
    "unary": "the name of an op with one input, or its name and attrs",
    "value": "a number, a bool, a string, or a nested list of them",
    "body": "a subgraph",
}
