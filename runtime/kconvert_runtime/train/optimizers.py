"""Optimisers with Keras' names, settings, defaults and formulas (keras/src/optimizers)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..gradients.rows import Gradient, RowsGradient, dense, parts_of_rows
from ..gradients.shared import each_part
from .names import check_options, find

Slots: TypeAlias = "dict[str, Array]"
BLOCK = 1 << 17
"""Elements of a weight that are updated at a time."""
Schedule: TypeAlias = Callable[[int], float]
"""From the number of steps that were done to the learning rate."""


@dataclass(kw_only=True)
class Optimizer:
    """Changes weights by their gradients. A subclass has the formula of one step, and the arrays that it keeps.

    learning_rate: a number, or a schedule. weight_decay: each step takes weight_decay learning_rate off every weight.
    One of clipnorm (of each gradient), global_clipnorm (of all together), clipvalue bounds gradients.
    """

    learning_rate: float | Schedule = 0.001
    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None

    slots: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = False
    """Whether `update` looks at each element by itself, so that a part of a weight can be updated alone."""

    def __post_init__(self) -> None:
        self.step = 0
        self.state: dict[str, Slots] = {}
        if sum(clip is not None for clip in (self.clipnorm, self.clipvalue, self.global_clipnorm)) > 1:
            raise InputError("Only one of clipnorm, clipvalue and global_clipnorm can be set.")

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return float(self.learning_rate(self.step) if callable(self.learning_rate) else self.learning_rate)

    def apply(self, weights: MutableMapping[str, Array], gradients: Mapping[str, Gradient]) -> None:
        """Do one step: change `weights` in place by gradients of the same names."""
        rate = self.rate()
        for name, g in self._clipped(gradients).items():
            w = weights[name]
            if name not in self.state:
                self.state[name] = self.start(w)
            if self.weight_decay:
                w -= w * w.dtype.type(self.weight_decay) * w.dtype.type(rate)
            self._update(w, each(g, partial(_typed, w.dtype)), self.state[name], w.dtype.type(rate))
        self.step += 1

    def _update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Update a large weight block by block: all that one block needs is in the cache."""
        arrays = [w, *kept.values()]
        if not self.elementwise or w.size <= BLOCK or not all(array.flags.c_contiguous for array in arrays):
            self.update(w, g, kept, rate)
            return
        rows, part_of = max(BLOCK * len(w) // w.size, 1), parts_of_rows(g)

        def run(part: slice) -> None:
            for start in range(part.start, part.stop, rows):
                block = slice(start, min(start + rows, part.stop))
                self.update(w[block], part_of(block), {name: array[block] for name, array in kept.items()}, rate)

        each_part(len(w), w.size, run)

    def start(self, w: Array) -> Slots:
        """Return the arrays kept for a weight, as they are before the first step."""
        return {name: np.zeros_like(w) for name in self.names()}

    def names(self) -> tuple[str, ...]:
        """Return the names of the arrays kept for each weight."""
        return self.slots

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` and what is kept for it, in place."""
        raise NotImplementedError

    def _clipped(self, gradients: Mapping[str, Gradient]) -> Mapping[str, Gradient]:
        if self.clipnorm:
            return {name: _bounded(g, _squares(g), self.clipnorm) for name, g in gradients.items()}
        if self.global_clipnorm:
            squares = sum(_squares(g) for g in gradients.values())
            return {name: _bounded(g, squares, self.global_clipnorm) for name, g in gradients.items()}
        if self.clipvalue:
            most = self.clipvalue
            return {name: each(g, lambda x: np.clip(x, -most, most)) for name, g in gradients.items()}
        return gradients

    def restore(self, step: int, learning_rate: float | None, arrays: Mapping[str, Array]) -> None:
        """Take back the state of a checkpoint: arrays by <slot>/<weight>."""
        self.step, self.state = step, {}
        if learning_rate is not None and not callable(self.learning_rate):
            self.learning_rate = learning_rate
        for key, array in arrays.items():
            slot, _, name = key.partition("/")
            self.state.setdefault(name, {})[slot] = array

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def each(g: Gradient, function: Callable[[Array], Array]) -> Gradient:
    """Apply a function to the elements of a gradient.

    To the rows of a table one by one, before equal rows are summed: so Keras on TensorFlow squares and clips the
    gradient of an embedding, and so its optimisers see the sum of squares and not the square of the sum.
    """
    return g.each(function) if isinstance(g, RowsGradient) else function(g)


def _typed(dtype: np.dtype[Any], g: Array) -> Array:
    return g.astype(dtype, copy=False)


def _squares(g: Gradient) -> float:
    return float(np.square(g.rows if isinstance(g, RowsGradient) else g).sum())


def _bounded(g: Gradient, squares: float, most: float) -> Gradient:
    """Shorten a gradient so that the root of `squares`, its own or those of all, is at most `most`."""
    return each(g, lambda x: x * x.dtype.type(most / max(float(np.sqrt(squares)), most)))


def _square(g: Gradient) -> Array:
    """Return the squares of a gradient."""
    return dense(each(g, np.square))


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
        real, step = w.dtype.type, self.step + 1
        alpha = rate * np.sqrt(1 - real(self.beta_2) ** real(step)) / (1 - real(self.beta_1) ** real(step))
        m, v = kept["momentum"], kept["velocity"]
        change = dense(g) - m
        change *= real(1 - self.beta_1)
        m += change
        change = _square(g)
        change -= v
        change *= real(1 - self.beta_2)
        v += change
        if self.amsgrad:
            v = np.maximum(kept["velocity_hat"], v, out=kept["velocity_hat"])
        np.sqrt(v, out=change)
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
        m += (dense(g) - m) * real(1 - self.beta_1)
        np.maximum(real(self.beta_2) * u, dense(each(g, np.abs)), out=u)
        start = 1 - real(self.beta_1) ** real(self.step + 1)
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
        real, step = w.dtype.type, self.step + 1
        now, later, product = self._momentum(step), self._momentum(step + 1), self._product_of(step)
        m, v = kept["momentum"], kept["velocity"]
        m += (dense(g) - m) * real(1 - self.beta_1)
        v += (_square(g) - v) * real(1 - self.beta_2)
        m_hat = later * m / (1 - product * later) + (1 - now) * dense(g) / (1 - product)
        v_hat = v / (1 - real(self.beta_2) ** real(step))
        w -= (m_hat * rate / (np.sqrt(v_hat) + real(self.epsilon))).astype(w.dtype)


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
        v += real(1 - self.rho) * _square(g)
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
        kept["accumulator"] += _square(g)
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
        kept["gradient"] += real(1 - self.rho) * _square(g)
        change = -np.sqrt(kept["change"] + small) * dense(g) / np.sqrt(kept["gradient"] + small)
        kept["change"] *= rho
        kept["change"] += real(1 - self.rho) * np.square(change)
        w += rate * change


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


OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__: kind for kind in (SGD, Adam, AdamW, Adamax, Nadam, RMSprop, Adagrad, Adadelta, Lion)
}
_ALIASES = {name.lower(): name for name in OPTIMIZERS}


def make_optimizer(name: str, **settings: Any) -> Optimizer:
    """Return an optimiser by Keras' name, in any case: 'adam', 'SGD'. InputError for an unknown name or setting."""
    kind = OPTIMIZERS[find(name, OPTIMIZERS, _ALIASES, "optimizer")]
    check_options(settings, [field.name for field in fields(kind)], f"The optimizer {kind.__name__}")
    for key, value in settings.items():
        if not isinstance(value, (int, float, type(None))) and not (key == "learning_rate" and callable(value)):
            raise InputError(f"The setting {key} of the optimizer {kind.__name__} must be a number, got {value!r:.40}.")
    return kind(**settings)
