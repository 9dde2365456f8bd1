"""gru."""

from __future__ import annotations

from functools import partial

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Do
from ...registry import kernel
from ..activation import sigmoid
from .cells import (
    Activation,
    Cell,
    Packed,
    Step,
    apply,
    by_gate,
    gates_of,
    is_op,
    product_with,
    stacked,
    tanh_cells,
    with_bias,
)
from .sequences import run_cell


@kernel("gru")
def gru(
    x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None, mask: Array | None = None,
    initial_h: Array | None = None, *, activation: Activation = np.tanh, recurrent_activation: Activation = sigmoid,
    reset_after: bool = True, go_backwards: bool = False, zero_output_for_mask: bool = False, stateful: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """At each step h = z h + (1 - z) activation(g), gates z, r, g (keras/src/layers/rnn/gru.py).

    g is x_t kernel + r (h recurrent_kernel) with reset_after, else x_t kernel + (r h) recurrent_kernel.
    x (batch, time, n), kernel (n, 3u), recurrent_kernel (u, 3u), bias (3u), or (2, 3u) with reset_after, for the
    two products -> sequence (batch, time, u), last, h.
    """
    packed = pack(*stacked([(kernel, recurrent_kernel, bias)]), activation, recurrent_activation, reset_after)
    return run_cell(packed, x, mask, (initial_h,), backwards=(go_backwards,), zero_output_for_mask=zero_output_for_mask)


def pack(
    kernel: Array, recurrent_kernel: Array, bias: Array | None, activation: Activation = np.tanh,
    recurrent_activation: Activation = sigmoid, reset_after: bool = True,
) -> Packed:  # fmt: skip
    """Arrange the weights of a GRU, which have an axis of directions before their own."""
    bias, added = _biases(bias, recurrent_kernel.shape[-2], reset_after)
    outer, inner = by_gate(with_bias(kernel, bias), 3), by_gate(recurrent_kernel, 3)
    if is_op(activation, "tanh") and is_op(recurrent_activation, "sigmoid"):
        half = inner.dtype.type(0.5)  # sigmoid(x) = (tanh(x / 2) + 1) / 2; g is made of 2 r and half the weights
        outer[:2] *= half
        return tanh_cells(
            outer, inner * half, partial(_tanh_cell, None if added is None else added * half, reset_after)
        )
    step = _any_step(inner, added, reset_after, activation, recurrent_activation)
    return lambda batch: Cell(outer, step, inner.shape[-1])


def _biases(bias: Array | None, units: int, reset_after: bool) -> tuple[Array | None, Array | None]:
    """Return the bias to add once to the projected inputs, and that of h recurrent_kernel for the gate g."""
    if bias is None or not reset_after:
        return bias, None
    outer = bias[..., 0, :].copy()
    outer[..., : 2 * units] += bias[..., 1, : 2 * units]
    return outer, bias[..., 1:, 2 * units :]


def _tanh_cell(added: Array | None, reset_after: bool, outer: Array, inner: Array, batch: int) -> Cell:
    """The cell for tanh and sigmoid, on packed weights, in memory made once."""
    apart, directions, _, width = inner.shape
    half, one = (inner.dtype.type(number) for number in (0.5, 1))
    every = np.empty((apart, directions, batch, width), inner.dtype)
    zr, (z, r, g) = gates_of(every, 3)[:2], gates_of(every, 3)
    parts = [inner] if reset_after else [gates_of(inner, 3)[:2], gates_of(inner, 3)[2]]
    recur, *recur_g = (product_with(part, batch) for part in parts)

    def step(do: Do, x: Array, h: Array, out: Array) -> None:
        x = gates_of(x, 3)
        recur(do, h, every if reset_after else zr)
        do(np.add, zr, x[:2], out=zr)
        do(np.tanh, zr, out=zr)
        do(np.add, zr, one, out=zr)  # twice as large as they are to be
        if not reset_after:
            do(np.multiply, r, h, out=r)
            recur_g[0](do, r, g)
        else:
            if added is not None:
                do(np.add, g, added, out=g)
            do(np.multiply, g, r, out=g)
        do(np.add, g, x[2], out=g)
        do(np.tanh, g, out=g)
        do(np.subtract, h, g, out=out)  # z h + (1 - z) g = g + z (h - g)
        do(np.multiply, z, half, out=z)
        do(np.multiply, out, z, out=out)
        do(np.add, out, g, out=out)

    return Cell(outer, step, g.shape[-1])


def _any_step(
    weights: Array, added: Array | None, reset_after: bool, activation: Activation, recurrent_activation: Activation
) -> Step:
    """The step for any activations. Each gate is activated by itself: a softmax goes over its units."""

    def step(do: Do, x: Array, h: Array, out: Array) -> None:
        h = do.contents(h)
        z, r = (apply(recurrent_activation, gate) for gate in x[:2] + np.matmul(h, weights[:2]))
        if not reset_after:
            g = np.matmul(r * h, weights[2])
        else:
            g = np.matmul(h, weights[2])
            g = r * (g if added is None else g + added)
        g = apply(activation, x[2] + g)
        np.add(z * h, (1 - z) * g, out=out)

    return step
