"""fit: train a model as Keras would, with NumPy alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.bundle import write_bundle
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..allocator import kept_memory
from ..model import Model
from .callbacks import Callback
from .checkpoint import Checkpoint, fingerprint
from .data import Rows, batches, make_rows, split
from .history import History
from .names import parse
from .objective import check_labels, make_targets
from .optimizers import Optimizer, make_optimizer
from .problems import Problems
from .refusals import check_trainable
from .trainer import LogMean, Logs, Trainer, reset, results, trainable

ORDER = 0
"""Which stream of random numbers: the order of rows."""


class Training:
    """A training that is going on: what callbacks see, and may change."""

    def __init__(self, trainer: Trainer, history: History) -> None:
        self._trainer, self.history = trainer, history
        self.stop = False
        self.epoch = 0

    @property
    def weights(self) -> Mapping[str, Array]:
        """The weights by name, which steps change in place."""
        return self._trainer.weights

    @property
    def changing(self) -> list[str]:
        """The names of the weights that training changes, with moving averages."""
        return self._trainer.changing

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser."""
        return self._trainer.optimizer

    @property
    def steps(self) -> int:
        """How many steps were done."""
        return self._trainer.step_number

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step. Setting it raises InputError where there is a schedule."""
        return self.optimizer.rate()

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if callable(self.optimizer.learning_rate):
            raise InputError("The learning rate follows a schedule, so that it cannot be set.")
        self.optimizer.learning_rate = float(rate)

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Write these values into the weights."""
        for name, values in weights.items():
            np.copyto(self._trainer.weights[name], values)

    def go_on(self, epoch: int, steps: int, stop: bool, history: Mapping[str, Any]) -> None:
        """Continue after `epoch` epochs and `steps` steps, with the history so far."""
        self.epoch, self.stop, self._trainer.step_number = epoch, stop, steps
        self.history.epochs, self.history.history = list(history["epochs"]), dict(history["history"])

    def model(self) -> Model:
        """Return a model with copies of the weights as they are now."""
        trainer = self._trainer
        weights = {n: w.copy() if n in set(trainer.changing) else w for n, w in trainer.weights.items()}
        return Model(trainer.graph, weights)


def fit(
    model: Model, x: Any, y: Any, *, loss: Any, optimizer: str | Optimizer = "rmsprop", metrics: Any = None,
    weighted_metrics: Any = None, loss_weights: Any = None, epochs: int = 1, batch_size: int = 32,
    validation_data: Any = None, validation_split: float = 0.0, sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None, callbacks: Sequence[Callback] = (), shuffle: bool = True,
    seed: int = 0, trainable_layers: Sequence[str] | None = None, checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> History:  # fmt: skip
    """Train a copy of `model` on rows x with labels y, as `keras.Model.fit` would; returns a `History`.

    x: what a call takes, with any number of rows; arrays may be mapped into memory. y: labels for each output, in the
    structure of the outputs or by output name. loss, metrics: Keras' names, with settings after a colon
    ('huber:delta=2'), or `Loss` and `Metric`; one for all outputs, a list, or a dict by output name. optimizer: a name
    likewise, or an `Optimizer`, whose state goes on. validation_data: (x, y) or (x, y, sample_weight);
    validation_split: the share of the rows, from the end, that is kept for it. class_weight: class -> weight.
    seed: the order of rows, dropout and noise follow from it, and nothing else. trainable_layers: paths of the layers
    (or names of weights) that are trained; None: all that Keras would train. checkpoint: a file that the state is
    written to after each epoch, whole or not at all; resume: go on from it, to the same result bit for bit.

    `model` stays as it is; `history.model` is the trained one, which `save` writes. Dropout and noise are active,
    batch normalisation takes the statistics of its batch, penalties of the layers are added to the loss. Raises
    InputError for what does not fit, and where a layer acts in training in a way that cannot be followed here.
    """
    graph, problems = model.graph, Problems()
    rows = problems.trying(lambda: make_rows(graph, x, y, sample_weight, class_weight))
    held = problems.trying(lambda: _validation(model, validation_data))
    problems.trying(lambda: _positive("epochs", epochs))
    problems.trying(lambda: _positive("batch_size", batch_size))
    trained = problems.trying(lambda: trainable(graph, trainable_layers))
    problems.trying(lambda: check_trainable(graph, trained or []) if trained is not None else None)
    made = problems.trying(lambda: _optimizer(optimizer))
    settings = (loss, loss_weights, metrics, weighted_metrics)
    targets = problems.trying(lambda: make_targets(graph, rows, *settings))
    problems.trying(lambda: check_labels(targets or [], [part for part in (rows, held) if part is not None]))
    parts = problems.trying(lambda: (rows, held) if rows is None or held else _parted(rows, validation_split))
    problems.check()
    if rows is None or parts is None or trained is None or targets is None or made is None:
        raise InputError("This training cannot begin.")
    rows, held = parts[0] or rows, parts[1]
    trainer = Trainer(graph, model.weights, targets, made, seed, trained)
    training = Training(trainer, History(model))
    kept = None
    if checkpoint is not None:
        kept = Checkpoint(checkpoint, _settings(trainer, rows, held, batch_size, shuffle))
        if resume:
            kept.restore(training, callbacks)
    elif resume:
        raise InputError("resume needs a checkpoint to go on from.")
    with kept_memory():
        return run(training, trainer, rows, held, epochs, batch_size, callbacks, shuffle, kept)


def run(
    training: Training, trainer: Trainer, rows: Rows, held: Rows | None, epochs: int, batch_size: int,
    callbacks: Sequence[Callback], shuffle: bool, checkpoint: Checkpoint | None,
) -> History:  # fmt: skip
    """Run the epochs that are left."""
    history = training.history
    for callback in callbacks:
        callback.on_train_begin(training)
    while training.epoch < epochs and not training.stop:
        epoch = training.epoch
        for callback in callbacks:
            callback.on_epoch_begin(training, epoch)
        logs = _epoch(training, trainer, rows, batch_size, callbacks, shuffle)
        if held is not None:
            logs.update({f"val_{name}": value for name, value in trainer.evaluate(held, batch_size).items()})
        training.epoch += 1
        for callback in callbacks:
            callback.on_epoch_end(training, epoch, logs)
        history.add(epoch, logs)
        if checkpoint is not None:
            checkpoint.save(training, callbacks)
    if training.stop:
        history.stopped = training.epoch - 1
    trainer.optimizer.finish(trainer.weights)
    for callback in callbacks:
        callback.on_train_end(training)
    history.model = training.model()
    return history


def _epoch(
    training: Training, trainer: Trainer, rows: Rows, batch_size: int, callbacks: Sequence[Callback], shuffle: bool
) -> Logs:
    reset(trainer.targets)
    total = LogMean()
    order = np.random.default_rng([trainer.seed, ORDER, training.epoch]).permutation(rows.count) if shuffle else None
    for number, part in enumerate(batches(rows, batch_size, order)):
        total.add(trainer.step(part), part.count)
        if callbacks:
            logs = {**total.result(), **results(trainer.targets)}
            for callback in callbacks:
                callback.on_batch_end(training, number, logs)
    return {**total.result(), **results(trainer.targets)}


def _settings(trainer: Trainer, rows: Rows, held: Rows | None, batch_size: int, shuffle: bool) -> dict[str, Any]:
    """Return what a training must share with its checkpoint."""
    optimizer = {name: repr(value) for name, value in trainer.optimizer.settings().items()}
    targets = [
        [t.port, repr(t.loss), t.weight, [m.name for m in (*t.metrics, *t.weighted)]] for t in trainer.targets
    ]  # fmt: skip
    return {
        "optimizer": [type(trainer.optimizer).__name__, optimizer],
        "losses and metrics": targets,
        "seed": trainer.seed,
        "batch size": batch_size,
        "shuffle": shuffle,
        "trained weights": trainer.trained,
        "data or model": fingerprint(rows, {name: trainer.weights[name] for name in trainer.changing}),
        "validation data": None if held is None else fingerprint(held, {}),
    }


def _positive(name: str, value: Any) -> None:
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name} must be a whole number of at least 1, got {value!r:.40}.")


def _parted(rows: Rows, share: float) -> tuple[Rows, Rows | None]:
    return split(rows, share) if share else (rows, None)


def _validation(model: Model, given: Any) -> Rows | None:
    if given is None:
        return None
    if not isinstance(given, (list, tuple)) or len(given) not in (2, 3):
        raise InputError("validation_data must be (x, y) or (x, y, sample_weight).")
    x, y, weight = (*given, None)[:3]
    return make_rows(model.graph, x, y, weight, what="the x of validation_data")


def _optimizer(given: str | Optimizer) -> Optimizer:
    if isinstance(given, Optimizer):
        return given
    if not isinstance(given, str):
        raise InputError(f"An optimizer is a name or a kconvert_runtime.train.Optimizer, got {type(given).__name__}.")
    name, options = parse(given)
    return make_optimizer(name, **options)


def save(model: Model, folder: str | os.PathLike[str]) -> None:
    """Write a model as a bundle, whole or not at all; a bundle that is there is replaced.

    Raises OutputError where anything else is there.
    """
    write_bundle(Path(folder), model.graph, lambda name: model.weights[name])
