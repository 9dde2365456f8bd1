"""Checkpoints: all that a training needs to go on, in one file that is replaced whole after each epoch.

A training that goes on from a checkpoint does what it would have done without the break, bit for bit: the order of rows
depends on the seed and the number of the epoch, dropout on the seed and the number of the step.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, KconvertError, OutputError, show
from kconvert_schemas.limits import MB
from kconvert_schemas.npz import read_npz, write_npz
from kconvert_schemas.strict_json import Bounds, parse

from .callbacks import Callback
from .data import Rows

if TYPE_CHECKING:
    from .fit import Training

VERSION = 1
FACTS = "facts"
LIST_LIMIT = 64 * MB
FACTS_BOUNDS = Bounds(64 * MB, 100, 20, ("of checkpoints", "of checkpoints"))
KINDS: dict[str, Any] = {
    "settings": dict, "epoch": int, "steps": int, "stop": bool, "learning_rate": (int, float, type(None)),
    "history": dict, "callbacks": list,
}  # fmt: skip
"""What stands in a checkpoint beside its arrays."""


class Checkpoint:
    """The file of a training, and the settings that must be the same when it goes on."""

    def __init__(self, path: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
        self.path, self.settings = Path(path), json.loads(json.dumps(settings))

    def save(self, training: Training, callbacks: Sequence[Callback]) -> None:
        """Write the state after an epoch: beside the file, synced, renamed."""
        states = [callback.state() for callback in callbacks]
        facts = {
            "version": VERSION,
            "settings": self.settings,
            "epoch": training.epoch,
            "steps": training.steps,
            "stop": training.stop,
            "learning_rate": None if callable(training.optimizer.learning_rate) else training.learning_rate,
            "history": training.history.as_json(),
            "callbacks": [{key: value for key, value in state.items() if key != "weights"} for state in states],
        }
        arrays: dict[str, Array] = {FACTS: np.frombuffer(json.dumps(facts).encode(), np.uint8)}
        arrays.update({f"weights/{name}": training.weights[name] for name in training.changing})
        for name, slots in training.optimizer.state.items():
            arrays.update({f"optimizer/{slot}/{name}": array for slot, array in slots.items()})
        for i, state in enumerate(states):
            arrays.update({f"callback/{i}/{name}": array for name, array in state.get("weights", {}).items()})
        self._write(arrays)

    def _write(self, arrays: Mapping[str, Array]) -> None:
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    write_npz(file, arrays.items())
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(self.path)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{show(self.path)} cannot be written: {error.strerror or error}.") from error

    def restore(self, training: Training, callbacks: Sequence[Callback]) -> bool:
        """Go back to the state in the file; returns False where there is none.

        Raises InputError where the file is damaged or of a training with other settings.
        """
        if not self.path.exists():
            return False
        facts, arrays = self._read()
        different = [name for name, value in self.settings.items() if facts["settings"].get(name) != value]
        if different:
            raise InputError(
                f"{show(self.path)} is the checkpoint of another training: {', '.join(different)} "
                f"{'differs' if len(different) == 1 else 'differ'}. Go on with the same settings and data, "
                "or begin anew."
            )
        if len(facts["callbacks"]) != len(callbacks):
            raise InputError(f"{show(self.path)} was written with other callbacks. Go on with the same ones.")
        try:
            self._go_on(training, callbacks, facts, arrays)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"{show(self.path)} does not fit this training ({error}). Begin anew.") from error
        return True

    def _go_on(
        self, training: Training, callbacks: Sequence[Callback], facts: Mapping[str, Any], arrays: Mapping[str, Array]
    ) -> None:
        training.set_weights(dict(_under(arrays, "weights/")))
        training.go_on(facts["epoch"], facts["steps"], facts["stop"], facts["history"])
        slots = dict(_under(arrays, "optimizer/"))
        strangers = {key.partition("/")[2] for key in slots} - set(training.changing)
        if strangers:
            raise ValueError(f"{show(min(strangers))} is no weight that is trained")
        training.optimizer.restore(facts["steps"], facts["learning_rate"], slots)
        for i, (callback, state) in enumerate(zip(callbacks, facts["callbacks"], strict=True)):
            weights = dict(_under(arrays, f"callback/{i}/"))
            callback.restore({**state, "weights": weights} if weights else state)

    def _read(self) -> tuple[dict[str, Any], dict[str, Array]]:
        try:
            stored = read_npz(self.path, LIST_LIMIT, str(self.path))
            facts = parse(stored[FACTS].tobytes(), FACTS_BOUNDS)
            _check_facts(facts)
        except (KeyError, ValueError, KconvertError) as error:
            raise InputError(f"{show(self.path)} is not a checkpoint, or is damaged ({error}). Begin anew.") from error
        return facts, {name: np.array(array) for name, array in stored.items() if name != FACTS}

    def remove(self) -> None:
        """Remove the file, once the training is done."""
        self.path.unlink(missing_ok=True)


def _check_facts(facts: Any) -> None:
    """Raise ValueError unless the facts have the form that `save` gives them."""
    if not isinstance(facts, dict) or facts.get("version") != VERSION:
        raise ValueError("it is of another version")
    wrong = [name for name, kind in KINDS.items() if not isinstance(facts.get(name), kind)]
    wrong += [name for name in ("epoch", "steps") if name not in wrong and not 0 <= facts[name] < 2**63]
    if wrong or not all(isinstance(state, dict) for state in facts["callbacks"]):
        raise ValueError(f"{show(wrong[0] if wrong else 'callbacks')} is not what it should be")


def fingerprint(rows: Rows, weights: Mapping[str, Array]) -> dict[str, Any]:
    """Return what tells data and weights from others: sizes and checksums."""
    labels = {name: zlib.crc32(np.ascontiguousarray(y).tobytes()) for name, y in rows.labels.items()}
    first = [zlib.crc32(np.ascontiguousarray(x[:64]).tobytes()) for x in rows.inputs]
    start = 0
    for name in sorted(weights):
        start = zlib.crc32(np.ascontiguousarray(weights[name]).tobytes(), start)
    return {"x": [[list(x.shape), crc] for x, crc in zip(rows.inputs, first, strict=True)], "y": labels, "start": start}


def _under(arrays: Mapping[str, Array], prefix: str) -> Iterator[tuple[str, Array]]:
    return ((name.removeprefix(prefix), array) for name, array in arrays.items() if name.startswith(prefix))
