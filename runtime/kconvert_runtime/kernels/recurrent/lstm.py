"""lstm."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Do
from ...registry import kernel
from ..activation import sigmoid
from .sequences import (
    Activation,
    Cell,
    Packed,
    States,
    Step,
    apply,
    by_gate,
    gates_of,
    is_op,
    product_with,
    run_cell,
    stacked,
    tanh_cells,
    with_bias,
)


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
        return tanh_cells(_packed(outer), _packed(inner), _tanh_step, 2)
    cell = Cell(outer, _any_step(inner, activation, recurrent_activation), inner.shape[-1], 2)
    return lambda batch: cell


def _packed(weights: Array) -> Array:
    """Gates i, f, g, o -> i / 2, f / 2, o / 2, g: one tanh then serves all, as sigmoid(x) = tanh(x / 2) / 2 + 1 / 2."""
    packed = weights[[0, 1, 3, 2]]
    packed[:3] *= weights.dtype.type(0.5)
    return packed


def _tanh_step(weights: Array, batch: int) -> Step:
    """The step for tanh and sigmoid, on packed weights: ten calls of NumPy, into buffers made once."""
    apart, directions, units, width = weights.shape
    half = weights.dtype.type(0.5)
    every = np.empty((apart, directions, batch, width), weights.dtype)
    gates = gates_of(every, 4)
    squashed, *cells = (np.empty((directions, batch, units), weights.dtype) for _ in range(3))
    i, f, o, g = gates
    sigmoids, recur = gates[:3], product_with(weights, batch)

    def step(do: Do, z: Array, states: States, out: Array) -> States:
        h, before = states
        c = cells[before is cells[0]]
        recur(do, h, every)
        do(np.add, every, z, out=every)
        do(np.tanh, every, out=every)
        do(np.multiply, sigmoids, half, out=sigmoids)
        do(np.add, sigmoids, half, out=sigmoids)
        do(np.multiply, f, before, out=c)
        do(np.multiply, i, g, out=g)
        do(np.add, c, g, out=c)
        do(np.tanh, c, out=squashed)
        do(np.multiply, o, squashed, out=out)
        return out, c

    return step


def _any_step(weights: Array, activation: Activation, recurrent_activation: Activation) -> Step:
    """The step for any activations. Each gate is activated by itself: a softmax goes over its units."""

    def step(do: Do, z: Array, states: States, out: Array) -> States:
        h, c = (do.contents(state) for state in states)
        i, f, g, o = z + np.matmul(h, weights)
        c = apply(recurrent_activation, f) * c + apply(recurrent_activation, i) * apply(activation, g)
        np.multiply(apply(recurrent_activation, o), apply(activation, c), out=out)
        return out, c

    return step
