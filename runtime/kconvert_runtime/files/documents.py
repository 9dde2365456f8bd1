"""JSON: a nested list for one input, an object with a list for each of several."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Port
from kconvert_schemas.limits import current
from kconvert_schemas.strict_json import Bounds, parse

from .arrays import names
from .source import Source

NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def read_json(source: Source, ports: Sequence[Port]) -> dict[str, Any]:
    """Return the arrays of a JSON file by input name; 'NaN' and 'Infinity' may be written as strings."""
    limits, text = current(), source.text
    names_ = ("text_size", "graph_depth")
    try:
        value = parse(text, Bounds(limits.text_size, limits.graph_depth, limits.graph_digits, names_))
    except ValueError as error:
        raise InputError(f"{source.label} is not valid JSON: {error}.") from None
    if isinstance(value, dict):
        missing = [port for port in ports if port.name not in value]
        if missing:
            held = ", ".join(map(show, list(value)[:20])) or "nothing"
            raise InputError(f"{source.label} holds {held}; expected an object with the inputs {names(ports)}.")
        wanted = {port.name for port in ports}
        ignored = [key for key in value if key not in wanted]
        if ignored:
            source.notes.append(f"{source.label} also holds {', '.join(map(show, ignored[:20]))}, which is not used")
        return {port.name: _values(source, port, value[port.name]) for port in ports}
    if len(ports) > 1:
        raise InputError(f"{source.label} holds one value; expected an object with the inputs {names(ports)}.")
    return {ports[0].name: _values(source, ports[0], value)}


def _values(source: Source, port: Port, value: Any) -> Any:
    """Return nested lists of what the input takes; InputError for any other leaf."""
    if port.type.dtype == "string":
        stranger = next((leaf for leaf in _leaves(value) if not isinstance(leaf, str)), None)
        wanted = "strings"
    else:
        plain = _numbers(value)
        if plain is not None:
            return plain
        value = _finite_or_not(value)
        stranger = next((leaf for leaf in _leaves(value) if not isinstance(leaf, (bool, int, float))), None)
        wanted = port.type.dtype
    if stranger is not None or any(leaf is None for leaf in _leaves(value)):
        raise InputError(
            f"{source.label}: input {show(port.name)} takes {wanted}, the file holds {show(json.dumps(stranger))}."
        )
    return value


def _numbers(value: Any) -> Any:
    """Return numbers and nothing else as an array; None for what holds other things."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "biuf" and array.size else None


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _finite_or_not(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite_or_not(item) for item in value]
    return float(value) if isinstance(value, str) and value in NOT_FINITE else value
