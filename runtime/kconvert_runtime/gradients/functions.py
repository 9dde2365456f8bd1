"""Gradients of functions of one number: g times the conjugate of the derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import vjp
from .sums import Gradients, flat_where_0

Derivative = Callable[..., Any]


def derivative(op: str) -> Callable[[Derivative], Derivative]:
    """Register g times a derivative, a function of (y, x, **attrs), as the VJP of `op`."""

    def register(function: Derivative) -> Derivative:
        def run(g: Array, y: Array, x: Array, **attrs: Any) -> Gradients:
            slope = np.asarray(function(y, x, **attrs))
            product = g * (np.conj(slope) if slope.dtype.kind == "c" else slope)
            return (np.asarray(product).astype(x.dtype, copy=False),)

        run.__qualname__ = f"derivative.{op}"
        vjp(op)(run)
        return function

    return register


DERIVATIVES: dict[str, Derivative] = {
    "negative": lambda y, x: -1,
    "abs": lambda y, x: np.sign(x),
    "exp": lambda y, x: y,
    "expm1": lambda y, x: np.exp(x),
    "log": lambda y, x: 1 / x,
    "log1p": lambda y, x: 1 / (1 + x),
    "sin": lambda y, x: np.cos(x),
    "cos": lambda y, x: -np.sin(x),
    "tan": lambda y, x: 1 + y * y,
    "arcsin": lambda y, x: 1 / np.sqrt((1 - x) * (1 + x)),
    "arccos": lambda y, x: -1 / np.sqrt((1 - x) * (1 + x)),
    "arctan": lambda y, x: 1 / (1 + x * x),
    "sinh": lambda y, x: np.cosh(x),
    "cosh": lambda y, x: np.sinh(x),
    "tanh": lambda y, x: 1 - y * y,
    "arcsinh": lambda y, x: 1 / np.sqrt(1 + x * x),
    "arccosh": lambda y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    "arctanh": lambda y, x: 1 / ((1 - x) * (1 + x)),
    "erf": lambda y, x: 2 / math.sqrt(math.pi) * np.exp(-x * x),
    "erfc": lambda y, x: -2 / math.sqrt(math.pi) * np.exp(-x * x),
    "erfinv": lambda y, x: math.sqrt(math.pi) / 2 * np.exp(y * y),
}
for _op, _function in DERIVATIVES.items():
    derivative(_op)(_function)


@vjp("sqrt")
def sqrt(g: Array, y: Array, x: Array) -> Gradients:
    """g / 2 y; 0 where g is 0, also where y is 0, as TensorFlow has it."""
    slope = np.conj(y.dtype.type(0.5) / y)
    return ((g * slope if y.all() else flat_where_0(g, g * slope)).astype(x.dtype, copy=False),)


ANGLES = 100
"""Between 0 and pi; enough wherever I0 itself is finite."""


@derivative("i0")
def _i1(y: Array, x: Array) -> Array:
    """I1(x) = 1/pi times the integral of exp(x cos t) cos t, by the trapezoidal rule, which is exact for it."""
    cosines = np.cos((np.arange(ANGLES) + 0.5) * (math.pi / ANGLES))
    total = np.zeros(x.shape)
    for cosine in cosines.tolist():
        total += np.exp(x.astype(np.float64) * cosine) * cosine
    return (total / ANGLES).astype(x.dtype)
