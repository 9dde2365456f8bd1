"""One call of a layer or operation, as its plugin sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .config import Config
from .errors import Unsupported
from .spec import LayerSpec
from .symbol import Symbol

MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class LayerCall:
    """What a layer was called with.

    layer: its spec (path, dtype policy, raw config). config: its settings with typed getters.
    arguments: the call's arguments by name; leaves are Symbols, numbers, strings, None.
    """

    layer: LayerSpec
    config: Config
    arguments: Mapping[str, Any]

    @property
    def inputs(self) -> Any:
        """The first argument: a Symbol, or a nest of them."""
        if not self.arguments:
            raise Unsupported("it is called without a tensor")
        return next(iter(self.arguments.values()))

    @property
    def x(self) -> Symbol:
        """The first argument, which must be a single value."""
        found = self.inputs
        if isinstance(found, (list, tuple)) and len(found) == 1:
            found = found[0]
        if not isinstance(found, Symbol):
            raise Unsupported(f"it must be called with one tensor, got {type(found).__name__}")
        return found

    @property
    def mask(self) -> Any:
        """The mask that Keras would hand to the layer's `call`: a Symbol, a nest, or None."""
        return self.arguments.get("mask")

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument by name."""
        return self.arguments.get(name, default)

    def argument(self, name: str, default: Any = MISSING) -> Any:
        """Return an argument that may stand in the call or, for operations, in the config.

        Raises Unsupported when it stands in neither and there is no default.
        """
        if name in self.arguments:
            return self.arguments[name]
        if name in self.config:
            return self.config[name]
        if default is MISSING:
            raise Unsupported(f"its argument {name!r} is missing")
        return default
