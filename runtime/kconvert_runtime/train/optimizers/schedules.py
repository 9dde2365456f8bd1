"""Learning rates that follow the number of steps (keras/src/optimizers/schedules), in float32 as Keras computes them.

>>> make_schedule("exponential_decay(0.1, 1000, 0.9, staircase=true)")
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kconvert_schemas.errors import InputError, show

from ..names import call, find

Real = np.float32


@dataclass(frozen=True)
class ExponentialDecay:
    """initial_learning_rate decay_rate^(step / decay_steps); staircase: by whole multiples."""

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __call__(self, step: int) -> float:
        """Return the learning rate after so many steps."""
        share = Real(step) / Real(self.decay_steps)
        share = np.floor(share) if self.staircase else share
        return float(Real(self.initial_learning_rate) * Real(self.decay_rate) ** share)


@dataclass(frozen=True)
class InverseTimeDecay:
    """initial_learning_rate / (1 + decay_rate step / decay_steps); staircase: by whole multiples."""

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __call__(self, step: int) -> float:
        """Return the learning rate after so many steps."""
        share = Real(step) / Real(self.decay_steps)
        share = np.floor(share) if self.staircase else share
        return float(Real(self.initial_learning_rate) / (1 + Real(self.decay_rate) * share))


@dataclass(frozen=True)
class PiecewiseConstantDecay:
    """values[i] as long as step is at most boundaries[i], the last value from there."""

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = [len(part) if isinstance(part, (list, tuple)) else 0 for part in (self.boundaries, self.values)]
        if not sizes[0] or sizes[1] != sizes[0] + 1:
            raise InputError("piecewise_constant_decay needs a list of boundaries, and one more value than boundaries.")

    def __call__(self, step: int) -> float:
        """Return the learning rate after so many steps."""
        return float(Real(self.values[sum(step > boundary for boundary in self.boundaries)]))


@dataclass(frozen=True)
class PolynomialDecay:
    """From initial_learning_rate to end_learning_rate by a power of what is left; cycle: again in longer rounds."""

    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False

    def __call__(self, step: int) -> float:
        """Return the learning rate after so many steps."""
        steps = Real(self.decay_steps)
        if self.cycle:
            steps = steps * (Real(1) if step == 0 else np.ceil(Real(step) / steps))
        share = (Real(step) if self.cycle else min(Real(step), steps)) / steps
        start, end = Real(self.initial_learning_rate), Real(self.end_learning_rate)
        return float((start - end) * (1 - share) ** Real(self.power) + end)


@dataclass(frozen=True)
class CosineDecay:
    """Half a cosine from the first learning rate to alpha times it, perhaps after a straight rise to warmup_target."""

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        """Return the learning rate after so many steps."""
        first = Real(self.initial_learning_rate)
        if self.warmup_target is None:
            return self._decayed(min(step, self.decay_steps), first)
        target, step = Real(self.warmup_target), min(step, self.decay_steps + self.warmup_steps)
        if step < self.warmup_steps:
            return float((target - first) * (Real(step) / Real(self.warmup_steps)) + first)
        return self._decayed(step - self.warmup_steps, target)

    def _decayed(self, step: int, start: Any) -> float:
        cosine = Real(0.5) * (1 + np.cos(Real(math.pi) * (Real(step) / Real(self.decay_steps))))
        return float(start * (Real(1 - self.alpha) * cosine + Real(self.alpha)))


@dataclass(frozen=True)
class CosineDecayRestarts:
    """Half cosines one after another, each t_mul times as long and m_mul times as high as the one before."""

    initial_learning_rate: float
    first_decay_steps: int
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0

    def __call__(self, step: int) -> float:
        """Return the learning rate after so many steps."""
        done, longer = Real(step) / Real(self.first_decay_steps), Real(self.t_mul)
        if longer == 1:
            round_ = np.floor(done)
            done = done - round_
        else:
            round_ = np.floor(np.log(1 - done * (1 - longer)) / np.log(longer))
            done = (done - (1 - longer**round_) / (1 - longer)) / longer**round_
        cosine = Real(0.5) * Real(self.m_mul) ** round_ * (1 + np.cos(Real(math.pi) * done))
        return float(Real(self.initial_learning_rate) * (Real(1 - self.alpha) * cosine + Real(self.alpha)))


SCHEDULES: dict[str, Callable[..., Callable[[int], float]]] = {
    "cosine_decay": CosineDecay,
    "cosine_decay_restarts": CosineDecayRestarts,
    "exponential_decay": ExponentialDecay,
    "inverse_time_decay": InverseTimeDecay,
    "piecewise_constant_decay": PiecewiseConstantDecay,
    "polynomial_decay": PolynomialDecay,
}


def make_schedule(text: str) -> Callable[[int], float]:
    """Return a schedule from a text 'name(value, setting=value)'; InputError where it is not like that."""
    name, values, settings = call(text, "learning_rate")
    short = {name.replace("_", ""): name for name in SCHEDULES}
    kind = SCHEDULES[find(name, SCHEDULES, short, "schedule")]
    known = list(inspect.signature(kind).parameters)
    try:
        made = kind(*values, **settings)
    except TypeError as error:
        raise InputError(f"{show(text)}: a schedule {name} takes {', '.join(known)}.") from error
    for setting in ("decay_steps", "first_decay_steps"):
        if not getattr(made, setting, 1) > 0:
            raise InputError(f"{show(text)}: {setting} must be above 0.")
    return made
