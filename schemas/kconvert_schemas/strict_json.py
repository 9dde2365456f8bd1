"""JSON of strangers: data of bounded size and depth, which is checked before anyone walks it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import show

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Largest size in bytes, depth, and digits of a whole number; `names` are the limits that messages name."""

    size: int
    depth: int
    digits: int
    names: tuple[str, str]


def parse(text: str | bytes, bounds: Bounds, constant: Callable[[str], Any] | None = None) -> Any:
    """Return the content of JSON text; ValueError (a clause) for what is none, or goes beyond the bounds.

    Keys stand once in each object, and texts hold whole characters. `constant` takes NaN and infinities; by default
    they are floats.
    """
    if len(text) > bounds.size:
        raise ValueError(f"it is longer than {bounds.size} bytes (limit {bounds.names[0]})")
    if isinstance(text, bytes):
        text = _decoded(text)
    deep = f"it is nested more than {bounds.depth} deep (limit {bounds.names[1]})"
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_int=_whole(bounds.digits), parse_constant=constant)
    except RecursionError:
        raise ValueError(deep) from None
    _check(value, bounds.depth, deep, texts=bool(SURROGATE.search(text)))
    return value


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 ({error.reason} at byte {error.start})") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        doubled = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {show(doubled)} stands twice in one object")
    return found


def _whole(most: int) -> Callable[[str], int]:
    def convert(digits: str) -> int:
        if len(digits.lstrip("-")) > most:
            raise ValueError(f"the number {show(digits, 30)} has more than {most} digits")
        return int(digits)

    return convert


def _check(value: Any, most: int, deep: str, *, texts: bool) -> None:
    """Check the depth, and with `texts` that all texts are whole characters, one level after the other."""
    level: list[Any] = [value]
    depth = 0
    while level:
        if depth > most:
            raise ValueError(deep)
        if texts:
            _check_texts(level)
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                if texts:
                    _check_texts(item)
            elif isinstance(item, list):
                below.extend(item)
        level, depth = below, depth + 1


def _check_texts(texts: Any) -> None:
    for text in texts:
        if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError(f"the text {show(text)} holds half a character (a lone surrogate)")
