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
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
    make_optimizer,
)

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Callback", "EarlyStopping", "History", "Lion", "Loss",
    "Metric", "Nadam", "Optimizer", "RMSprop", "ReduceLROnPlateau", "Training", "fit", "make_metric", "make_optimizer",
    "save",
]  # fmt: skip
