"""simple_rnn."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ...calls import Do
from ...registry import kernel
from .cells import Activation, Cell, Packed, Step, apply, is_op, product_with, stacked, with_bias
from .sequences import run_cell


@kernel("simple_rnn")
def simple_rnn(
    x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None, mask: Array | None = None,
    initial_h: Array | None = None, *, activation: Activation = np.tanh, go_backwards: bool = False,
    zero_output_for_mask: bool = False, stateful: bool = False,
) -> tuple[Array, ...]:  # fmt: skip
    """At each step h = activation(x_t kernel + bias + h recurrent_kernel) (keras/src/layers/rnn/simple_rnn.py).

    x (batch, time, n), kernel (n, u), recurrent_kernel (u, u), bias (u) -> sequence (batch, time, u), last, h.
    """
    packed = pack(*stacked([(kernel, recurrent_kernel, bias)]), activation)
    return run_cell(packed, x, mask, (initial_h,), backwards=(go_backwards,), zero_output_for_mask=zero_output_for_mask)


def pack(kernel: Array, recurrent_kernel: Array, bias: Array | None, activation: Activation = np.tanh) -> Packed:
    """Arrange the weights of a simple RNN, which have an axis of directions before their own."""
    outer, units = with_bias(kernel, bias)[None], recurrent_kernel.shape[-1]
    return lambda batch: Cell(outer, _step(recurrent_kernel, batch, activation), units)


def _step(weights: Array, batch: int, activation: Activation) -> Step:
    in_place, recur = is_op(activation, "tanh"), product_with(weights, batch)

    def step(do: Do, z: Array, h: Array, out: Array) -> None:
        recur(do, h, out)
        do(np.add, out, z[0], out=out)
        if in_place:
            do(np.tanh, out, out=out)
        elif activation is not None:
            out[...] = apply(activation, do.contents(out))

    return step
