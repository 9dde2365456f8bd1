"""Optimisers with Keras' names, settings, defaults and formulas (keras/src/optimizers)."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from kconvert_schemas.errors import InputError

from ..names import check_options, find
from .adaptive import Adadelta, Adafactor, Adagrad, Ftrl, RMSprop
from .base import Optimizer
from .moments import SGD, Adam, Adamax, AdamW, Lamb, Lion, Nadam
from .schedules import SCHEDULES, make_schedule

__all__ = [
    "OPTIMIZERS", "SCHEDULES", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb",
    "Lion", "Nadam", "Optimizer", "RMSprop", "make_optimizer", "make_schedule",
]  # fmt: skip

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__: kind
    for kind in (SGD, Adam, AdamW, Adamax, Nadam, RMSprop, Adagrad, Adadelta, Adafactor, Ftrl, Lamb, Lion)
}
_ALIASES = {name.lower(): name for name in OPTIMIZERS}


def make_optimizer(name: str, **settings: Any) -> Optimizer:
    """Return an optimiser by Keras' name, in any case: 'adam', 'SGD'. InputError for an unknown name or setting.

    learning_rate may be a schedule, also as text: 'exponential_decay(0.1, 1000, 0.9)'.
    """
    kind = OPTIMIZERS[find(name, OPTIMIZERS, _ALIASES, "optimizer")]
    check_options(settings, [field.name for field in fields(kind)], f"The optimizer {kind.__name__}")
    if isinstance(settings.get("learning_rate"), str):
        settings["learning_rate"] = make_schedule(settings["learning_rate"])
    for key, value in settings.items():
        if not isinstance(value, (int, float, type(None))) and not (key == "learning_rate" and callable(value)):
            raise InputError(f"The setting {key} of the optimizer {kind.__name__} must be a number, got {value!r:.40}.")
    return kind(**settings)
