"""Ops that move, cut, join or make values."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas import dtypes
from kconvert_schemas.dims import Dim, resolve
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..registry import kernel


def target(shape: list[Dim], x: Array | None = None, like: Array | None = None) -> tuple[int, ...]:
    """Return the shape that dimension expressions mean for these inputs."""
    shapes = {name: array.shape for name, array in (("x", x), ("like", like)) if array is not None}
    return tuple(size or 0 for size in resolve(shape, shapes, size_of=None if x is None else "x"))


@kernel("reshape")
def reshape(x: Array, like: Array | None = None, *, shape: list[Dim]) -> Array:
    """The same elements in another shape."""
    return x.reshape(target(shape, x, like))


@kernel("transpose")
def transpose(x: Array, *, axes: list[int]) -> Array:
    """Axis i of the result is axis axes[i] of x."""
    return x.transpose(axes)


@kernel("concatenate")
def concatenate(*xs: Array, axis: int) -> Array:
    """Inputs joined along axis."""
    return np.concatenate(xs, axis=axis)


@kernel("slice")
def slice_(x: Array, *, slices: list[list[int | None] | None]) -> Array:
    """x[start:stop:step] on each axis."""
    return x[tuple(slice(None) if part is None else slice(*part) for part in slices)]


@kernel("pad")
def pad(x: Array, *, pads: list[list[int]], mode: str, value: Any) -> Array:
    """x with elements added before and after each axis; InputError for more reflected elements than there are."""
    if mode in ("reflect", "symmetric"):
        most = [max(size - (mode == "reflect"), 0) for size in x.shape]
        if any(max(pair) > size for pair, size in zip(pads, most, strict=True)):
            raise InputError(f"{mode} needs more elements than the shape {x.shape} has for pads {pads}")
    if mode == "constant":
        return np.pad(x, pads, constant_values=value)
    return np.pad(x, pads, mode=mode)  # type: ignore[call-overload]


@kernel("flip")
def flip(x: Array, *, axes: list[int]) -> Array:
    """x backwards along axes."""
    return np.flip(x, tuple(axes))


@kernel("take")
def take(x: Array, indices: Array, *, axis: int) -> Array:
    """x at indices along axis; InputError for an index outside."""
    check_indices(indices, x.shape[axis])
    return np.take(x, indices, axis=axis)


def check_indices(indices: Array, size: int) -> None:
    """Raise InputError for an index outside of so many entries."""
    if indices.size and (indices.max() >= size or indices.min() < -size):
        worst = indices.max() if indices.max() >= size else indices.min()
        raise InputError(f"index {worst} is outside the {size} entries; expected 0 to {size - 1}")


@kernel("broadcast_to")
def broadcast_to(x: Array, like: Array | None = None, *, shape: list[Dim]) -> Array:
    """x repeated along axes of size 1 (a view)."""
    return np.broadcast_to(x, target(shape, x, like))


@kernel("full")
def full(like: Array | None = None, *, shape: list[Dim], value: Any, dtype: str) -> Array:
    """value everywhere."""
    return np.full(target(shape, like=like), dtypes.cast(np.asarray(value), dtype))


@kernel("constant")
def constant(*, value: Any, dtype: str) -> Array:
    """A number or a nested list of numbers."""
    return dtypes.cast(np.asarray(value), dtype)


@kernel("one_hot")
def one_hot(x: Array, *, depth: int, dtype: str) -> Array:
    """1 at position x of a new last axis; all 0 for x outside."""
    return (x[..., None] == np.arange(depth)).astype(dtypes.holder(dtype))


@kernel("unpack_bits")
def unpack_bits(x: Array, *, bits: int, axis: int, size: int) -> Array:
    """Element i of an axis is number i % n of the n fields of `bits` bits in byte i // n, counted from the lowest."""
    left = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    wide = np.moveaxis(x, axis, -1)[..., None].view(np.uint8) << left
    fields = wide.view(x.dtype) >> x.dtype.type(8 - bits)  # down again, with the sign of int8
    flat = fields.reshape(*fields.shape[:-2], fields.shape[-2] * fields.shape[-1])[..., :size]
    return np.moveaxis(flat, -1, axis)
