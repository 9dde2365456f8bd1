"""What a training gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..model import Model


@dataclass
class History:
    """The course of a training.

    history: for each quantity ('loss', 'accuracy', 'val_loss'...) its value after each epoch. epochs: their numbers,
    counted from 0. model: the trained model; the one that was given to `fit` is as it was. stopped: the epoch after
    which a callback ended the training, None when it ran to the end.
    """

    model: Model
    history: dict[str, list[float]] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)
    stopped: int | None = None

    def add(self, epoch: int, logs: dict[str, float]) -> None:
        """Note an epoch."""
        self.epochs.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))

    def as_json(self) -> dict[str, Any]:
        """Return everything but the model, for a JSON file."""
        return {"epochs": self.epochs, "history": self.history, "stopped": self.stopped}
