"""A JSON value and where it stands: what reads graph.json strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import GraphError, show

T = TypeVar("T")


class Cursor:
    """A JSON value and where it stands; every accessor raises GraphError with that place."""

    def __init__(self, value: Any, path: str = "$") -> None:
        self.value = value
        self.path = path

    def fail(self, expected: str) -> GraphError:
        """Build the error for a value that is not what was expected."""
        shown = show(json.dumps(self.value) if not isinstance(self.value, str) else self.value)
        return GraphError(f"graph.json at {self.path}: expected {expected}, got {shown}.")

    def fields(self, *names: str) -> tuple[Cursor, ...]:
        """Return the members of an object that has exactly these keys."""
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        if self.value.keys() != set(names):
            missing, extra = set(names) - self.value.keys(), self.value.keys() - set(names)
            wrong = [f"without {show(n)}" for n in sorted(missing)] + [f"with {show(n)}" for n in sorted(extra)]
            raise GraphError(f"graph.json at {self.path}: expected the keys {', '.join(names)}; it is {wrong[0]}.")
        return tuple(Cursor(self.value[name], f"{self.path}.{name}") for name in names)

    def take(self, name: str) -> Cursor | None:
        """Take an optional member out of an object; None where it is not there."""
        if name not in self.value:
            return None
        rest = dict(self.value)
        member = Cursor(rest.pop(name), f"{self.path}.{name}")
        self.value = rest
        return member

    def mapping(self, item: Callable[[Cursor], T]) -> dict[str, T]:
        """Return an object whose values all have one form."""
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        return {key: item(Cursor(value, f"{self.path}[{show(key)}]")) for key, value in self.value.items()}

    def items(self, item: Callable[[Cursor], T]) -> tuple[T, ...]:
        """Return a list whose entries all have one form."""
        if not isinstance(self.value, list):
            raise self.fail("a list")
        return tuple(item(Cursor(value, f"{self.path}[{i}]")) for i, value in enumerate(self.value))

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            raise self.fail("a string")
        return self.value

    def number(self) -> int:
        """Return an integer of at least 0 that 64 bits hold."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 0 <= self.value < 2**63:
            raise self.fail("an integer of at least 0 and below 2**63")
        return self.value

    def factor(self) -> float:
        """Return a finite number of at least 0."""
        number = not isinstance(self.value, bool) and isinstance(self.value, (int, float))
        if not number or not 0 <= self.value < float("inf"):
            raise self.fail("a finite number of at least 0")
        return float(self.value)

    def name(self) -> str:
        """Return a string that is not empty."""
        if not self.text():
            raise self.fail("a name")
        return self.text()

    def digest(self) -> str:
        """Return a SHA-256."""
        if not re.fullmatch(r"[0-9a-f]{64}", self.text()):
            raise self.fail("64 hexadecimal digits")
        return self.text()

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.fail("true or false")
        return self.value

    def optional(self, item: Callable[[Cursor], T]) -> T | None:
        """Return None for null."""
        return None if self.value is None else item(self)
