"""Optimisers by averages of the gradient: SGD with momentum, Adam and its kin, Lion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kconvert_schemas.dtypes import Array

from ...gradients.rows import Gradient, dense
from .base import Optimizer, Schedule, Slots, each, fade, square


@dataclass(kw_only=True)
class SGD(Optimizer):
    """w -= rate g; with momentum, w += v for v = momentum v - rate g."""

    elementwise: ClassVar[bool] = True
    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def names(self) -> tuple[str, ...]:
        """A velocity, with momentum."""
        return ("momentum",) if self.momentum else ()

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        step = dense(g) * rate
        if not self.momentum:
            w -= step
            return
        v, momentum = kept["momentum"], w.dtype.type(self.momentum)
        v *= momentum
        v -= step
        w += v * momentum - step if self.nesterov else v


@dataclass(kw_only=True)
class Adam(Optimizer):
    """w -= rate' m / (sqrt(v) + epsilon), for averages m of g and v of g^2, rate' corrected for their start at 0."""

    elementwise: ClassVar[bool] = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def names(self) -> tuple[str, ...]:
        """Two averages; with amsgrad the largest of the second."""
        return ("momentum", "velocity", *(("velocity_hat",) if self.amsgrad else ()))

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, step = w.dtype.type, self.changes + 1
        alpha = rate * np.sqrt(1 - real(self.beta_2) ** real(step)) / (1 - real(self.beta_1) ** real(step))
        m, v = kept["momentum"], kept["velocity"]
        fade(m, dense(g), real(1 - self.beta_1))
        fade(v, square(g), real(1 - self.beta_2))
        if self.amsgrad:
            v = np.maximum(kept["velocity_hat"], v, out=kept["velocity_hat"])
        change = np.sqrt(v)
        change += real(self.epsilon)
        np.divide(m, change, out=change)
        change *= real(alpha)
        w -= change


@dataclass(kw_only=True)
class AdamW(Adam):
    """Adam with weight decay."""

    weight_decay: float | None = 0.004


@dataclass(kw_only=True)
class Adamax(Optimizer):
    """Adam with the largest |g| so far, which fades, in place of sqrt(v)."""

    elementwise: ClassVar[bool] = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    slots: ClassVar[tuple[str, ...]] = ("m", "u")

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real = w.dtype.type
        m, u = kept["m"], kept["u"]
        fade(m, dense(g), real(1 - self.beta_1))
        np.maximum(real(self.beta_2) * u, dense(each(g, np.abs)), out=u)
        start = 1 - real(self.beta_1) ** real(self.changes + 1)
        w -= rate * m / (start * (u + real(self.epsilon)))


@dataclass(kw_only=True)
class Nadam(Optimizer):
    """Adam with Nesterov momentum."""

    elementwise: ClassVar[bool] = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    slots: ClassVar[tuple[str, ...]] = ("momentum", "velocity")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._product = 0, np.float32(1)

    def _momentum(self, step: int) -> Any:
        return np.float32(self.beta_1) * (np.float32(1) - np.float32(0.5) * np.float32(0.96) ** np.float32(step))

    def _product_of(self, step: int) -> Any:
        """Return the product of the momenta of all steps up to this one."""
        done, product = self._product if self._product[0] <= step else (0, np.float32(1))
        for i in range(done + 1, step + 1):
            product = product * self._momentum(i)
        self._product = step, product
        return product

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, step = w.dtype.type, self.changes + 1
        now, later, product = self._momentum(step), self._momentum(step + 1), self._product_of(step)
        m, v = kept["momentum"], kept["velocity"]
        fade(m, dense(g), real(1 - self.beta_1))
        fade(v, square(g), real(1 - self.beta_2))
        m_hat = later * m / (1 - product * later) + (1 - now) * dense(g) / (1 - product)
        v_hat = v / (1 - real(self.beta_2) ** real(step))
        w -= (m_hat * rate / (np.sqrt(v_hat) + real(self.epsilon))).astype(w.dtype)


@dataclass(kw_only=True)
class Lion(Optimizer):
    """w -= rate times the sign of a mean of the gradient and its average."""

    elementwise: ClassVar[bool] = True
    beta_1: float = 0.9
    beta_2: float = 0.99
    slots: ClassVar[tuple[str, ...]] = ("momentum",)

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, m, g = w.dtype.type, kept["momentum"], dense(g)
        w -= rate * np.sign(m * real(self.beta_1) + g * real(1 - self.beta_1))
        m *= real(self.beta_2)
        m += g * real(1 - self.beta_2)


@dataclass(kw_only=True)
class Lamb(Optimizer):
    """Adam whose step is as long as learning_rate times the weight itself."""

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    slots: ClassVar[tuple[str, ...]] = ("momentum", "velocity")

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` by one step."""
        real, step = w.dtype.type, w.dtype.type(self.changes + 1)
        m, v = kept["momentum"], kept["velocity"]
        fade(m, dense(g), real(1 - self.beta_1))
        fade(v, square(g), real(1 - self.beta_2))
        below = np.sqrt(v / (1 - real(self.beta_2) ** step)) + real(self.epsilon)
        change = m / (1 - real(self.beta_1) ** step) / below
        lengths = np.sqrt(np.square(w).sum()), np.sqrt(np.square(change).sum())
        ratio = lengths[0] / lengths[1] if lengths[0] > 0 and lengths[1] > 0 else real(1)
        w -= ratio * rate * change
