"""lstm."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ...registry import kernel
from ..activation import sigmoid
from .sequences import Activation, Cell, Packed, States, Step, apply, is_op, run_cell


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
    packed = pack(kernel, recurrent_kernel, bias, activation, recurrent_activation)
    return run_cell(
        packed, x, recurrent_kernel.shape[0], mask, (initial_h, initial_c),
        go_backwards=go_backwards, zero_output_for_mask=zero_output_for_mask,
    )  # fmt: skip


def pack(
    kernel: Array, recurrent_kernel: Array, bias: Array | None, activation: Activation = np.tanh,
    recurrent_activation: Activation = sigmoid,
) -> Packed:  # fmt: skip
    """Arrange the weights of an LSTM, which may have an axis of directions before their own."""
    if is_op(activation, "tanh") and is_op(recurrent_activation, "sigmoid"):
        outer, inner, added = _packed(kernel), _packed(recurrent_kernel), None if bias is None else _packed(bias)
        return lambda lead: Cell(outer, added, _tanh_step(inner, lead), 2)
    cell = Cell(kernel, bias, _any_step(recurrent_kernel, activation, recurrent_activation), 2)
    return lambda lead: cell


def _packed(weights: Array) -> Array:
    """Gates i, f, g, o -> i / 2, f / 2, o / 2, g: one tanh then serves all, as sigmoid(x) = tanh(x / 2) / 2 + 1 / 2."""
    i, f, g, o = np.split(weights, 4, axis=-1)
    half = weights.dtype.type(0.5)
    return np.concatenate([i * half, f * half, o * half, g], axis=-1)


def _tanh_step(weights: Array, lead: tuple[int, ...]) -> Step:
    """The step for tanh and sigmoid, on packed weights: ten calls of NumPy, into buffers made once."""
    units = weights.shape[-2]
    gates = np.empty((*lead, 4 * units), weights.dtype)
    squashed = np.empty((*lead, units), weights.dtype)
    i, f, o, g = (gates[..., n * units : (n + 1) * units] for n in range(4))
    # whole rows, as they lie side by side: 1/2 and 1/2 for the sigmoids, 1 and 0 for g
    factor = np.repeat(np.array([0.5, 0.5, 0.5, 1], weights.dtype), units)
    shift = np.repeat(np.array([0.5, 0.5, 0.5, 0], weights.dtype), units)

    def step(z: Array, states: States, out: Array) -> States:
        h, c = states
        np.matmul(h, weights, out=gates)
        np.add(gates, z, out=gates)
        np.tanh(gates, out=gates)
        np.multiply(gates, factor, out=gates)
        np.add(gates, shift, out=gates)
        c = f * c
        np.multiply(i, g, out=g)
        np.add(c, g, out=c)
        np.tanh(c, out=squashed)
        np.multiply(o, squashed, out=out)
        return out, c

    return step


def _any_step(weights: Array, activation: Activation, recurrent_activation: Activation) -> Step:
    """The step for any activations. Each gate is activated by itself: a softmax goes over its units."""
    units = weights.shape[-2]

    def step(z: Array, states: States, out: Array) -> States:
        h, c = states
        z += np.matmul(h, weights)
        i, f, g, o = (z[..., n * units : (n + 1) * units] for n in range(4))
        c = apply(recurrent_activation, f) * c + apply(recurrent_activation, i) * apply(activation, g)
        np.multiply(apply(recurrent_activation, o), apply(activation, c), out=out)
        return out, c

    return step
