"""One network trained twice from the same weights on the same batches: by Keras, and by kconvert in NumPy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from common import Split

import kconvert
from kconvert_runtime.train import Adam, fit

from . import data
from .comparison import bundle_path
from .models import RATE, build
from .schedule import shuffled
from .settings import BATCH, SEED, Settings
from .training import one_epoch
from .variants import Network

Epoch = Callable[[Split], tuple[float, float]]


def train(network: Network, out: Path, settings: Settings) -> dict[str, Any]:
    """The losses of both, and the seconds of each epoch with its validation."""
    keras.utils.set_random_seed(SEED)
    model = build(network, data.vocabulary_size(out))
    bundle = bundle_path(out, network, "-initial")
    kconvert.convert(model, bundle)
    rows, epochs = settings.twin_rows[network.task], settings.twin_epochs[network.task]
    train_set, valid_set = (_first(data.load(out, network, split), rows) for split in ("train", "valid"))
    batch = BATCH[network.task]
    return {
        "rows": len(train_set[1]),
        "keras": _course(lambda ordered: one_epoch(model, ordered, valid_set, batch), train_set, epochs),
        "kconvert": _course(_in_numpy(bundle, valid_set, batch), train_set, epochs),
    }


def _in_numpy(bundle: Path, valid_set: Split, batch: int) -> Epoch:
    """An epoch of kconvert's training, which goes on from the one before."""
    model, optimizer = kconvert.load(bundle), Adam(learning_rate=RATE)

    def epoch(ordered: Split) -> tuple[float, float]:
        nonlocal model
        trained = fit(
            model, *ordered, loss="sparse_categorical_crossentropy", optimizer=optimizer, batch_size=batch,
            validation_data=valid_set, shuffle=False,
        )  # fmt: skip
        model = trained.model
        return trained.history["loss"][0], trained.history["val_loss"][0]

    return epoch


def _course(epoch: Epoch, train_set: Split, epochs: int) -> dict[str, list[float]]:
    course: dict[str, list[float]] = {"loss": [], "val_loss": [], "seconds": []}
    for number in range(epochs):
        start = time.monotonic()
        loss, val_loss = epoch(shuffled(train_set, number))
        for key, value in (("loss", loss), ("val_loss", val_loss), ("seconds", time.monotonic() - start)):
            course[key].append(value)
        print(f"epoch {number + 1}, loss {loss:.4f}, validation {val_loss:.4f}", flush=True)
    return course


def _first(split: Split, rows: int | None) -> Split:
    """The first rows of a split; None: all."""
    return split[0][:rows], split[1][:rows]
