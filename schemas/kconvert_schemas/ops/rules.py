"""Shape and dtype rules shared by the families of the op table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..dims import Shape, product
from ..dtypes import NUMERIC
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec

Attrs = Mapping[str, Any]


def one_dtype(types: Iterable[TensorType], allowed: Sequence[str] = ()) -> str:
    """Return the dtype that all `types` share; OpError when they differ or it is not allowed."""
    dtypes = {type_.dtype for type_ in types}
    if len(dtypes) != 1:
        raise OpError(f"inputs must have one dtype, got {', '.join(sorted(dtypes))}; cast them first")
    (dtype,) = dtypes
    if allowed and dtype not in allowed:
        raise OpError(f"does not take {dtype}; it takes {', '.join(allowed)}")
    return dtype


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape NumPy broadcasts `shapes` to; an unknown size against n > 1 gives n."""
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(_broadcast_axis(sizes, shapes) for sizes in zip(*padded, strict=True))


def _broadcast_axis(sizes: Sequence[int | None], shapes: Sequence[Shape]) -> int | None:
    known = {n for n in sizes if n is not None and n != 1}
    if len(known) > 1:
        raise OpError(f"shapes {' and '.join(map(str, shapes))} do not broadcast")
    if known:
        return known.pop()
    return None if None in sizes else 1


def axis_of(axis: int, rank: int) -> int:
    """Return `axis` counted from the front; OpError when it is outside the rank."""
    if not -rank <= axis < rank:
        raise OpError(f"axis {axis} is outside a rank of {rank}")
    return axis % rank


def axes_of(axes: Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Return `axes` counted from the front, all axes for None; OpError on repeats."""
    if axes is None:
        return tuple(range(rank))
    found = tuple(axis_of(axis, rank) for axis in axes)
    if len(set(found)) != len(found):
        raise OpError(f"axes {list(axes)} name one axis twice")
    return found


def require_rank(type_: TensorType, rank: int, name: str) -> None:
    """Raise OpError unless `type_` has `rank` axes."""
    if len(type_.shape) != rank:
        raise OpError(f"{name} must have {rank} axes, got {type_}")


def require_shape(type_: TensorType, shape: Shape, name: str) -> None:
    """Raise OpError where a known size of `type_` differs from a known size of `shape`."""
    fits = len(type_.shape) == len(shape) and all(
        a is None or b is None or a == b for a, b in zip(type_.shape, shape, strict=True)
    )
    if not fits:
        raise OpError(f"{name} must have the shape {shape}, got {type_}")


def same(types: Inputs, attrs: Attrs) -> TensorType:
    """The output has the type of the first input."""
    return types[0]


def elementwise(allowed: Sequence[str], result: str | None = None) -> Callable[[Inputs, Attrs], TensorType]:
    """Build the rule of an op on broadcast inputs of one dtype; `result` is the output dtype if another."""

    def rule(types: Inputs, attrs: Attrs) -> TensorType:
        dtype = one_dtype(types.present, allowed)
        return TensorType(broadcast([type_.shape for type_ in types.present]), result or dtype)

    return rule


def reduced(shape: Shape, axes: Sequence[int] | None, keepdims: bool) -> Shape:
    """Return `shape` after a reduction over `axes` (None: all)."""
    gone = axes_of(axes, len(shape))
    if keepdims:
        return tuple(1 if i in gone else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def count(shape: Shape) -> int | None:
    """Number of elements of a shape, None when unknown."""
    return product(shape)


def unary(
    name: str, doc: str, allowed: Sequence[str] = NUMERIC, result: str | None = None, smooth: bool = True, **attrs: Attr
) -> OpSpec:
    """Build the row of a one-input op that keeps the shape."""
    return OpSpec(name, ("x",), elementwise(allowed, result), doc, attrs, differentiable=("x",) if smooth else ())


def binary(name: str, doc: str, allowed: Sequence[str], result: str | None = None, smooth: bool = True) -> OpSpec:
    """Build the row of a two-input op that broadcasts."""
    differentiable = ("x", "y") if smooth else ()
    return OpSpec(name, ("x", "y"), elementwise(allowed, result), doc, outputs=("z",), differentiable=differentiable)
