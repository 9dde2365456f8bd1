"""In which order rows are trained on, and when training ends."""

from __future__ import annotations

import numpy as np
from common import Split

from .settings import SEED


def finished(val_loss: list[float], epochs: int, patience: int) -> bool:
    """Whether all epochs are done, or the last `patience` ones brought no lower validation loss."""
    if len(val_loss) >= epochs:
        return True
    return len(val_loss) > patience and len(val_loss) - 1 - int(np.argmin(val_loss)) >= patience


def shuffled(split: Split, epoch: int) -> Split:
    """The rows in the order of `epoch`, which depends on nothing else."""
    order = np.random.default_rng([SEED, epoch]).permutation(len(split[1]))
    return split[0][order], split[1][order]
