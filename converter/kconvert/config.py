"""A layer's settings, read with their types; what does not fit is reported with its name."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

from kconvert_schemas.errors import show

from .errors import Unsupported

MISSING: Any = object()


class Config(Mapping[str, Any]):
    """The config of a layer. Getters raise Unsupported naming the setting, its value and what was expected."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _get(self, name: str, default: Any) -> Any:
        if name in self._values:
            return self._values[name]
        if default is MISSING:
            raise Unsupported(f"its config lacks the setting {name!r}")
        return default

    def _wrong(self, name: str, expected: str) -> Unsupported:
        return Unsupported(f"its setting {name!r} must be {expected}, got {show(self._values.get(name))}")

    def int(self, name: str, default: Any = MISSING) -> int:
        """Return a whole number."""
        value = self._get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "a whole number")
        return value

    def float(self, name: str, default: Any = MISSING) -> float:
        """Return a number."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(name, "a number")
        return float(value)

    def bool(self, name: str, default: Any = MISSING) -> bool:
        """Return true or false."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def str(self, name: str, default: Any = MISSING, choices: Sequence[builtins.str] = ()) -> builtins.str:
        """Return a string, one of `choices` if any are given."""
        value = self._get(name, default)
        if not isinstance(value, str) or (choices and value not in choices):
            raise self._wrong(name, f"one of {', '.join(choices)}" if choices else "a string")
        return value

    def ints(self, name: builtins.str, default: Any = MISSING, rank: builtins.int | None = None) -> list[builtins.int]:
        """Return a list of whole numbers; a single number stands for `rank` of them."""
        value = self._get(name, default)
        entries = list(value) if isinstance(value, (list, tuple)) else [value] * (rank or 1)
        if any(isinstance(n, bool) or not isinstance(n, int) for n in entries) or (rank and len(entries) != rank):
            raise self._wrong(name, f"{rank} whole numbers" if rank else "a list of whole numbers")
        return entries

    def data_format(self) -> builtins.str:
        """Return channels_last or channels_first."""
        return self.str("data_format", "channels_last", ("channels_last", "channels_first"))
