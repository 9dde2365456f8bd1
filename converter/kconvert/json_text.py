"""JSON from a model file: data of bounded size and depth, which is checked before anyone walks it."""

from __future__ import annotations

import json
import re
from typing import Any

from kconvert_schemas.errors import show

from .limits import current

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes) -> Any:
    """Return the content of JSON text; ValueError (a clause) for what is none, or goes beyond the limits.

    Keys stand once in each object. NaN and infinities, which Keras writes as it does other numbers, are floats.
    """
    limits = current()
    if len(text) > limits.config_size:
        raise ValueError(f"it is longer than {limits.config_size} bytes (limit config_size)")
    if isinstance(text, bytes):
        text = _decoded(text)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_int=_whole)
    except RecursionError:
        raise ValueError(_deep(limits.json_depth)) from None
    _check(value, limits.json_depth, names=bool(SURROGATE.search(text)))
    return value


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 ({error.reason} at byte {error.start})") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {show(next(k for k in keys if keys.count(k) > 1))} stands twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > current().json_digits:
        raise ValueError(f"the number {show(digits, 30)} has more than {current().json_digits} digits")
    return int(digits)


def _deep(depth: int) -> str:
    return f"it is nested more than {depth} deep (limit json_depth)"


def _check(value: Any, most: int, *, names: bool) -> None:
    """Check the depth, and with `names` that all texts are whole characters, one level after the other."""
    level: list[Any] = [value]
    depth = 0
    while level:
        if depth > most:
            raise ValueError(_deep(most))
        if names:
            _check_texts(level)
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                if names:
                    _check_texts(item)
            elif isinstance(item, list):
                below.extend(item)
        level, depth = below, depth + 1


def _check_texts(texts: Any) -> None:
    for text in texts:
        if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError(f"the text {show(text)} holds half a character (a lone surrogate)")
