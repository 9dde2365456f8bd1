"""Symbols: values of the graph under construction, as plugins see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kconvert_schemas.dims import Shape
from kconvert_schemas.graph import TensorType


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value: its name in the graph, its type, and the Keras mask attached to it."""

    name: str
    type: TensorType
    mask: Symbol | None = None

    @property
    def shape(self) -> Shape:
        """Sizes of the axes, None where unknown."""
        return self.type.shape

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return self.type.dtype

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.type.shape)

    def with_mask(self, mask: Symbol | None) -> Symbol:
        """Return the same value with another mask."""
        return replace(self, mask=mask)
