"""Gradients of ops that move, cut and join: what was moved goes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import KERNELS, pair, vjp
from .rows import RowsGradient
from .sums import Gradients, fitted, summed_at


@vjp("reshape")
def reshape(g: Array, y: Array, x: Array, like: Array | None = None, **attrs: Any) -> Gradients:
    """g in the shape of x."""
    return g.reshape(x.shape), None


@vjp("transpose")
def transpose(g: Array, y: Array, x: Array, *, axes: list[int]) -> Gradients:
    """g with its axes in their places again."""
    return (g.transpose(np.argsort([axis % x.ndim for axis in axes]).tolist()),)


@vjp("concatenate")
def concatenate(g: Array, y: Array, *xs: Array, axis: int) -> Gradients:
    """The part of g that each input gave."""
    ends = np.cumsum([x.shape[axis] for x in xs])[:-1]
    return tuple(np.split(g, ends.tolist(), axis=axis))


@vjp("slice")
def slice_(g: Array, y: Array, x: Array, *, slices: list[list[int | None] | None]) -> Gradients:
    """g where it was taken from, 0 elsewhere."""
    result = np.zeros_like(x)
    result[tuple(slice(None) if part is None else slice(*part) for part in slices)] = g
    return (result,)


@vjp("pad")
def pad(g: Array, y: Array, x: Array, *, pads: list[list[int]], mode: str, value: Any) -> Gradients:
    """g cut to x; elements that were repeated around it are added where they came from."""
    for axis, (before, after) in enumerate(pads):
        size = x.shape[axis]
        if mode == "constant":
            g = g.take(range(before, before + size), axis=axis)
        elif before or after:
            sources = np.pad(np.arange(size), (before, after), mode=mode)  # type: ignore[call-overload]
            g = summed_at(g, sources, size, axis)
    return (g,)


@vjp("flip")
def flip(g: Array, y: Array, x: Array, *, axes: list[int]) -> Gradients:
    """g backwards."""
    return (np.flip(g, tuple(axes)),)


@vjp("take")
def take(g: Array, y: Array, x: Array, indices: Array, *, axis: int) -> Gradients:
    """The sum of g over all places that read an entry of x."""
    return summed_at(g, indices, x.shape[axis], axis % x.ndim), None


@pair("take")
def take_pair(wanted: Sequence[bool], x: Array, indices: Array, *, axis: int) -> Any:
    """As the VJP; along the first axis the rows of g are handed on before they are summed."""
    y = KERNELS["take"](x, indices, axis=axis)
    if axis % x.ndim:
        return y, lambda g: take(g, y, x, indices, axis=axis)
    places = indices.reshape(-1).astype(np.intp) % max(len(x), 1)
    return y, lambda g: (RowsGradient(places, g.reshape(len(places), *x.shape[1:]), len(x)), None)


@vjp("broadcast_to")
def broadcast_to(g: Array, y: Array, x: Array, like: Array | None = None, **attrs: Any) -> Gradients:
    """The sum of g over the copies of each element."""
    return fitted(g, x), None
