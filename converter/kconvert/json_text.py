"""JSON from a model file: data of bounded size and depth, which is checked before anyone walks it."""

from __future__ import annotations

from typing import Any

from kconvert_schemas.strict_json import Bounds, parse

from .limits import current


def parse_json(text: str | bytes) -> Any:
    """Return the content of JSON text; ValueError (a clause) for what is none, or goes beyond the limits.

    Keys stand once in each object. NaN and infinities, which Keras writes as it does other numbers, are floats.
    """
    limits = current()
    names = ("config_size", "json_depth")
    return parse(text, Bounds(limits.config_size, limits.json_depth, limits.json_digits, names))
