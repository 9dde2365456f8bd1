"""Shapes written as dimension expressions, for layers whose sizes are known only when running."""

from __future__ import annotations

from kconvert import Emitter, Symbol, Unsupported


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


def added(emit: Emitter, x: Symbol, y: Symbol) -> Symbol:
    """Return x + y; refused where Keras with TensorFlow lays `y` over `x` otherwise than broadcasting does.

    It takes a `y` with one size other than 1 for a bias if that is the size of the last or second axis of `x`.
    """
    wide = [(axis - y.rank, size) for axis, size in enumerate(y.shape) if size != 1]
    if x.rank > 1 and len(wide) == 1 and wide[0][1] is not None and wide[0][1] in (x.shape[1], x.shape[-1]):
        axis, size = wide[0]
        if axis != (-1 if size == x.shape[-1] else 1 - x.rank):
            raise Unsupported(
                f"it adds {y.type} to {x.type}: with TensorFlow Keras takes that for a bias along another axis than "
                "with other backends. Give the two the same shape"
            )
    return emit.op("add", x, y)
