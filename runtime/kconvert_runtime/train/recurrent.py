"""SimpleRNN, LSTM and GRU with dropout inside, forward and back: one choice of elements for all steps.

keras/src/layers/rnn/dropout_rnn_cell.py. A choice is made for each gate, or one for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..gradients.recurrent.through_time import Activation, time_major_back
from ..gradients.sums import fitted
from ..kernels.recurrent.projection import arranged_mask, time_major
from ..kernels.recurrent.sequences import initial, masked_outputs

Draw = Callable[[tuple[int, ...], float], Array]
"""(shape, rate) -> factors: 0 with probability rate, else 1 / (1 - rate)."""


class Product:
    """x kernel where elements of x are dropped, and the gradients of both. factors: (choices, batch, features)."""

    def __init__(self, kernel: Array, gradient: Array, factors: Array | None) -> None:
        self._factors, self.gradient = factors, gradient
        parts = 1 if factors is None else len(factors)
        self._kernels, self._gradients = (np.split(array, parts, axis=1) for array in (kernel, gradient))
        self._kernel = kernel

    def gates(self, start: int, stop: int, count: int) -> Product:
        """Return the product for some of so many gates, whose gradient is collected in that of all."""
        width, factors = self._kernel.shape[1] // count, self._factors
        columns = slice(start * width, stop * width)
        chosen = factors if factors is None or len(factors) == 1 else factors[start:stop]
        return Product(self._kernel[:, columns], self.gradient[:, columns], chosen)

    def __call__(self, x: Array) -> Array:
        """x (..., batch, features) -> (..., batch, width)."""
        return np.concatenate([self._dropped(x, i) @ k for i, k in enumerate(self._kernels)], axis=-1)

    def back(self, g: Array, x: Array) -> Array:
        """Collect the gradient of the kernel; returns that of x."""
        total = np.zeros_like(x)
        for i, by in enumerate(np.split(g, len(self._kernels), axis=-1)):
            given = self._dropped(x, i).reshape(-1, x.shape[-1])
            self._gradients[i] += given.T @ by.reshape(len(given), -1)
            total += self._dropped(by @ self._kernels[i].T, i)
        return total

    def _dropped(self, x: Array, i: int) -> Array:
        return x if self._factors is None else x * self._factors[i]


def dropped_pair(op: str, rates: tuple[float, float], gates: int, draw: Draw) -> Callable[..., Any]:
    """Return the pair of a recurrent op with dropout of its inputs and states, at these rates."""

    def pair(
        wanted: Any, x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None,
        mask: Array | None = None, *states: Array | None, go_backwards: bool, zero_output_for_mask: bool,
        stateful: bool = False, **attrs: Any,
    ) -> Any:  # fmt: skip
        batch, units = len(x), len(recurrent_kernel)
        sizes = (x.shape[-1], units)
        factors = [draw((gates, batch, n), rate) if rate else None for n, rate in zip(sizes, rates, strict=True)]
        inputs = Product(kernel, np.zeros_like(kernel), factors[0])
        inner = Product(recurrent_kernel, np.zeros_like(recurrent_kernel), factors[1])
        cell = CELLS[op](inner, bias, attrs)
        steps = time_major(x, go_backwards)
        arranged = None if mask is None else arranged_mask(mask, go_backwards)
        given = [*states, *[None] * (cell.states - len(states))]
        started = tuple(initial(state, x, units) for state in given)
        projected = inputs(steps)
        z = projected if cell.bias is None else projected + cell.bias
        before, kept, sequence, final = _forward(cell, z, started, arranged)
        shown = masked_outputs(sequence, arranged, zero_output_for_mask, given[0] is not None)

        def back(*g: Array) -> Any:
            by_z, by_states = _back(cell, g, z, before, kept, arranged, zero_output_for_mask)
            by_x = time_major_back(inputs.back(by_z, np.ascontiguousarray(steps)), go_backwards)
            by_bias = None if bias is None else cell.by_bias(by_z.sum(axis=(0, 1)))
            by_initial = [None if s is None else fitted(by, s) for s, by in zip(given, by_states, strict=True)]
            return by_x, inputs.gradient, inner.gradient, by_bias, None, *by_initial

        return (shown.swapaxes(0, 1), shown[-1], *final), lambda *g: back(*_filled(g, shown, final))

    return pair


def _filled(g: Sequence[Array | None], sequence: Array, final: Sequence[Array]) -> list[Array]:
    like = [sequence.swapaxes(0, 1), sequence[-1], *final]
    return [np.zeros_like(y) if one is None else one for one, y in zip(g, like, strict=True)]


def _forward(cell: Any, z: Array, states: tuple[Array, ...], mask: Array | None) -> tuple[Any, Any, Array, Any]:
    if not len(z):
        raise ValueError("the sequence has no time steps")
    before, kept, outputs = [], [], []
    for step in range(len(z)):
        before.append(states)
        new, held = cell.step(z[step], states)
        kept.append(held)
        if mask is not None:
            new = tuple(np.where(mask[step], fresh, stale) for fresh, stale in zip(new, states, strict=True))
        states = new
        outputs.append(states[0])
    return before, kept, np.stack(outputs), states


def _back(
    cell: Any, g: Sequence[Array], z: Array, before: list[Any], kept: list[Any], mask: Array | None, zero: bool
) -> tuple[Array, tuple[Array, ...]]:
    by_sequence, by_last, *by_final = g
    shown = None if mask is None else (mask if zero else np.logical_or.accumulate(mask, axis=0))
    by_z, by_states = np.empty_like(z), tuple(by_final)
    for step in range(len(z) - 1, -1, -1):
        by_y = by_sequence[:, step] + by_last if step == len(z) - 1 else by_sequence[:, step]
        by_y = by_y if shown is None else np.where(shown[step], by_y, 0)
        by_states = (by_states[0] + by_y, *by_states[1:])
        m = True if mask is None else mask[step]
        fresh = tuple(np.where(m, by, 0).astype(by.dtype) for by in by_states)
        by_z[step], old = cell.back(fresh, before[step], kept[step])
        by_states = tuple(by + np.where(m, 0, all_by) for by, all_by in zip(old, by_states, strict=True))
    return by_z, by_states


class _Simple:
    states = 1

    def __init__(self, inner: Product, bias: Array | None, attrs: Any) -> None:
        self._inner, self.bias, self._activation = inner, bias, Activation(attrs["activation"])

    def by_bias(self, by_z: Array) -> Array:
        return by_z

    def step(self, z: Array, states: Any) -> Any:
        total = z + self._inner(states[0])
        h = self._activation(total)
        return (h,), (total, h)

    def back(self, g: Any, states: Any, kept: Any) -> Any:
        total, h = kept
        by_total = self._activation.back(g[0], h, total)
        return by_total, (self._inner.back(by_total, states[0]),)


class _Lstm(_Simple):
    states = 2

    def __init__(self, inner: Product, bias: Array | None, attrs: Any) -> None:
        super().__init__(inner, bias, attrs)
        gate = Activation(attrs["recurrent_activation"])
        self._acts = (gate, gate, self._activation, gate)

    def step(self, z: Array, states: Any) -> Any:
        h, c = states
        before = np.split(z + self._inner(h), 4, axis=-1)
        i, f, g, o = gates = [act(part) for act, part in zip(self._acts, before, strict=True)]
        c = f * c + i * g
        squashed = self._activation(c)
        return (o * squashed, c), (before, gates, c, squashed)

    def back(self, g: Any, states: Any, kept: Any) -> Any:
        before, (i, f, candidate, o), c, squashed = kept
        by_c = g[1] + self._activation.back(g[0] * o, squashed, c)
        by_gates = (by_c * candidate, by_c * states[1], by_c * i, g[0] * squashed)
        steps = zip(self._acts, by_gates, (i, f, candidate, o), before, strict=True)
        by_total = np.concatenate([act.back(by, y, x) for act, by, y, x in steps], axis=-1)
        return by_total, (self._inner.back(by_total, states[0]), by_c * f)


class _Gru(_Simple):
    def __init__(self, inner: Product, bias: Array | None, attrs: Any) -> None:
        super().__init__(inner, bias, attrs)
        self._gate, self._after = Activation(attrs["recurrent_activation"]), attrs["reset_after"]
        both = bias is not None and self._after
        self.bias = bias[0] if both and bias is not None else bias
        self._inner_bias: Array | None = bias[1] if both and bias is not None else None
        self._by_inner_bias = np.zeros_like(inner.gradient[0])
        self._gates, self._last = inner.gates(0, 2, 3), inner.gates(2, 3, 3)

    def by_bias(self, by_z: Array) -> Array:
        return by_z if self._inner_bias is None else np.stack([by_z, self._by_inner_bias])

    def step(self, z: Array, states: Any) -> Any:
        (h,), units = states, z.shape[-1] // 3
        inner = self._gates(h)
        if self._inner_bias is not None:
            inner = inner + self._inner_bias[: 2 * units]
        before = [z[:, :units] + inner[:, :units], z[:, units : 2 * units] + inner[:, units:]]
        update, reset = (self._gate(part) for part in before)
        if self._after:
            last = self._last(h)
            last = last if self._inner_bias is None else last + self._inner_bias[2 * units :]
            before.append(z[:, 2 * units :] + reset * last)
        else:
            last = reset * h
            before.append(z[:, 2 * units :] + self._last(last))
        candidate = self._activation(before[2])
        return (update * h + (1 - update) * candidate,), (before, update, reset, candidate, last)

    def back(self, g: Any, states: Any, kept: Any) -> Any:
        (h,), (before, update, reset, candidate, last) = states, kept
        by_candidate = self._activation.back(g[0] * (1 - update), candidate, before[2])
        by_h = g[0] * update
        if self._after:
            by_last, by_reset = by_candidate * reset, by_candidate * last
            by_h = by_h + self._last.back(by_last, h)
        else:
            by_last = by_candidate
            by_gated = self._last.back(by_candidate, last)
            by_reset, by_h = by_gated * h, by_h + by_gated * reset
        by_gates = np.concatenate([
            self._gate.back(g[0] * (h - candidate), update, before[0]),
            self._gate.back(by_reset, reset, before[1]),
        ], axis=-1)  # fmt: skip
        self._by_inner_bias += np.concatenate([by_gates, by_last], axis=-1).sum(axis=0)
        return np.concatenate([by_gates, by_candidate], axis=-1), (by_h + self._gates.back(by_gates, h),)


CELLS: dict[str, Any] = {"simple_rnn": _Simple, "lstm": _Lstm, "gru": _Gru}
