"""What the recurrent kernels share of a cell: its weights, arranged once, and the products with them at a step.

Inside a kernel time comes first, then the gates, then the directions, of which there are one or two, then the batch:
what one call of NumPy works on at a step then lies together. For a single row in one direction the gates come side by
side, after the batch: one product then gives them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Do
from ...products import arranged, multiply
from ...registry import KERNELS

Activation: TypeAlias = "Callable[[Array], Array] | None"
Step: TypeAlias = "Callable[[Do, Array, Array, Array], None]"
"""step(do, projected input (gates, directions, batch, units), h (directions, batch, units), out).

Writes the new h, which is the output, to `out`, and leaves `h` as it is.
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell made ready to run.

    kernel: what projects its inputs, (gates, directions, features + 1, units) or (1, directions, features + 1,
    gates units); the last row is the bias. units: how many it has. states: those besides h, (directions, batch, units),
    which a step changes where they are. scale: how many times as large as it is the step reads and writes h.
    """

    kernel: Array
    step: Step
    units: int
    states: tuple[Array, ...] = ()
    scale: int = 1


Packed: TypeAlias = Callable[[int], Cell]
"""Weights arranged for a cell, which is made of them for so many rows at a time."""


def stacked(weights: Sequence[Sequence[Array | None]]) -> tuple[Any, Any, Any]:
    """Return the kernels, recurrent kernels and biases of all directions, with an axis for the direction first."""
    kernel, recurrent_kernel, bias = zip(*weights, strict=True)
    return np.stack(kernel), np.stack(recurrent_kernel), None if bias[0] is None else np.stack(bias)


def by_gate(weights: Array, gates: int) -> Array:
    """(directions, rows, gates units) -> (gates, directions, rows, units)."""
    return np.stack(np.split(weights, gates, axis=-1))


def side_by_side(weights: Array) -> Array:
    """(gates, directions, rows, units) -> (1, directions, rows, gates units)."""
    gates, directions, rows, units = weights.shape
    return np.ascontiguousarray(weights.transpose(1, 2, 0, 3)).reshape(1, directions, rows, gates * units)


def gates_of(values: Array, gates: int) -> Array:
    """(gates, directions, batch, units), or a view of (1, directions, batch, gates units) so."""
    if len(values) == gates:
        return values
    _, directions, batch, width = values.shape
    return values.reshape(directions, batch, gates, width // gates).transpose(2, 0, 1, 3)


def product_with(weights: Array, batch: int) -> Callable[[Do, Array, Array], None]:
    """Return a function (do, states (directions, batch, units), out) that multiplies with weights, arranged for it."""
    factor = arranged(weights) if batch > 1 else weights
    return lambda do, states, out: multiply(do, states, factor, out, alone=False)


def with_bias(kernel: Array, bias: Array | None) -> Array:
    """Put a bias (directions, width) under a kernel (directions, features, width), as its last row."""
    row = np.zeros_like(kernel[:, :1]) if bias is None else bias[:, None]
    return np.concatenate([kernel, row], axis=1)


def tanh_cells(outer: Array, inner: Array, finished: Callable[[Array, Array, int], Cell]) -> Packed:
    """Return what makes cells of weights (gates, directions, rows, units) for the inputs, and for the state.

    finished: makes a cell of both, as they are arranged for so many rows.
    """

    @cache
    def arranged(one_row: bool) -> tuple[Array, Array]:
        return (side_by_side(outer), side_by_side(inner)) if one_row else (outer, inner)

    return lambda batch: finished(*arranged(batch == 1 and outer.shape[1] == 1), batch)


def is_op(activation: Any, op: str) -> bool:
    """Tell whether an activation is the kernel of `op`, without attributes of its own."""
    return getattr(activation, "func", activation) is KERNELS[op] and not getattr(activation, "keywords", None)


def apply(activation: Activation, x: Array) -> Array:
    """Return the activation of x, x itself for None."""
    return x if activation is None else activation(x)
