"""Train a model where it runs, with NumPy alone: `fit`, and what it is given.

Nothing that only runs a model imports this package.
"""

from .callbacks import Callback, EarlyStopping, ReduceLROnPlateau
from .fit import Training, fit, save
from .history import History
from .losses import Loss
from .metrics import Metric, make_metric
from .optimizers import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
    make_optimizer,
    make_schedule,
)

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Callback", "EarlyStopping", "Ftrl",
    "History", "Lamb", "Lion", "Loss", "Metric", "Nadam", "Optimizer", "RMSprop", "ReduceLROnPlateau", "Training",
    "fit", "make_metric", "make_optimizer", "make_schedule", "save",
]  # fmt: skip
