"""The gradient of lstm."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ...registry import vjp
from ..sums import Gradients
from .through_time import Activation, States, through_time


@vjp("lstm")
def lstm(
    g: tuple[Array, ...], y: Any, x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None,
    mask: Array | None = None, initial_h: Array | None = None, initial_c: Array | None = None, *, activation: Any,
    recurrent_activation: Any, go_backwards: bool, zero_output_for_mask: bool, stateful: bool,
) -> Gradients:  # fmt: skip
    """Back through c = f c + i activation(g), h = o activation(c), for the gates i, f, g, o."""
    cell = _Cell(recurrent_kernel, Activation(activation), Activation(recurrent_activation))
    by_x, by_kernel, by_bias, by_initial = through_time(
        cell, g, x, kernel, bias, mask, [initial_h, initial_c], len(recurrent_kernel),
        go_backwards=go_backwards, zero_output_for_mask=zero_output_for_mask,
    )  # fmt: skip
    return by_x, by_kernel, cell.gradients[0], None if bias is None else by_bias, None, *by_initial


class _Cell:
    def __init__(self, weights: Array, activation: Activation, gate: Activation) -> None:
        self._weights, self._activation = weights, activation
        self._acts = (gate, gate, activation, gate)
        self.gradients = [np.zeros_like(weights)]

    def step(self, z: Array, states: States) -> tuple[States, Any]:
        h, c = states
        before = np.split(z + h @ self._weights, 4, axis=-1)
        i, f, g, o = gates = [act(part) for act, part in zip(self._acts, before, strict=True)]
        c = f * c + i * g
        squashed = self._activation(c)
        return (o * squashed, c), (before, gates, c, squashed)

    def back(self, g: States, z: Array, states: States, kept: Any) -> tuple[Array, States]:
        before, (i, f, candidate, o), c, squashed = kept
        by_c = g[1] + self._activation.back(g[0] * o, squashed, c)
        by_gates = (by_c * candidate, by_c * states[1], by_c * i, g[0] * squashed)
        steps = zip(self._acts, by_gates, (i, f, candidate, o), before, strict=True)
        by_total = np.concatenate([act.back(by, y, x) for act, by, y, x in steps], axis=-1)
        self.gradients[0] += states[0].T @ by_total
        return by_total, (by_total @ self._weights.T, by_c * f)
