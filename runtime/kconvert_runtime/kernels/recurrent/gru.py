"""gru."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ...registry import kernel
from ..activation import sigmoid
from .sequences import Activation, Cell, Packed, States, Step, apply, is_op, run_cell


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
    packed = pack(kernel, recurrent_kernel, bias, activation, recurrent_activation, reset_after)
    return run_cell(
        packed, x, recurrent_kernel.shape[0], mask, (initial_h,),
        go_backwards=go_backwards, zero_output_for_mask=zero_output_for_mask,
    )  # fmt: skip


def pack(
    kernel: Array, recurrent_kernel: Array, bias: Array | None, activation: Activation = np.tanh,
    recurrent_activation: Activation = sigmoid, reset_after: bool = True,
) -> Packed:  # fmt: skip
    """Arrange the weights of a GRU, which may have an axis of directions before their own."""
    bias, inner = _biases(bias, recurrent_kernel.shape[-2], reset_after)
    if is_op(activation, "tanh") and is_op(recurrent_activation, "sigmoid"):
        outer, weights, added = _packed(kernel), _packed(recurrent_kernel), None if bias is None else _packed(bias)
        return lambda lead: Cell(outer, added, _tanh_step(weights, inner, reset_after, lead), 1)
    step = _any_step(recurrent_kernel, inner, reset_after, activation, recurrent_activation)
    cell = Cell(kernel, bias, step, 1)
    return lambda lead: cell


def _biases(bias: Array | None, units: int, reset_after: bool) -> tuple[Array | None, Array | None]:
    """Return the bias to add once to the projected inputs, and that of h recurrent_kernel for the gate g."""
    if bias is None or not reset_after:
        return bias, None
    outer = bias[..., 0, :].copy()
    outer[..., : 2 * units] += bias[..., 1, : 2 * units]
    return outer, bias[..., 1:, 2 * units :]


def _packed(weights: Array) -> Array:
    """Gates z, r, g -> z / 2, r / 2, g, as sigmoid(x) = tanh(x / 2) / 2 + 1 / 2."""
    packed = weights.copy()
    units = weights.shape[-1] // 3
    packed[..., : 2 * units] *= weights.dtype.type(0.5)
    return packed


def _tanh_step(weights: Array, inner: Array | None, reset_after: bool, lead: tuple[int, ...]) -> Step:
    """The step for tanh and sigmoid, on packed weights, into buffers made once."""
    units, half = weights.shape[-2], weights.dtype.type(0.5)
    first, second = np.ascontiguousarray(weights[..., : 2 * units]), np.ascontiguousarray(weights[..., 2 * units :])
    buffer = np.empty((*lead, (3 if reset_after else 2) * units), weights.dtype)
    g = buffer[..., 2 * units :] if reset_after else np.empty((*lead, units), weights.dtype)
    zr, z, r = buffer[..., : 2 * units], buffer[..., :units], buffer[..., units : 2 * units]

    def step(x: Array, states: States, out: Array) -> States:
        (h,) = states
        np.matmul(h, weights if reset_after else first, out=buffer)
        np.add(zr, x[..., : 2 * units], out=zr)
        np.tanh(zr, out=zr)
        np.multiply(zr, half, out=zr)
        np.add(zr, half, out=zr)
        if not reset_after:
            np.matmul(r * h, second, out=g)
        else:
            if inner is not None:
                np.add(g, inner, out=g)
            np.multiply(g, r, out=g)
        np.add(g, x[..., 2 * units :], out=g)
        np.tanh(g, out=g)
        np.subtract(h, g, out=out)  # z h + (1 - z) g = g + z (h - g)
        np.multiply(out, z, out=out)
        np.add(out, g, out=out)
        return (out,)

    return step


def _any_step(
    weights: Array, inner: Array | None, reset_after: bool, activation: Activation, recurrent_activation: Activation
) -> Step:
    """The step for any activations. Each gate is activated by itself: a softmax goes over its units."""
    units = weights.shape[-2]
    first, second = weights[..., : 2 * units], weights[..., 2 * units :]

    def step(x: Array, states: States, out: Array) -> States:
        (h,) = states
        zr = x[..., : 2 * units] + np.matmul(h, first)
        z, r = apply(recurrent_activation, zr[..., :units]), apply(recurrent_activation, zr[..., units:])
        if not reset_after:
            g = np.matmul(r * h, second)
        else:
            g = np.matmul(h, second)
            g = r * (g if inner is None else g + inner)
        g = apply(activation, x[..., 2 * units :] + g)
        np.add(z * h, (1 - z) * g, out=out)
        return (out,)

    return step
