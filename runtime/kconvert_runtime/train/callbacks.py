"""What happens between epochs and batches: early stopping, smaller steps on a plateau, and whatever one writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show

if TYPE_CHECKING:
    from .fit import Training


class Callback:
    """Methods that a training calls. `training` is what they may change: `stop`, `optimizer`, `weights`."""

    def on_train_begin(self, training: Training) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, training: Training, epoch: int) -> None:
        """Before an epoch, counted from 0."""

    def on_batch_end(self, training: Training, batch: int, logs: Mapping[str, float]) -> None:
        """After a batch of an epoch, counted from 0, with the means of the epoch so far."""

    def on_epoch_end(self, training: Training, epoch: int, logs: dict[str, float]) -> None:
        """After an epoch; `logs` may be added to."""

    def on_train_end(self, training: Training) -> None:
        """After the last epoch."""

    def state(self) -> dict[str, Any]:
        """Return what a training that goes on later needs, as JSON and arrays."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""


@dataclass
class _Watch(Callback):
    """Watches a quantity: what EarlyStopping and ReduceLROnPlateau share."""

    monitor: str = "val_loss"
    min_delta: float = 0.0
    patience: int = 0
    mode: str = "auto"

    def __post_init__(self) -> None:
        if self.mode not in ("auto", "min", "max"):
            raise InputError(f"mode must be auto, min or max, got {show(self.mode)}.")
        self.min_delta = abs(self.min_delta)
        self.wait = 0
        self.best = self._worst()

    def _rising(self) -> bool:
        words = ("acc", "auc", "f1", "precision", "recall")
        return self.mode == "max" or (self.mode == "auto" and any(word in self.monitor for word in words))

    def _worst(self) -> float:
        return -np.inf if self._rising() else np.inf

    def _value(self, logs: Mapping[str, float]) -> float:
        if self.monitor not in logs:
            raise InputError(
                f"{type(self).__name__} watches {show(self.monitor)}; the training has {', '.join(sorted(logs))}. "
                "Validation data are needed for quantities that begin with val_."
            )
        return logs[self.monitor]

    def _better(self, value: float, than: float) -> bool:
        return value - self.min_delta > than if self._rising() else value + self.min_delta < than

    def state(self) -> dict[str, Any]:
        """Return the best value and for how long there was no better."""
        return {"wait": self.wait, "best": float(self.best)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.wait, self.best = int(state["wait"]), float(state["best"])


@dataclass
class EarlyStopping(_Watch):
    """Ends the training when a quantity has not become better for `patience` epochs.

    baseline: what the value must be better than to reset the patience. restore_best_weights: go back to the weights of
    the best epoch. start_from_epoch: epochs that do not count.
    """

    baseline: float | None = None
    restore_best_weights: bool = False
    start_from_epoch: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.best_epoch = 0
        self.best_weights: dict[str, Array] | None = None

    def on_epoch_end(self, training: Training, epoch: int, logs: dict[str, float]) -> None:
        """Compare with the best epoch."""
        value = self._value(logs)
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(training, epoch)
        self.wait += 1
        if self._better(value, self.best):
            self.best = value
            if self.restore_best_weights:
                self._keep(training, epoch)
            self.best_epoch = epoch
            if self.baseline is None or self._better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            training.stop = True

    def _keep(self, training: Training, epoch: int) -> None:
        self.best_epoch, self.best_weights = epoch, {n: training.weights[n].copy() for n in training.changing}

    def on_train_end(self, training: Training) -> None:
        """Go back to the weights of the best epoch."""
        if self.restore_best_weights and self.best_weights is not None:
            training.set_weights(self.best_weights)

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on, with the best weights."""
        arrays = {"weights": self.best_weights} if self.best_weights is not None else {}
        return {**super().state(), "best_epoch": self.best_epoch, **arrays}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        super().restore(state)
        self.best_epoch = int(state["best_epoch"])
        self.best_weights = dict(state["weights"]) if "weights" in state else None


@dataclass
class ReduceLROnPlateau(_Watch):
    """Multiplies the learning rate by `factor` when a quantity has not become better for `patience` epochs.

    cooldown: epochs after a change that do not count. min_lr: the least learning rate.
    """

    min_delta: float = 1e-4
    patience: int = 10
    factor: float = 0.1
    cooldown: int = 0
    min_lr: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.factor < 1:
            raise InputError(f"factor must be below 1, got {self.factor}.")
        self.cooling = 0

    def on_epoch_end(self, training: Training, epoch: int, logs: dict[str, float]) -> None:
        """Compare with the best epoch, and note the learning rate."""
        rate = training.learning_rate
        logs["learning_rate"] = rate
        value = self._value(logs)
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if self._better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooling <= 0:
            self.wait += 1
            if self.wait >= self.patience and rate > np.float32(self.min_lr):
                training.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooling, self.wait = self.cooldown, 0

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on."""
        return {**super().state(), "cooling": self.cooling}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        super().restore(state)
        self.cooling = int(state["cooling"])
