"""Gradients of arithmetic with two inputs: computed in the broadcast shape, summed to the shape of each input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import vjp
from .sums import Gradients, fitted, flat_where_0, typed


def _fitting(function: Callable[..., tuple[Array, Array]]) -> Callable[..., Gradients]:
    """Sum both gradients to the shapes of their inputs."""

    def run(g: Array, z: Array, x: Array, y: Array) -> Gradients:
        by_x, by_y = function(g, z, x, y)
        return fitted(by_x, x), fitted(by_y, y)

    run.__doc__ = function.__doc__
    return run


@vjp("add")
@_fitting
def add(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g, g."""
    return g, g


@vjp("subtract")
@_fitting
def subtract(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g, -g."""
    return g, -g


@vjp("multiply")
@_fitting
def multiply(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g conj(y), g conj(x)."""
    return g * np.conj(y), g * np.conj(x)


@vjp("divide")
@_fitting
def divide(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g / y, -g (x / y) / y; 0 where g is 0, also where y is 0 and another branch was taken."""
    if y.all():
        quotient = g / np.conj(y)
        return quotient, -quotient * np.conj(z)
    quotient = flat_where_0(g, g / np.conj(y))
    return quotient, flat_where_0(g, -quotient * np.conj(z))


@vjp("mod")
@_fitting
def mod(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g, -g floor(x / y)."""
    return g, -g * np.floor(x / y)


@vjp("power")
@_fitting
def power(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g y x^(y - 1), 0 where y or g is 0; g x^y log(x), 0 where x is not positive (as TensorFlow has it)."""
    by_x = np.where(y == 0, 0, y * np.power(x, y - y.dtype.type(1)))
    inside = (x != 0) if x.dtype.kind == "c" else (x > 0)
    by_y = np.where(inside, z * np.log(np.where(inside, x, x.dtype.type(1))), 0)
    return flat_where_0(g, g * np.conj(by_x)), g * np.conj(by_y)


@vjp("maximum")
@_fitting
def maximum(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g to the larger; to x where both are equal, as TensorFlow has it."""
    first = x >= y
    return np.where(first, g, 0), np.where(first, 0, g)


@vjp("minimum")
@_fitting
def minimum(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """g to the smaller; to x where both are equal."""
    first = x <= y
    return np.where(first, g, 0), np.where(first, 0, g)


@vjp("arctan2")
@_fitting
def arctan2(g: Array, z: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """With r = x^2 + y^2: g y / r, -g x / r. The first input is the sine's."""
    scaled = g / (x * x + y * y)
    return scaled * y, -scaled * x


@vjp("where")
def where(g: Array, z: Array, condition: Array, x: Array, y: Array) -> Gradients:
    """g to the input that was chosen."""
    return None, fitted(np.where(condition, g, 0), x), fitted(np.where(condition, 0, g), y)


@vjp("cast")
def cast(g: Array, y: Array, x: Array, **attrs: Any) -> Gradients:
    """g in the dtype of x; 0 where y holds whole numbers. The rounding of narrower floats is passed over."""
    return (typed(g, x) if y.dtype.kind in "fc" else np.zeros_like(x),)
