"""The gradient of gru."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ...registry import vjp
from ..sums import Gradients
from .through_time import Activation, States, through_time


@vjp("gru")
def gru(
    g: tuple[Array, ...], y: Any, x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None,
    mask: Array | None = None, initial_h: Array | None = None, *, activation: Any, recurrent_activation: Any,
    reset_after: bool, go_backwards: bool, zero_output_for_mask: bool, stateful: bool,
) -> Gradients:  # fmt: skip
    """Back through h = z h + (1 - z) activation(g), for the gates z, r, g."""
    outer, inner = (bias[0], bias[1]) if bias is not None and reset_after else (bias, None)
    activations = Activation(activation), Activation(recurrent_activation)
    cell = _Cell(recurrent_kernel, inner, reset_after, *activations)
    by_x, by_kernel, by_bias, by_initial = through_time(
        cell, g, x, kernel, outer, mask, [initial_h], len(recurrent_kernel),
        go_backwards=go_backwards, zero_output_for_mask=zero_output_for_mask,
    )  # fmt: skip
    by_biases = by_bias if inner is None else np.stack([by_bias, cell.gradients[1]])
    return by_x, by_kernel, cell.gradients[0], None if bias is None else by_biases, None, *by_initial


class _Cell:
    """Collects the gradients of the recurrent kernel, and of the bias of its product."""

    def __init__(
        self, weights: Array, bias: Array | None, reset_after: bool, activation: Activation, gate: Activation
    ) -> None:
        self._weights, self._bias, self._after = weights, bias, reset_after
        self._acts = (gate, gate, activation)
        self.gradients = [np.zeros_like(weights), np.zeros_like(weights[0])]

    def step(self, z: Array, states: States) -> tuple[States, Any]:
        (h,), units = states, len(self._weights)
        inner = h @ (self._weights if self._after else self._weights[:, : 2 * units])
        inner = inner if self._bias is None else inner + self._bias
        before = [z[:, n * units : (n + 1) * units] + inner[:, n * units : (n + 1) * units] for n in range(2)]
        update, reset = (act(part) for act, part in zip(self._acts, before, strict=False))
        if self._after:
            product = reset * inner[:, 2 * units :]
        else:
            product = (reset * h) @ self._weights[:, 2 * units :]
        before.append(z[:, 2 * units :] + product)
        candidate = self._acts[2](before[2])
        return (update * h + (1 - update) * candidate,), (before, (update, reset, candidate), inner)

    def back(self, g: States, z: Array, states: States, kept: Any) -> tuple[Array, States]:
        (h,), units = states, len(self._weights)
        before, (update, reset, candidate), inner = kept
        by_candidate = self._acts[2].back(g[0] * (1 - update), candidate, before[2])
        by_h = g[0] * update
        if self._after:
            by_product, by_reset = by_candidate * reset, by_candidate * inner[:, 2 * units :]
        else:
            last = self._weights[:, 2 * units :]
            by_gated = by_candidate @ last.T
            self.gradients[0][:, 2 * units :] += (reset * h).T @ by_candidate
            by_product, by_reset = by_candidate, by_gated * h
            by_h = by_h + by_gated * reset
        by_gates = [
            self._acts[0].back(g[0] * (h - candidate), update, before[0]),
            self._acts[1].back(by_reset, reset, before[1]),
        ]
        by_inner = np.concatenate([*by_gates, by_product] if self._after else by_gates, axis=-1)
        width = by_inner.shape[-1]
        self.gradients[0][:, :width] += h.T @ by_inner
        self.gradients[1][:width] += by_inner.sum(axis=0)
        return np.concatenate([*by_gates, by_candidate], axis=-1), (by_h + by_inner @ self._weights[:, :width].T,)
