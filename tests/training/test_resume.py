"""A training that was interrupted goes on to the same bytes, whatever the optimiser, its settings and the callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_runtime.train import Callback, EarlyStopping, ReduceLROnPlateau, fit
from kconvert_runtime.train.optimizers import OPTIMIZERS
from kconvert_schemas import InputError
from tests.training.test_fit import line, network

SETTINGS = {
    "SGD": "SGD:momentum=0.9,nesterov=true,learning_rate=0.02",
    "Adam": "Adam:amsgrad=true,learning_rate=cosine_decay(0.05, 40, alpha=0.1)",
    "AdamW": "AdamW:use_ema=true,ema_overwrite_frequency=7",
    "RMSprop": "RMSprop:centered=true,momentum=0.5",
    "Lamb": "Lamb:gradient_accumulation_steps=3",
    "Ftrl": "Ftrl:l1_regularization_strength=0.01,learning_rate=0.1",
}


class Killed(Exception):
    pass


class Kill(Callback):
    """Ends the program in the middle of an epoch, where `at` is given."""

    def __init__(self, at: int | None) -> None:
        self._at = at

    def on_batch_end(self, training: Any, batch: int, logs: Any) -> None:
        if self._at is not None and training.epoch == self._at and batch == 2:
            raise Killed


def trained(folder: Path, optimizer: str, at: int | None = None, *, resume: bool = False, **more: Any) -> Any:
    x, y = line(60)
    callbacks = [
        Kill(at), EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True),
        ReduceLROnPlateau(monitor="loss", patience=1, min_delta=0.05),
    ][: None if "decay(" not in optimizer else 2]  # fmt: skip
    options = {"shuffle": True, **more}
    return fit(
        network(0.3), x, y, loss="mae", optimizer=optimizer, metrics=["mse"], epochs=8, batch_size=7, seed=5,
        validation_split=0.2, callbacks=callbacks, checkpoint=folder / "c.npz", resume=resume, **options,
    )  # fmt: skip


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name: str, shuffle: bool, tmp_path: Path) -> None:
    optimizer = SETTINGS.get(name, name)
    (tmp_path / "whole").mkdir()
    whole = trained(tmp_path / "whole", optimizer, shuffle=shuffle)
    for at in (2, 4):  # killed twice, gone on after each
        with pytest.raises(Killed):
            trained(tmp_path, optimizer, at, resume=at > 2, shuffle=shuffle)
    resumed = trained(tmp_path, optimizer, resume=True, shuffle=shuffle)
    assert resumed.as_json() == whole.as_json()
    assert len(whole.epochs) > 4
    for key, weight in whole.model.weights.items():
        assert weight.tobytes() == resumed.model.weights[key].tobytes(), key
        assert not np.array_equal(weight, network(0.3).weights[key])


def test_a_training_that_was_stopped_early_does_not_go_on(tmp_path: Path) -> None:
    whole = trained(tmp_path, "sgd:learning_rate=0.0")
    assert whole.stopped is not None
    again = trained(tmp_path, "sgd:learning_rate=0.0", resume=True)
    assert again.as_json()["history"] == whole.as_json()["history"]
    for key, weight in whole.model.weights.items():
        assert weight.tobytes() == again.model.weights[key].tobytes()


@pytest.mark.parametrize(
    ("optimizer", "more", "message"),
    [
        ("adam", {"shuffle": False}, "shuffle differs"),
        ("sgd", {}, "optimizer differs"),
        ("adam:learning_rate=0.5", {}, "optimizer differs"),
    ],
)
def test_other_settings_are_refused(optimizer: str, more: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(tmp_path, "adam", 2)
    with pytest.raises(InputError, match=message):
        trained(tmp_path, optimizer, resume=True, **more)
