"""Optimisers by the size of past gradients alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kconvert_schemas.dtypes import Array

from ...gradients.rows import Gradient, dense
from .base import Optimizer, Slots, square, times


@dataclass(kw_only=True)
class RMSprop(Optimizer):
    """w -= rate g / sqrt(v + epsilon) for an average v of g^2, less the square of that of g if centered."""

    elementwise: ClassVar[bool] = True
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def names(self) -> tuple[str, ...]:
        """An average of squares; one of gradients if centered; a velocity with momentum."""
        more = ("average_gradient",) if self.centered else ()
        return ("velocity", *more, *(("momentum",) if self.momentum > 0 else ()))

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, rho = w.dtype.type, w.dtype.type(self.rho)
        v = kept["velocity"]
        v *= rho
        v += real(1 - self.rho) * square(g)
        below = v + real(self.epsilon)
        if self.centered:
            average = kept["average_gradient"]
            average *= rho
            average += real(1 - self.rho) * dense(g)
            below = v - np.square(average) + real(self.epsilon)
        step = rate * dense(g) / np.sqrt(below)
        if self.momentum > 0:
            kept["momentum"] *= real(self.momentum)
            kept["momentum"] += step
            step = kept["momentum"]
        w -= step


@dataclass(kw_only=True)
class Adagrad(Optimizer):
    """w -= rate g / sqrt(sum of all g^2 so far + epsilon)."""

    elementwise: ClassVar[bool] = True
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7

    def start(self, w: Array) -> Slots:
        """Return the sum of squares as it begins."""
        return {"accumulator": np.full_like(w, self.initial_accumulator_value)}

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        kept["accumulator"] += square(g)
        w -= rate * dense(g) / np.sqrt(kept["accumulator"] + w.dtype.type(self.epsilon))


@dataclass(kw_only=True)
class Adadelta(Optimizer):
    """w -= rate g times the size of past changes over the size of past gradients."""

    elementwise: ClassVar[bool] = True
    rho: float = 0.95
    epsilon: float = 1e-7
    slots: ClassVar[tuple[str, ...]] = ("gradient", "change")

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, rho = w.dtype.type, w.dtype.type(self.rho)
        small = real(self.epsilon)
        kept["gradient"] *= rho
        kept["gradient"] += real(1 - self.rho) * square(g)
        change = times(g, -np.sqrt(kept["change"] + small) / np.sqrt(kept["gradient"] + small))
        kept["change"] *= rho
        kept["change"] += real(1 - self.rho) * square(change)
        w += rate * dense(change)


@dataclass(kw_only=True)
class Adafactor(Optimizer):
    """RMSprop with averages of g^2 by rows and by columns alone, and steps relative to the size of the weight."""

    beta_2_decay: float = -0.8
    epsilon_1: float = 1e-30
    epsilon_2: float = 1e-3
    clip_threshold: float = 1.0
    relative_step: bool = True

    def start(self, w: Array) -> Slots:
        """Return the averages of a matrix (or of matrices in the last two axes) by rows and columns, or all."""
        if w.ndim < 2:
            return {"v": np.zeros_like(w)}
        return {"r": np.zeros(w.shape[:-1], w.dtype), "c": np.zeros(w.shape[:-2] + w.shape[-1:], w.dtype)}

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, step = w.dtype.type, w.dtype.type(self.changes + 1)
        root = 1 / np.sqrt(step)
        if not callable(self.learning_rate) and self.relative_step:
            rate = min(rate, root)
        alpha = max(real(self.epsilon_2), np.sqrt(np.square(w).mean())) * min(rate, root)
        squares, beta = square(g) + real(self.epsilon_1), 1 - step ** real(self.beta_2_decay)
        for name, axis in (("r", -1), ("c", -2), ("v", ())):
            if name in kept:
                kept[name][...] = beta * kept[name] + (1 - beta) * (squares.mean(axis=axis) if axis else squares)
        if w.ndim < 2:
            v = kept["v"]
        else:
            r = kept["r"]
            v = (r / r.mean(axis=-1, keepdims=True))[..., None] * kept["c"][..., None, :]
        change = times(g, 1 / np.sqrt(v))
        size = np.sqrt(square(change).mean())
        w -= real(alpha) * (dense(change) / max(real(1), size / real(self.clip_threshold)))


@dataclass(kw_only=True)
class Ftrl(Optimizer):
    """Follow the regularised leader: weights are computed anew from the sums of all gradients, l1 makes some 0."""

    elementwise: ClassVar[bool] = True
    learning_rate_power: float = -0.5
    initial_accumulator_value: float = 0.1
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0
    l2_shrinkage_regularization_strength: float = 0.0
    beta: float = 0.0

    def start(self, w: Array) -> Slots:
        """Return the sum of squares as it begins, and the linear term."""
        return {"accumulator": np.full_like(w, self.initial_accumulator_value), "linear": np.zeros_like(w)}

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, sums, linear = w.dtype.type, kept["accumulator"], kept["linear"]
        power, l1 = real(-self.learning_rate_power), real(self.l1_regularization_strength)
        l2 = real(self.l2_regularization_strength) + real(self.beta) / (2 * rate)
        new = sums + square(g)
        linear += (
            dense(g) + real(2 * self.l2_shrinkage_regularization_strength) * w - (new**power - sums**power) / rate * w
        )
        w[...] = (np.clip(linear, -l1, l1) - linear) / (new**power / rate + 2 * l2)
        sums[...] = new
