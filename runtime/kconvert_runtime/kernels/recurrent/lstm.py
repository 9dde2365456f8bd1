"""lstm."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Do
from ...registry import kernel
from ..activation import sigmoid
from .cells import Activation, Cell, Packed, apply, by_gate, is_op, product_with, stacked, tanh_cells, with_bias
from .sequences import run_cell


@kernel("lstm")
def lstm(
    x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None, mask: Array | None = None,
    initial_h: Array | None = None, initial_c: Array | None = None, *, activation: Activation = np.tanh,
    recurrent_activation: Activation = sigmoid, go_backwards: bool = False, zero_output_for_mask: bool = False,
    stateful: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """At each step c = f c + i activation(g), h = o activation(c), gates i, f, g, o (keras/src/layers/rnn/lstm.py).

    x (batch, time, n), kernel (n, 4u), recurrent_kernel (u, 4u), bias (4u) -> sequence (batch, time, u), last, h, c.
    """
    packed = pack(*stacked([(kernel, recurrent_kernel, bias)]), activation, recurrent_activation)
    return run_cell(
        packed, x, mask, (initial_h, initial_c), backwards=(go_backwards,), zero_output_for_mask=zero_output_for_mask
    )


def pack(
    kernel: Array, recurrent_kernel: Array, bias: Array | None, activation: Activation = np.tanh,
    recurrent_activation: Activation = sigmoid,
) -> Packed:  # fmt: skip
    """Arrange the weights of an LSTM, which have an axis of directions before their own."""
    outer, inner = by_gate(with_bias(kernel, bias), 4), by_gate(recurrent_kernel, 4)
    if is_op(activation, "tanh") and is_op(recurrent_activation, "sigmoid"):
        return tanh_cells(_packed(outer), _packed(inner), _tanh_cell)
    return lambda batch: _any_cell(outer, inner, batch, activation, recurrent_activation)


def _packed(weights: Array) -> Array:
    """Gates i, f, g, o -> o / 2, i / 2, f / 2, g: one tanh then serves all, as sigmoid(x) = (tanh(x / 2) + 1) / 2."""
    packed = weights[[3, 0, 1, 2]]
    packed[:3] *= weights.dtype.type(0.5)
    return packed


def _tanh_cell(outer: Array, inner: Array, batch: int) -> Cell:
    """The cell for tanh and sigmoid, on packed weights: nine calls of NumPy a step, in memory made once.

    What is called o, i, f, and h are twice as large here as they are, for which the weights for h are halved.
    """
    apart, directions, _, width = inner.shape
    half, one = (inner.dtype.type(number) for number in (0.5, 1))
    places = np.empty((5, directions, batch, apart * width // 4), inner.dtype)
    o, i, f, g, c = places
    gates, sigmoids, i_f, g_c = places[:4], places[:3], places[1:3], places[3:]
    every, recur = gates.reshape(apart, directions, batch, width), product_with(inner * half, batch)

    def step(do: Do, z: Array, h: Array, out: Array) -> None:
        recur(do, h, every)
        do(np.add, every, z, out=every)
        do(np.tanh, gates, out=gates)
        do(np.add, sigmoids, one, out=sigmoids)
        do(np.multiply, i_f, g_c, out=i_f)
        do(np.add, i, f, out=c)
        do(np.multiply, c, half, out=c)
        do(np.tanh, c, out=g)
        do(np.multiply, o, g, out=out)

    return Cell(outer, step, c.shape[-1], (c,), scale=2)


def _any_cell(
    outer: Array, inner: Array, batch: int, activation: Activation, recurrent_activation: Activation
) -> Cell:  # fmt: skip
    """The cell for any activations. Each gate is activated by itself: a softmax goes over its units."""
    _, directions, units, _ = inner.shape
    c = np.empty((directions, batch, units), inner.dtype)

    def step(do: Do, z: Array, h: Array, out: Array) -> None:
        i, f, g, o = z + np.matmul(do.contents(h), inner)
        kept = apply(recurrent_activation, f) * c
        np.add(kept, apply(recurrent_activation, i) * apply(activation, g), out=c)
        np.multiply(apply(recurrent_activation, o), apply(activation, c), out=out)

    return Cell(outer, step, units, (c,))
