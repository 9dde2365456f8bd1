"""Losses by Keras' names, with Keras' settings, defaults and reductions.

>>> Loss("binary_crossentropy", label_smoothing=0.1)

A loss gives a value for each row of predictions, and how each value changes with each prediction of its row.
"""

from __future__ import annotations

from . import classification, regression  # noqa: F401  (importing them registers the losses)
from .base import LOSSES, Loss, known_losses

__all__ = ["LOSSES", "Loss", "known_losses"]
