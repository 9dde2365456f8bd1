"""The pair of gelu: its erf, of which half the way back consists, is computed once, block by block on all cores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import KERNELS, VJPS, pair
from ..tuned.expansions import ERF
from .shared import each_part
from .sums import Gradients

BLOCK = 1 << 15
"""Elements that are worked on at a time."""
COEFFICIENTS = [c * math.sqrt(0.5) ** (2 * i + 1) for i, c in enumerate(ERF)]
"""Of x, x^3, ... in what the tanh of gives erf(x / sqrt 2)."""


@pair("gelu")
def gelu_pair(
    wanted: Sequence[bool], x: Array, *, approximate: bool = False
) -> tuple[Array, Callable[[Array], Gradients]]:  # fmt: skip
    """x Phi(x), and back g (Phi(x) + x phi(x)), in float32; else, and for `approximate`, by kernel and VJP."""
    if approximate or x.dtype != np.float32:
        y = KERNELS["gelu"](x, approximate=approximate)
        return y, lambda g: VJPS["gelu"](g, y, x, approximate=approximate)
    flat = np.ascontiguousarray(x).reshape(-1)
    y, share = np.empty_like(flat), np.empty_like(flat)
    _blocks(_phi, flat, share)
    _blocks(np.multiply, flat, share, y)

    def back(g: Array) -> Gradients:
        found = np.empty_like(flat)
        _blocks(_slope, np.ascontiguousarray(g).reshape(-1), flat, share, found)
        return (found.reshape(x.shape),)

    return y.reshape(x.shape), back


def _blocks(function: Callable[..., Any], *arrays: Array) -> None:
    """Call a function on blocks of flat arrays, the last of which it writes to."""
    *given, out = arrays

    def run(part: slice) -> None:
        for start in range(part.start, part.stop, BLOCK):
            block = slice(start, min(start + BLOCK, part.stop))
            function(*(array[block] for array in given), out=out[block])

    each_part(len(out), len(out), run)


def _phi(x: Array, out: Array) -> None:
    """Phi(x) = (1 + erf(x / sqrt 2)) / 2."""
    square = x * x
    *lower, highest = (np.float32(c) for c in COEFFICIENTS)
    np.multiply(square, highest, out=out)
    for coefficient in reversed(lower[1:]):
        np.add(out, coefficient, out=out)
        np.multiply(out, square, out=out)
    np.add(out, lower[0], out=out)
    np.multiply(out, x, out=out)
    np.tanh(out, out=out)
    np.multiply(out, np.float32(0.5), out=out)
    np.add(out, np.float32(0.5), out=out)


def _slope(g: Array, x: Array, share: Array, out: Array) -> None:
    """g (share + x exp(-x^2 / 2) / sqrt(2 pi))."""
    np.multiply(x, x, out=out)
    np.multiply(out, np.float32(-0.5), out=out)
    np.exp(out, out=out)
    np.multiply(out, np.float32(1 / math.sqrt(2 * math.pi)), out=out)
    np.multiply(out, x, out=out)
    np.add(out, share, out=out)
    np.multiply(out, g, out=out)
