"""What optimisers share: the learning rate, weight decay, bounds and accumulation of gradients, averages of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ...gradients.rows import Gradient, RowsGradient, dense, parts_of_rows
from ...gradients.shared import each_part

Slots: TypeAlias = "dict[str, Array]"
BLOCK = 1 << 17
"""Elements of a weight that are updated at a time."""
Schedule: TypeAlias = Callable[[int], float]
"""From the number of steps that were done to the learning rate."""
ACCUMULATED, AVERAGE = "accumulated", "average_weight"


@dataclass(kw_only=True)
class Optimizer:
    """Changes weights by their gradients. A subclass has the formula of one step, and the arrays that it keeps.

    learning_rate: a number, or a schedule. weight_decay: each step takes weight_decay learning_rate off every weight.
    One of clipnorm (of each gradient), global_clipnorm (of all together), clipvalue bounds gradients.
    gradient_accumulation_steps: weights change every so many steps, by the mean of the gradients since.
    use_ema: averages of the weights are kept, which fade with ema_momentum; they take the place of the weights at the
    end, and every ema_overwrite_frequency steps where that is given.
    """

    learning_rate: float | Schedule = 0.001
    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    gradient_accumulation_steps: int | None = None

    slots: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = False
    """Whether `update` looks at each element by itself, so that a part of a weight can be updated alone."""

    def __post_init__(self) -> None:
        self.step = 0
        self.state: dict[str, Slots] = {}
        if sum(clip is not None for clip in (self.clipnorm, self.clipvalue, self.global_clipnorm)) > 1:
            raise InputError("Only one of clipnorm, clipvalue and global_clipnorm can be set.")
        if not 0 <= self.ema_momentum <= 1:
            raise InputError(f"ema_momentum must lie between 0 and 1, got {self.ema_momentum}.")
        for name, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise InputError(f"{name} must be a whole number of at least {least}, got {value!r:.40}.")

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return float(self.learning_rate(self.step) if callable(self.learning_rate) else self.learning_rate)

    @property
    def changes(self) -> int:
        """How many times weights were changed: in each step, or in those that end an accumulation."""
        return self.step // (self.gradient_accumulation_steps or 1)

    def apply(self, weights: MutableMapping[str, Array], gradients: Mapping[str, Gradient]) -> None:
        """Do one step: change `weights` in place by gradients of the same names."""
        for name in gradients:
            if name not in self.state:
                self.state[name] = self._begin(weights[name])
        every = self.gradient_accumulation_steps
        if every is None:
            self._change(weights, gradients)
        elif (self.step + 1) % every == 0:
            self._change(weights, {name: self._taken(name, g, every) for name, g in gradients.items()})
        else:
            for name, g in gradients.items():
                self.state[name][ACCUMULATED] += dense(g)
        if self.use_ema:
            self._average(weights, gradients)
        self.step += 1

    def finish(self, weights: MutableMapping[str, Array]) -> None:
        """At the end of a training: put the averages in the place of the weights, if there are any."""
        for name, kept in self.state.items():
            if self.use_ema:
                np.copyto(weights[name], kept[AVERAGE])

    def start(self, w: Array) -> Slots:
        """Return the arrays kept for a weight, as they are before the first step."""
        return {name: np.zeros_like(w) for name in self.names()}

    def names(self) -> tuple[str, ...]:
        """Return the names of the arrays kept for each weight."""
        return self.slots

    def update(self, w: Array, g: Gradient, kept: Slots, rate: Any) -> None:
        """Change `w` and what is kept for it, in place."""
        raise NotImplementedError

    def _begin(self, w: Array) -> Slots:
        more = (ACCUMULATED,) * bool(self.gradient_accumulation_steps) + (AVERAGE,) * self.use_ema
        return {**self.start(w), **{name: np.zeros_like(w) for name in more}}

    def _change(self, weights: MutableMapping[str, Array], gradients: Mapping[str, Gradient]) -> None:
        rate = self.rate()
        for name, g in self._clipped(gradients).items():
            w = weights[name]
            if self.weight_decay:
                w -= w * w.dtype.type(self.weight_decay) * w.dtype.type(rate)
            self._update(w, each(g, partial(_typed, w.dtype)), self.state[name], w.dtype.type(rate))

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

    def _taken(self, name: str, g: Gradient, steps: int) -> Array:
        """Return the mean of the gradients since the last change, and begin anew."""
        total = self.state[name][ACCUMULATED]
        mean = (dense(g) + total) / total.dtype.type(steps)
        total[...] = 0
        return mean

    def _average(self, weights: Mapping[str, Array], names: Mapping[str, Any]) -> None:
        momentum = self.ema_momentum if self.changes else 0.0
        overwrite = self.ema_overwrite_frequency and (self.changes + 1) % self.ema_overwrite_frequency == 0
        for name in names:
            w, average = weights[name], self.state[name][AVERAGE]
            average *= w.dtype.type(momentum)
            average += w * w.dtype.type(1 - momentum)
            if overwrite:
                np.copyto(w, average)

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


def times(g: Gradient, factor: Array) -> Gradient:
    """Multiply a gradient by an array of the shape of the weight: row by row where it is that of a table."""
    if isinstance(g, RowsGradient):
        return RowsGradient(g.places, g.rows * factor[g.places], g.count)
    return g * factor


def square(g: Gradient) -> Array:
    """Return the squares of a gradient."""
    return dense(each(g, np.square))


def fade(average: Array, new: Array, share: Any) -> None:
    """Move an average in place towards what is new: average += share (new - average)."""
    change = new - average
    change *= share
    average += change


def _typed(dtype: np.dtype[Any], g: Array) -> Array:
    return g.astype(dtype, copy=False)


def _squares(g: Gradient) -> float:
    return float(np.square(g.rows if isinstance(g, RowsGradient) else g).sum())


def _bounded(g: Gradient, squares: float, most: float) -> Gradient:
    """Shorten a gradient so that the root of `squares`, its own or those of all, is at most `most`."""
    return each(g, lambda x: x * x.dtype.type(most / max(float(np.sqrt(squares)), most)))
