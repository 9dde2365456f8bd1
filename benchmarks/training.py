"""One step of training beside Keras' `train_on_batch`, in turns: forward, loss, gradients, Adam."""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .artifacts import artifact
from .engines import keras_model
from .networks import NETWORKS
from .rounds import PAUSE, quartiles

Step: TypeAlias = Callable[[], float]
RATE = 0.001


@dataclass(frozen=True)
class Task:
    """A network to train: on how many rows a step, to tell how many classes apart (1: a yes or no), at which places."""

    network: str
    batch: int
    classes: int
    places: tuple[int, ...] = (1,)

    @property
    def title(self) -> str:
        """The network, and the rows of a step."""
        return f"{NETWORKS[self.network].title}, {self.batch} rows"

    @property
    def loss(self) -> str:
        """Keras' name of the loss."""
        return "binary_crossentropy" if self.classes == 1 else "sparse_categorical_crossentropy"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return random rows, and random labels of them."""
        labels = np.random.default_rng(1).integers(0, max(self.classes, 2), (self.batch, *self.places))
        return NETWORKS[self.network].rows(self.batch), labels.astype(np.int32)


TASKS = {
    "cnn": Task("cnn", 64, 10),
    "bilstm": Task("bilstm", 32, 1),
    "mlp": Task("mlp", 32, 1),
    "gru": Task("gru", 32, 1),
    "unet": Task("unet", 4, 4, (128, 128)),
    "transformer": Task("transformer", 8, 2),
}


def ours(folder: Path, task: Task, x: np.ndarray, y: np.ndarray) -> Step:
    """A step of `kconvert_runtime.train.fit`."""
    from kconvert import convert, load
    from kconvert_runtime.allocator import kept_memory
    from kconvert_runtime.train.data import make_rows
    from kconvert_runtime.train.objective import make_targets
    from kconvert_runtime.train.optimizers import make_optimizer
    from kconvert_runtime.train.trainer import Trainer, trainable

    bundle = folder / task.network / "bundle"
    convert(artifact(folder, task.network, "keras"), bundle)
    model = load(bundle)
    rows = make_rows(model.graph, x, y, None, None)
    targets = make_targets(model.graph, rows, f"{task.loss}:from_logits=true", None, None, None)
    optimizer = make_optimizer("adam", learning_rate=RATE)
    kept_memory().__enter__()  # as `fit` has it
    trainer = Trainer(model.graph, model.weights, targets, optimizer, 0, trainable(model.graph, None))
    return lambda: trainer.step(rows)["loss"]


def keras_step(folder: Path, task: Task, x: np.ndarray, y: np.ndarray) -> Step:
    """Keras' `train_on_batch`."""
    import keras

    model = keras_model(folder, task.network)
    loss = {
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    }[task.loss](from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss)

    def step() -> float:
        model.reset_metrics()  # what it returns is a mean over the steps since
        return float(model.train_on_batch(x, y))

    return step


ENGINES = {"kconvert": ours, "keras": keras_step}


def measure(folder: Path, name: str, rounds: int) -> dict[str, Any]:
    """Return, by engine, {"ms", "ratio", "losses"}; ratio: how many times as long as ours, median and quartiles.

    losses: those of the first steps, from the same weights, so that it shows whether the same was done.
    """
    task = TASKS[name]
    x, y = task.data()
    steps = {engine: make(folder, task, x, y) for engine, make in ENGINES.items()}
    losses = {engine: [step() for _ in range(3)] for engine, step in steps.items()}
    times: dict[str, list[float]] = {engine: [] for engine in steps}
    for _ in range(rounds):
        for engine, step in steps.items():
            time.sleep(PAUSE)
            step()  # the caches are another engine's
            times[engine].append(_seconds(step))
    return {
        engine: {
            "ms": statistics.median(taken) * 1e3,
            "ratio": quartiles([a / b for a, b in zip(taken, times["kconvert"], strict=True)]),
            "losses": losses[engine],
        }
        for engine, taken in times.items()
    }


def _seconds(step: Step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    folder_, name_, rounds_, output = sys.argv[1:]
    Path(output).write_text(json.dumps(measure(Path(folder_), name_, int(rounds_))))
