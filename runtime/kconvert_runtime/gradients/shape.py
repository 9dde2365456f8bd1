"""Gradients of ops that move, cut and join: what was moved goes back."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import vjp
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


@vjp("broadcast_to")
def broadcast_to(g: Array, y: Array, x: Array, like: Array | None = None, **attrs: Any) -> Gradients:
    """The sum of g over the copies of each element."""
    return fitted(g, x), None
