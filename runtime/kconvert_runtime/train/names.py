"""Losses, optimisers and metrics by name: Keras' names in any spelling, and settings written as text."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kconvert_schemas.errors import InputError, show


def find(name: Any, table: Mapping[str, Any], aliases: Mapping[str, str], what: str) -> str:
    """Return the key of `table` that a name stands for: 'MeanSquaredError', 'mean_squared_error' or 'mse'.

    Raises InputError with the names that are near.
    """
    if not isinstance(name, str):
        raise InputError(f"A {what} is given by its name, got {type(name).__name__}.")
    if name in table:
        return name
    short = name.lower().replace("_", "")
    found = aliases.get(name.lower()) or aliases.get(short)
    if found is None:
        known = sorted(table)
        close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5) or known
        raise InputError(f"There is no {what} {show(name)}. There are: {', '.join(close)}.")
    return found


def options_of(function: Callable[..., Any], given: Mapping[str, Any], owner: str, skip: int = 2) -> dict[str, Any]:
    """Return the settings of a function with those given filled in; InputError for one that it has not."""
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    defaults = {parameter.name: parameter.default for parameter in parameters}
    check_options(given, defaults, owner)
    return {**defaults, **given}


def check_options(given: Iterable[str], known: Iterable[str], owner: str) -> None:
    """Raise InputError for a setting that is not known."""
    known = list(known)
    extra = [name for name in given if name not in known]
    if extra:
        has = f"It has {', '.join(known)}" if known else "It has none"
        raise InputError(f"{owner} has no setting {', '.join(map(show, extra))}. {has}.")


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Read 'adam:learning_rate=1e-3,amsgrad=true' as a name and settings; InputError where it is not like that."""
    name, colon, rest = text.partition(":")
    options: dict[str, Any] = {}
    for part in _parts(rest) if colon else ():
        key, equals, value = part.partition("=")
        if not equals or not re.fullmatch(r"[a-z_][a-z_0-9]*", key.strip()):
            raise InputError(f"Settings are written as name:setting=value,setting=value; got {show(text)}.")
        options[key.strip()] = _value(value.strip())
    return name.strip(), options


def call(text: str, what: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Read 'name(1, 2, setting=3)' as a name, values and settings; InputError where it is not like that."""
    found = re.fullmatch(r"\s*([A-Za-z_]\w*)\((.*)\)\s*", text, re.DOTALL)
    if found is None:
        raise InputError(f"{what} must be a number, or be written as name(value, setting=value); got {show(text)}.")
    values: list[Any] = []
    settings: dict[str, Any] = {}
    for part in _parts(found[2]) if found[2].strip() else ():
        key, equals, value = part.partition("=")
        if equals:
            settings[key.strip()] = _value(value.strip())
        else:
            values.append(_value(part.strip()))
    return found[1], values, settings


def _parts(text: str) -> list[str]:
    """Split at the commas that stand within no brackets."""
    parts, depth = [""], 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return tuple(_value(part.strip()) for part in _parts(text[1:-1])) if text[1:-1].strip() else ()
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
