"""Dimension expressions: sizes in `reshape`, `broadcast_to` and `full` that are known only when running.

An entry is a size (3), -1 (whatever is left; at most once), or a product of references to the axes
of the op's inputs and sizes: "x.0", "x.1*x.2", "like.0*4".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Dim: TypeAlias = int | str
Shape: TypeAlias = tuple[int | None, ...]

PATTERN = r"^(\d+|[a-z_]+\.\d+)(\*(\d+|[a-z_]+\.\d+))*$"
_EXPRESSION = re.compile(PATTERN)
LONGEST = 200
"""Letters of an expression."""


def valid(dim: object) -> bool:
    """Tell whether `dim` is a dimension expression."""
    if isinstance(dim, bool):
        return False
    return (isinstance(dim, int) and -1 <= dim < 2**63) or (
        isinstance(dim, str) and len(dim) <= LONGEST and bool(_EXPRESSION.fullmatch(dim))
    )


def resolve(dims: Sequence[Dim], shapes: Mapping[str, Shape], size_of: str | None = None) -> Shape:
    """Return the shape that `dims` mean for inputs of `shapes`; None where it is not known.

    `size_of` names the input whose number of elements fills a -1. Raises ValueError where a
    reference has no such input or axis, or the -1 does not divide.
    """
    shape = [_value(dim, shapes) if dim != -1 else -1 for dim in dims]
    if -1 in shape:
        if size_of is None or shape.count(-1) > 1:
            raise ValueError(f"-1 stands more than once, or where nothing is left to infer, in {list(dims)}")
        shape[shape.index(-1)] = _left_over(shape, shapes[size_of])
    return tuple(shape)


def _value(dim: Dim, shapes: Mapping[str, Shape]) -> int | None:
    if isinstance(dim, int):
        return dim
    product: int | None = 1
    for factor in dim.split("*"):
        size = int(factor) if factor.isdigit() else _axis(factor, shapes)
        product = None if size is None or product is None else product * size
    return product


def _axis(reference: str, shapes: Mapping[str, Shape]) -> int | None:
    name, _, axis = reference.partition(".")
    shape = shapes.get(name)
    if shape is None or int(axis) >= len(shape):
        raise ValueError(f"{reference!r} refers to an axis that is not there")
    return shape[int(axis)]


def _left_over(shape: Sequence[int | None], source: Shape) -> int | None:
    known = product([size for size in shape if size != -1])
    total = product(source)
    if known is None or total is None:
        return None
    if known == 0:
        return 0
    if total % known:
        raise ValueError(f"{total} elements do not fill the shape {list(shape)}")
    return total // known


def product(sizes: Sequence[int | None]) -> int | None:
    """Multiply sizes; None when one of them is not known."""
    result = 1
    for size in sizes:
        if size is None:
            return None
        result *= size
    return result
