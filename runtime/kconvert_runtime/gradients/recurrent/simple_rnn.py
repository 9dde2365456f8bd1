"""The gradient of simple_rnn."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ...registry import vjp
from ..sums import Gradients
from .through_time import Activation, States, through_time


@vjp("simple_rnn")
def simple_rnn(
    g: tuple[Array, ...], y: Any, x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None,
    mask: Array | None = None, initial_h: Array | None = None, *, activation: Any, go_backwards: bool,
    zero_output_for_mask: bool, stateful: bool,
) -> Gradients:  # fmt: skip
    """Back through h = activation(x_t kernel + bias + h recurrent_kernel)."""
    cell = _Cell(recurrent_kernel, Activation(activation))
    by_x, by_kernel, by_bias, by_initial = through_time(
        cell, g, x, kernel, bias, mask, [initial_h], len(recurrent_kernel),
        go_backwards=go_backwards, zero_output_for_mask=zero_output_for_mask,
    )  # fmt: skip
    return by_x, by_kernel, cell.gradients[0], None if bias is None else by_bias, None, *by_initial


class _Cell:
    def __init__(self, weights: Array, activation: Activation) -> None:
        self._weights, self._activation = weights, activation
        self.gradients = [np.zeros_like(weights)]

    def step(self, z: Array, states: States) -> tuple[States, Any]:
        total = z + states[0] @ self._weights
        h = self._activation(total)
        return (h,), (total, h)

    def back(self, g: States, z: Array, states: States, kept: Any) -> tuple[Array, States]:
        total, h = kept
        by_total = self._activation.back(g[0], h, total)
        self.gradients[0] += states[0].T @ by_total
        return by_total, (by_total @ self._weights.T,)
