"""Shapes written as dimension expressions, for layers whose sizes are known only when running."""

from __future__ import annotations

from kconvert import Emitter, Symbol


def sizes(x: Symbol, name: str = "x") -> list[int | str]:
    """Return the sizes of `x` for an op that has it as its input `name`: 3, or 'x.1' where unknown."""
    return [f"{name}.{i}" if size is None else size for i, size in enumerate(x.shape)]


def expand(emit: Emitter, x: Symbol, axis: int, count: int = 1) -> Symbol:
    """Return `x` with `count` new axes of size 1 at `axis`, which counts from the end of the result if negative."""
    shape = sizes(x)
    at = axis if axis >= 0 else len(shape) + 1 + axis
    return emit.op("reshape", x, shape=[*shape[:at], *[1] * count, *shape[at:]])


def spread(emit: Emitter, x: Symbol, like: Symbol) -> Symbol:
    """Return `x` broadcast to the shape of `like`."""
    return emit.op("broadcast_to", x, like, shape=sizes(like, "like"))


def meet(emit: Emitter, *xs: Symbol, dtype: str) -> list[Symbol]:
    """Return the values cast to one dtype."""
    return [emit.cast(x, dtype) for x in xs]
