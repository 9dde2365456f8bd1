"""Nests of lists, tuples and dicts, walked in Keras' order: dicts by sorted key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def flatten(value: Any) -> list[Any]:
    """Return the leaves of nested lists, tuples and dicts; Keras takes dicts in the order of their sorted keys."""
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten(item)]
    if isinstance(value, Mapping):
        return [leaf for key in sorted(value) for leaf in flatten(value[key])]
    return [value]


def map_structure(function: Callable[[Any], Any], value: Any) -> Any:
    """Return `value` with `function` applied to each leaf."""
    if isinstance(value, list):
        return [map_structure(function, item) for item in value]
    if isinstance(value, tuple):
        return tuple(map_structure(function, item) for item in value)
    if isinstance(value, Mapping):
        return {key: map_structure(function, item) for key, item in value.items()}
    return function(value)


def rebuild(structure: Any, leaves: Sequence[Any]) -> Any:
    """Return `structure` with its leaves, in Keras' order, replaced."""
    return _in_sorted_order(structure, iter(leaves))


def _in_sorted_order(structure: Any, rest: Iterator[Any]) -> Any:
    if isinstance(structure, Mapping):
        found = {key: _in_sorted_order(structure[key], rest) for key in sorted(structure)}
        return {key: found[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        return type(structure)(_in_sorted_order(item, rest) for item in structure)
    return next(rest)


def unpacked(outputs: Any) -> Any:
    """Return the one entry of a list of one, as Functional models do with their outputs."""
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def labels(outputs: Any, structure: Any, key: str = "") -> list[str]:
    """Return a name for each output: its dict key, else the name of its layer, which may give several."""
    if isinstance(outputs, Mapping):
        by_key = structure if isinstance(structure, Mapping) else dict.fromkeys(outputs, structure)
        return [label for k in sorted(outputs) for label in labels(outputs[k], by_key[k], k)]
    if isinstance(outputs, (list, tuple)):
        parts = structure if isinstance(structure, (list, tuple)) else [structure] * len(outputs)
        return [label for item, part in zip(outputs, parts, strict=True) for label in labels(item, part, key)]
    while isinstance(structure, (list, tuple)):  # a list of one is given as the one
        structure = structure[0]
    return [key or structure.layer or "output"]
