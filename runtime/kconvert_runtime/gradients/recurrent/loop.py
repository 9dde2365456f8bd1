"""Recurrent ops forward and back, in the loop of their kernels, for the activations that their layers have by default.

Arrays are (gates, directions, time, batch, units), states (directions, time + 1, batch, units), from the initial one
on. Two directions run in one loop, each in the order of its own steps. What is the same for all steps is one product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

from kconvert_schemas.check import unary_call
from kconvert_schemas.dtypes import Array

from ...kernels.recurrent.cells import by_gate
from ...kernels.recurrent.projection import arranged_mask, time_major
from ...kernels.recurrent.sequences import initial, masked_outputs
from ..shared import gram, product
from ..sums import Gradients, fitted

Weights: TypeAlias = tuple[Array, Array, "Array | None"]
"""The kernel, the recurrent kernel and the bias of one direction."""
CHUNK = 8
"""Steps whose slopes are computed at a time, so that they are in the cache when they are used."""


class Cell:
    """A cell over a whole sequence: it keeps what `back` needs.

    order: which gate of the weights each gate here is. inputs, recurrent: for each gate of the weights, where in
    `by_gates` the gradient stands of what the inputs, and the states, add to it. halved: how many gates come first that
    are sigmoids, whose weights and inputs are halved: sigmoid(x) = tanh(x / 2) / 2 + 1 / 2.
    """

    order: ClassVar[tuple[int, ...]]
    inputs: ClassVar[tuple[int, ...]]
    recurrent: ClassVar[tuple[int, ...]]
    halved: ClassVar[int]
    rows: ClassVar[int]

    def __init__(self, z: Array, weights: Array, states: list[Array], bias: Array | None) -> None:
        """z: the projected inputs, which become the gates; weights: (gates, directions, units, units)."""
        self.z, self.states = z, states
        self.weights = weights[list(self.order)]
        self.weights[: self.halved] *= z.dtype.type(0.5)
        self.transposed = np.ascontiguousarray(weights.swapaxes(-1, -2))
        self.product = np.empty((len(z), *z.shape[1:2], *z.shape[3:]), z.dtype)
        self.term = np.empty_like(self.product[0])
        self.bias = bias
        self.by_gates = np.empty(0)

    def step(self, t: int) -> None:
        """Write the states after step t."""
        raise NotImplementedError

    def slopes(self, start: int, stop: int) -> None:
        """Compute what gradients are multiplied by at these steps."""
        raise NotImplementedError

    def back(self, t: int, i: int, by_states: list[Array]) -> None:
        """Turn the gradients of the states after step t, number i of those of `slopes`, into those before it."""
        raise NotImplementedError


def ready(*activations: tuple[Any, str]) -> bool:
    """Tell whether all activations are the ones that a cell is made for."""
    return all(named is not None and unary_call(named)[0].name == name and not unary_call(named)[1]
               for named, name in activations)  # fmt: skip


def run(
    kind: type[Cell], x: Array, weights: Sequence[Weights], mask: Array | None, states: Sequence[Array | None],
    backwards: Sequence[bool], zero_output_for_mask: bool,
) -> tuple[tuple[Array, ...], Callable[..., list[Gradients]]]:  # fmt: skip
    """Return what the op gives in each direction, and the way back: for each the gradients of x, weights and states."""
    loop = _Loop(kind, x, weights, mask, states, backwards)
    outputs = loop.forward(zero_output_for_mask)
    return outputs, lambda *g: loop.back(g, zero_output_for_mask)


class _Loop:
    def __init__(
        self, kind: type[Cell], x: Array, weights: Sequence[Weights], mask: Array | None,
        states: Sequence[Array | None], backwards: Sequence[bool],
    ) -> None:  # fmt: skip
        self._x, self._weights, self._given, self._backwards = x, weights, states, backwards
        batch, time, features = x.shape
        if not time:
            raise ValueError("the sequence has no time steps")
        directions, units = len(weights), weights[0][1].shape[0]
        self._mask = None if mask is None else np.stack(
            [arranged_mask(mask, backward) for backward in backwards], axis=1
        )  # fmt: skip
        self._frozen = _frozen(self._mask, time)
        self._steps = [
            np.ascontiguousarray(time_major(x, backward)).reshape(time * batch, features) for backward in backwards
        ]
        z = np.empty((len(kind.order), directions, time, batch, units), x.dtype)
        for direction, (kernel, _, bias) in enumerate(weights):
            self._project(kind, z[:, direction], product(self._steps[direction], kernel), bias)
        held = [np.empty((directions, time + 1, batch, units), x.dtype) for _ in states]
        for array, state in zip(held, states, strict=True):
            array[:, 0] = initial(state, x, units)
        recurrent = by_gate(np.stack([one[1] for one in weights]), len(kind.order))
        inner = [bias[1:] for _, _, bias in weights if bias is not None and bias.ndim == 2]
        self._cell = kind(z, recurrent, held, np.stack(inner) if inner else None)

    def _project(self, kind: type[Cell], z: Array, projected: Array, bias: Array | None) -> None:
        """Write projected inputs (time batch, width) to their gates, with the bias, sigmoids' halved."""
        units = z.shape[-1]
        outer = None if bias is None else bias[0] if bias.ndim == 2 else bias
        for i, gate in enumerate(kind.order):
            part = slice(gate * units, (gate + 1) * units)
            target = z[i].reshape(projected.shape[0], units)
            if outer is None:
                np.copyto(target, projected[:, part])
            else:
                np.add(projected[:, part], outer[part], out=target)
        z[: kind.halved] *= z.dtype.type(0.5)

    def forward(self, zero: bool) -> tuple[Array, ...]:
        cell = self._cell
        for t, kept in enumerate(self._frozen):
            cell.step(t)
            if kept is not None:
                for state in cell.states:
                    np.copyto(state[:, t + 1], state[:, t], where=kept)
        sequence = cell.states[0][:, 1:].swapaxes(0, 1)
        outputs = masked_outputs(sequence, self._mask, zero, self._given[0] is not None)
        ends = [outputs[-1].copy(), *(state[:, -1].copy() for state in cell.states)]
        return tuple(
            array
            for direction in range(len(self._weights))
            for array in (outputs[:, direction].swapaxes(0, 1), *(end[direction] for end in ends))
        )

    def back(self, g: Sequence[Array | None], zero: bool) -> list[Gradients]:
        cell, count = self._cell, len(self._cell.states) + 2
        given = [g[i * count : (i + 1) * count] for i in range(len(self._weights))]
        by_y = self._by_outputs(given, zero)
        by_states = [np.zeros_like(cell.states[0][:, 0]) for _ in cell.states]
        for direction, parts in enumerate(given):
            for total, part in zip(by_states, parts[2:], strict=True):
                if part is not None:
                    total[direction] = part
        cell.by_gates = np.empty((cell.rows, *cell.z.shape[1:]), cell.z.dtype)
        start = time = cell.z.shape[2]
        for t in range(time - 1, -1, -1):
            if t < start:
                start = max(t + 1 - CHUNK, 0)
                cell.slopes(start, t + 1)
            by_states[0] += by_y[:, t] if by_y.shape[1] == time else by_y[:, 0] if t == time - 1 else 0
            kept = self._frozen[t]
            stale = [] if kept is None else [by * kept for by in by_states]
            for by, rest in zip(by_states, stale, strict=False):
                by -= rest
            cell.back(t, t - start, by_states)
            for by, rest in zip(by_states, stale, strict=False):
                by += rest
        return [self._gradients(direction, by_states) for direction in range(len(self._weights))]

    def _by_outputs(self, given: Sequence[Sequence[Array | None]], zero: bool) -> Array:
        """Return the gradient of the outputs (directions, time, batch, units); of the last alone where that is all."""
        shape = self._cell.states[0][:, 1:].shape
        whole = any(parts[0] is not None for parts in given)
        by_y = np.zeros(shape, self._cell.z.dtype)[:, 0 if whole else -1 :]
        for direction, parts in enumerate(given):
            by_sequence, by_last = parts[0], parts[1]
            if by_sequence is not None:
                by_y[direction] = by_sequence.swapaxes(0, 1)
            if by_last is not None:
                by_y[direction, -1] += by_last
        if self._mask is not None:
            shown = self._mask if zero else np.logical_or.accumulate(self._mask, axis=0)
            by_y *= shown[-by_y.shape[1] :].swapaxes(0, 1)
        return by_y

    def _gradients(self, direction: int, by_states: list[Array]) -> Gradients:
        """Return the gradients of x, kernel, recurrent kernel, bias, mask and initial states, each one product."""
        cell, (kernel, _, bias) = self._cell, self._weights[direction]
        by_inputs, by_inner = (self._rows(direction, rows) for rows in (cell.inputs, cell.recurrent))
        before = cell.states[0][direction, :-1]
        by_x = product(by_inputs, kernel.T).reshape(*before.shape[:2], -1)
        by_x = (by_x[::-1] if self._backwards[direction] else by_x).swapaxes(0, 1)
        by_bias = None
        if bias is not None:
            sums = by_inputs.sum(axis=0)
            by_bias = sums if bias.ndim == 1 else np.stack([sums, by_inner.sum(axis=0)])
        by_given = [
            None if state is None else fitted(by[direction], state)
            for state, by in zip(self._given, by_states, strict=True)
        ]
        rows = before.reshape(-1, before.shape[-1])
        return by_x, gram(self._steps[direction], by_inputs), gram(rows, by_inner), by_bias, None, *by_given

    def _rows(self, direction: int, gates: Sequence[int]) -> Array:
        """Return gradients as a matrix (time batch, width), its columns in the order of the weights."""
        chosen = self._cell.by_gates[list(gates), direction]
        return np.ascontiguousarray(np.moveaxis(chosen, 0, 2)).reshape(-1, len(gates) * chosen.shape[-1])


def _frozen(mask: Array | None, time: int) -> Sequence[Array | None]:
    """For each step return where states are kept, None for a step at which none is."""
    if mask is None:
        return [None] * time
    kept = ~mask
    found = np.asarray(kept.any(axis=tuple(range(1, kept.ndim))))
    return [rows if some else None for rows, some in zip(kept, found.tolist(), strict=True)]
