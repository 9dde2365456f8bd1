"""Running a model on long inputs, by name, a batch at a time, with the outputs of layers on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show

from .model import Model, Progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outputs of a model by name, and of tapped layers by path ('path/0', 'path/1' where there are several)."""

    outputs: dict[str, Array]
    taps: dict[str, Array]


def run(
    model: Model, feeds: Mapping[str, Array], *, batch_size: int, taps: Sequence[str] = (),
    progress: Progress | None = None,
) -> Outcome:  # fmt: skip
    """Run `model` on arrays by input name, `batch_size` rows at a time; all rows at once where its batch is fixed.

    progress: called with (rows done, rows). Raises InputError.
    """
    rows = _rows(feeds)
    if any(value.shape[:1] != (None,) for value in model.inputs):
        batch_size = max(rows, 1)
    if not taps:
        result = model.predict(dict(feeds), batch_size=batch_size, progress=progress or False)
        return Outcome(_named(model, result), {})
    parts = []
    for start in range(0, max(rows, 1), batch_size):
        batch = {name: array[start : start + batch_size] for name, array in feeds.items()}
        outputs, tapped = model(batch, taps=taps)
        parts.append((_named(model, outputs), _flat(tapped)))
        if progress:
            progress(min(start + batch_size, rows), rows)
    return Outcome(_joined([part[0] for part in parts]), _joined([part[1] for part in parts]))


def to_npy(
    model: Model, feeds: Mapping[str, Array], path: Path, *, batch_size: int, progress: Progress | None = None
) -> None:
    """Run `model` as `run` does, and write its only output to a .npy file batch by batch, whole or not at all."""
    from .files.results import NpyRows, written

    written(path, lambda file: model.stream_to(NpyRows(file), (dict(feeds),), batch_size, progress or False))


def _rows(feeds: Mapping[str, Array]) -> int:
    rows = {name: len(array) for name, array in feeds.items() if array.ndim}
    if len(set(rows.values())) > 1:
        found = ", ".join(f"{show(name)} has {count}" for name, count in rows.items())
        raise InputError(f"All inputs must have the same number of rows; {found}.")
    return next(iter(rows.values()), 0)


def _named(model: Model, result: Any) -> dict[str, Array]:
    """Return the arrays of a result by output name, in the order of `model.outputs`."""
    found = _paired(model.graph.outputs.structure, result)
    return {value.name: found[value.name] for value in model.outputs}


def _paired(structure: Any, result: Any) -> dict[str, Array]:
    """Pair the names in a structure with the arrays of a result of the same form."""
    if isinstance(structure, dict):
        pairs = [(structure[key], result[key]) for key in structure]
    elif isinstance(structure, (list, tuple)):
        pairs = list(zip(structure, result, strict=True))
    else:
        return {structure: result}
    return {name: array for part, value in pairs for name, array in _paired(part, value).items()}


def _flat(tapped: Mapping[str, Any]) -> dict[str, Array]:
    flat: dict[str, Array] = {}
    for path, value in tapped.items():
        flat.update(
            {f"{path}/{i}": array for i, array in enumerate(value)} if isinstance(value, list) else {path: value}
        )
    return flat


def _joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    if len(parts) == 1:
        return dict(parts[0])
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
