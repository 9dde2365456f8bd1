"""The cells of `loop.py`."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from .loop import Cell


class LstmCell(Cell):
    """c = f c + i g, h = o tanh(c); gates o, i, f, g."""

    order, inputs, recurrent, halved, rows = (3, 0, 1, 2), (1, 2, 3, 0), (1, 2, 3, 0), 3, 4

    def __init__(self, z: Array, weights: Array, states: list[Array], bias: Array | None) -> None:
        super().__init__(z, weights, states, bias)
        self.transposed = self.transposed[list(self.order)]
        self._squashed = np.empty(z.shape[1:], z.dtype)

    def step(self, t: int) -> None:
        """Write the states after step t."""
        gates, (h, c), half = self.z[:, :, t], self.states, self.z.dtype.type(0.5)
        np.matmul(h[:, t], self.weights, out=self.product)
        np.add(gates, self.product, out=gates)
        np.tanh(gates, out=gates)
        sigmoids = gates[:3]
        np.multiply(sigmoids, half, out=sigmoids)
        np.add(sigmoids, half, out=sigmoids)
        o, i, f, g = gates
        after, squashed = c[:, t + 1], self._squashed[:, t]
        np.multiply(f, c[:, t], out=after)
        np.multiply(i, g, out=self.term)
        np.add(after, self.term, out=after)
        np.tanh(after, out=squashed)
        np.multiply(o, squashed, out=h[:, t + 1])

    def slopes(self, start: int, stop: int) -> None:
        """Of h by o and c; of c by i, f and g."""
        o, i, f, g = self.z[:, :, start:stop]
        squashed, before = self._squashed[:, start:stop], self.states[1][:, start:stop]
        self._by_o = squashed * o * (1 - o)
        self._by_c = o * (1 - squashed * squashed)
        self._by_rest = np.stack([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)])

    def back(self, t: int, i: int, by_states: list[Array]) -> None:
        """Turn the gradients of h and c after step t into those before it."""
        (by_h, by_c), gates = by_states, self.by_gates[:, :, t]
        np.multiply(by_h, self._by_o[:, i], out=gates[0])
        np.multiply(by_h, self._by_c[:, i], out=self.term)
        np.add(by_c, self.term, out=by_c)
        np.multiply(by_c, self._by_rest[:, :, i], out=gates[1:])
        np.multiply(by_c, self.z[2, :, t], out=by_c)
        np.matmul(gates, self.transposed, out=self.product)
        np.add.reduce(self.product, axis=0, out=by_h)


class GruCell(Cell):
    """h = z h + (1 - z) g with g = tanh(x + r (h recurrent_kernel + bias)); by_gates: z, r, h recurrent_kernel, g."""

    order, inputs, recurrent, halved, rows = (0, 1, 2), (0, 1, 3), (0, 1, 2), 2, 4

    def __init__(self, z: Array, weights: Array, states: list[Array], bias: Array | None) -> None:
        super().__init__(z, weights, states, bias)
        self._inner = np.empty(z.shape[1:], z.dtype)
        if bias is not None:  # (directions, 1, 3 units)
            units = z.shape[-1]
            for gate in range(2):
                z[gate] += bias[:, None, :, gate * units : (gate + 1) * units] * z.dtype.type(0.5)
            self.bias = bias[..., 2 * units :]

    def step(self, t: int) -> None:
        """Write the state after step t."""
        gates, (h,), half, inner = self.z[:, :, t], self.states, self.z.dtype.type(0.5), self._inner[:, t]
        np.matmul(h[:, t], self.weights, out=self.product)
        sigmoids = gates[:2]
        np.add(sigmoids, self.product[:2], out=sigmoids)
        np.tanh(sigmoids, out=sigmoids)
        np.multiply(sigmoids, half, out=sigmoids)
        np.add(sigmoids, half, out=sigmoids)
        z, r, g = gates
        if self.bias is None:
            np.copyto(inner, self.product[2])
        else:
            np.add(self.product[2], self.bias, out=inner)
        np.multiply(r, inner, out=self.term)
        np.add(g, self.term, out=g)
        np.tanh(g, out=g)
        after = h[:, t + 1]
        np.subtract(h[:, t], g, out=after)
        np.multiply(after, z, out=after)
        np.add(after, g, out=after)

    def slopes(self, start: int, stop: int) -> None:
        """Of h by what goes into each gate."""
        z, r, g = self.z[:, :, start:stop]
        by_g = (1 - z) * (1 - g * g)
        by_inner = by_g * r
        by_r = by_inner * self._inner[:, start:stop] * (1 - r)
        self._slopes = np.stack([(self.states[0][:, start:stop] - g) * z * (1 - z), by_r, by_inner, by_g])

    def back(self, t: int, i: int, by_states: list[Array]) -> None:
        """Turn the gradient of h after step t into that before it."""
        (by_h,), gates = by_states, self.by_gates[:, :, t]
        np.multiply(by_h, self._slopes[:, :, i], out=gates)
        np.multiply(by_h, self.z[0, :, t], out=self.term)
        np.matmul(gates[:3], self.transposed, out=self.product)
        np.add.reduce(self.product, axis=0, out=by_h)
        np.add(by_h, self.term, out=by_h)


class SimpleCell(Cell):
    """h = tanh(x + h recurrent_kernel)."""

    order, inputs, recurrent, halved, rows = (0,), (0,), (0,), 0, 1

    def step(self, t: int) -> None:
        """Write the state after step t."""
        (h,) = self.states
        after = h[:, t + 1]
        np.matmul(h[:, t], self.weights[0], out=after)
        np.add(after, self.z[0, :, t], out=after)
        np.tanh(after, out=after)
        self.z[0, :, t] = after

    def slopes(self, start: int, stop: int) -> None:
        """Of h by what goes into tanh."""
        self._slopes = 1 - np.square(self.z[0, :, start:stop])

    def back(self, t: int, i: int, by_states: list[Array]) -> None:
        """Turn the gradient of h after step t into that before it."""
        by_h, gates = by_states[0], self.by_gates[0, :, t]
        np.multiply(by_h, self._slopes[:, i], out=gates)
        np.matmul(gates, self.transposed[0], out=by_h)
