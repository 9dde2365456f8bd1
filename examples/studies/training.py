"""Training by Keras, an epoch at a time, so that it can be interrupted after any and go on from there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from common import Split

from . import data
from .models import build
from .results import read_json, write_json
from .schedule import finished, shuffled
from .settings import BATCH, SEED, Settings
from .variants import Network


def train(network: Network, out: Path, settings: Settings) -> dict[str, Any]:
    """Train `network`, write `out`/models/NAME.keras, and return its history.

    What an interrupted run has trained is in `out`/checkpoints/NAME.
    """
    folder = out / "checkpoints" / network.name
    model, history = _begin(network, folder, out)
    train_set, valid_set = data.load(out, network, "train"), data.load(out, network, "valid")
    while not finished(history["val_loss"], settings.epochs[network.task], settings.patience[network.task]):
        start, epoch = time.monotonic(), len(history["loss"])
        loss, val_loss = one_epoch(model, shuffled(train_set, epoch), valid_set, BATCH[network.task])
        history["loss"].append(loss)
        history["val_loss"].append(val_loss)
        history["seconds"] += time.monotonic() - start
        _keep(model, history, folder)
        print(f"{network.name}: epoch {epoch + 1}, loss {loss:.4f}, validation {val_loss:.4f}", flush=True)
    best = keras.saving.load_model(folder / "best.keras", compile=False)
    path = out / "models" / f"{network.name}.keras"
    path.parent.mkdir(parents=True, exist_ok=True)
    best.save(path)
    return {**history, "best_epoch": int(np.argmin(history["val_loss"])) + 1}


def one_epoch(model: keras.Model, train_set: Split, valid_set: Split, batch: int) -> tuple[float, float]:
    """Train on the rows in their order; the mean loss meanwhile, and the validation loss after."""
    fitted = model.fit(*train_set, batch_size=batch, shuffle=False, verbose=0)
    return fitted.history["loss"][0], model.evaluate(*valid_set, batch_size=batch, verbose=0)


def _begin(network: Network, folder: Path, out: Path) -> tuple[keras.Model, dict[str, Any]]:
    if (folder / "history.json").is_file():
        history = read_json(folder / "history.json")
        return keras.saving.load_model(folder / f"epoch-{len(history['loss'])}.keras"), history
    keras.utils.set_random_seed(SEED)
    return build(network, data.vocabulary_size(out)), {"loss": [], "val_loss": [], "seconds": 0.0}


def _keep(model: keras.Model, history: dict[str, Any], folder: Path) -> None:
    """Keep the state of this epoch, optimizer and random numbers included; history.json, written last, counts."""
    folder.mkdir(parents=True, exist_ok=True)
    epoch = len(history["loss"])
    if history["val_loss"][-1] == min(history["val_loss"]):
        model.save(folder / "new.keras", include_optimizer=False)
        (folder / "new.keras").replace(folder / "best.keras")
    model.save(folder / f"epoch-{epoch}.keras")
    write_json(folder / "history.json", history)
    (folder / f"epoch-{epoch - 1}.keras").unlink(missing_ok=True)
