"""Symbols: values of the graph under construction, as plugins see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kconvert_schemas.dims import Shape
from kconvert_schemas.graph import TensorType


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value: its name in the graph, its type, and the Keras mask attached to it.

    sizes: what is known of the elements of a vector or scalar of sizes: a tuple, or one, of whole numbers, of
    `Extent`s (sizes of axes that are open), and of None.
    """

    name: str
    type: TensorType
    mask: Symbol | None = None
    sizes: Any = None

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

    def with_sizes(self, sizes: Any) -> Symbol:
        """Return the same value with what is known of its elements."""
        return replace(self, sizes=sizes)


@dataclass(frozen=True, slots=True)
class Extent:
    """`factor` times the sizes of open axes: pairs of a value and the number of its axis."""

    factor: int
    axes: tuple[tuple[Symbol, int], ...]
