"""Sizes that models compute with: `tf.reshape(x, [tf.shape(x)[0], -1])`.

A tensor of sizes is a value like any other - counted when the model runs -, and knows beside that which axes its
elements are the sizes of, so that it can stand for the shape of an op.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kconvert import ArrayConstant, Emitter, Extent, Symbol, Unsupported
from kconvert_schemas.dims import Dim

from ..bounds import counted

OPEN = "it computes a size from numbers that are known only when the model runs"


def shape_of(x: Symbol) -> tuple[int | Extent, ...]:
    """Return the sizes of all axes."""
    return tuple(Extent(1, ((x, i),)) if size is None else size for i, size in enumerate(x.shape))


def vector(emit: Emitter, sizes: Sequence[int | Extent], dtype: str) -> Symbol:
    """Return sizes as a tensor with one axis."""
    if all(isinstance(size, int) for size in sizes):
        symbol = emit.constant(list(sizes), dtype)
    else:
        parts = [_counted(emit, size, dtype) for size in sizes]
        symbol = emit.op("concatenate", *parts, axis=0) if len(parts) > 1 else parts[0]
    return symbol.with_sizes(tuple(sizes))


def _counted(emit: Emitter, size: int | Extent, dtype: str) -> Symbol:
    """Return a size as a vector of one element, open ones by adding up ones."""
    if isinstance(size, int):
        return emit.constant([size], dtype)
    total = emit.constant([size.factor], dtype)
    for symbol, axis in size.axes:
        ones = emit.op("full", symbol, shape=[f"like.{axis}"], value=1, dtype=dtype)
        total = emit.op("multiply", total, emit.op("sum", ones, axes=[0], keepdims=True))
    return total


def known(value: Any) -> Any:
    """Return what is known of a size, or of a list of them: numbers, Extents, None; lists become tuples."""
    if isinstance(value, Symbol):
        if value.rank == 1 and isinstance(value.sizes, (int, Extent)):
            return (value.sizes,)
        return value.sizes
    if isinstance(value, ArrayConstant):
        return known(value.value)
    if isinstance(value, (list, tuple)):
        return tuple(_element(item) for item in value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _element(item: Any) -> Any:
    found = known(item)
    return found[0] if isinstance(found, tuple) and len(found) == 1 else found


def shape(value: Any) -> list[int | Extent]:
    """Return an argument that is a shape; Unsupported where it cannot be traced back to sizes."""
    found = known(value)
    found = (found,) if isinstance(found, (int, Extent)) else found
    if not isinstance(found, tuple) or not all(isinstance(size, (int, Extent)) for size in found):
        raise Unsupported(OPEN)
    return list(found)


def product(sizes: Sequence[Any]) -> int | Extent | None:
    """Return the product of sizes; None where one is not known."""
    factor, axes = 1, []
    for size in sizes:
        if isinstance(size, Extent):
            factor *= size.factor
            axes += list(size.axes)
        elif isinstance(size, int):
            factor *= size
        else:
            return None
    return Extent(factor, tuple(axes)) if axes else factor


def multiplied(x: Symbol, y: Symbol, *values: Any) -> Any:
    """Return what is known of the product of two tensors of sizes."""
    if "int" not in x.dtype:
        return None
    left, right = (known(value) for value in values)
    if left is None or right is None:
        return None
    if not isinstance(left, tuple) and not isinstance(right, tuple):
        return product([left, right])
    count = len(left if isinstance(left, tuple) else right)
    pairs = [part if isinstance(part, tuple) else (part,) * count for part in (left, right)]
    if len(pairs[0]) != len(pairs[1]):
        return None
    return tuple(product(pair) for pair in zip(*pairs, strict=True))


def dims(sizes: Sequence[int | Extent], own: Symbol | None, name: str = "x") -> tuple[list[Dim], Symbol | None]:
    """Return sizes as the op's dimension expressions, and the `like` that they refer to beside its input `own`."""
    found: list[Dim] = []
    like: Symbol | None = None
    for size in sizes:
        if isinstance(size, int):
            found.append(size)
            continue
        factors = [str(size.factor)] if size.factor != 1 else []
        for symbol, axis in size.axes:
            if own is not None and symbol.name == own.name:
                factors.append(f"{name}.{axis}")
                continue
            if like is not None and like.name != symbol.name:
                raise Unsupported("it takes sizes from several other tensors at once")
            like = symbol
            factors.append(f"like.{axis}")
        found.append("*".join(factors))
    return found, like


def filled(emit: Emitter, sizes: Sequence[int | Extent], value: Any, dtype: str) -> Symbol:
    """Return a tensor of one value."""
    found, like = dims(sizes, None)
    return emit.op("full", like, shape=found, value=value, dtype=dtype)


def counting(emit: Emitter, count: int | Extent, dtype: str = "int32") -> Symbol:
    """Return 0, 1, ... up to `count`."""
    if isinstance(count, int):
        return emit.constant(list(range(counted(count))), dtype)
    ones = filled(emit, [count], 1, dtype)
    return emit.op("subtract", emit.op("cumsum", ones, axis=0), emit.constant(1, dtype))
