"""Rows: what is trained on, checked once, and handed out in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, paragraph, show
from kconvert_schemas.graph import Graph, Signature

from ..gradients.model import by_port
from ..inputs import flatten, prepare

BLOCK = 1024
"""Rows that are looked at at a time."""
PerOutput: TypeAlias = "dict[str, Array]"
"""An array for each output, by port name; outputs without one are left out."""


@dataclass(frozen=True)
class Rows:
    """Inputs in the order of their ports, and labels and weights by output."""

    inputs: Sequence[Array]
    labels: PerOutput
    weights: PerOutput

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.inputs[0]) if self.inputs else 0

    def part(self, rows: Any) -> Rows:
        """Return some rows, by a slice or by their numbers."""
        pick = {name: array[rows] for name, array in self.labels.items()}
        return Rows([x[rows] for x in self.inputs], pick, {name: w[rows] for name, w in self.weights.items()})


def make_rows(
    graph: Graph, x: Any, y: Any, sample_weight: Any = None, class_weight: Mapping[int, float] | None = None,
    what: str = "x",
) -> Rows:  # fmt: skip
    """Check what is to be trained on, and return it.

    Arrays may be mapped into memory: only a row is read here. InputError names what does not fit.
    """
    ports = graph.inputs.ports
    inputs = [_array(value, what) for value in flatten(graph.inputs, (x,))]
    labels = {name: _array(value, "y") for name, value in _outputs(graph.outputs, y, "y").items()}
    if sample_weight is not None and class_weight is not None:
        raise InputError("sample_weight and class_weight cannot be given together; put both into sample_weight.")
    weights = _weights(graph, labels, sample_weight)
    if class_weight is not None:
        weights = _by_class(labels, class_weight)
    for port, array in zip(ports, inputs, strict=True):
        prepare(port, array[:1])
    counts = {
        **{f"input {show(port.name)}": len(array) for port, array in zip(ports, inputs, strict=True)},
        **{f"labels of {show(name)}": len(array) for name, array in labels.items()},
        **{f"sample_weight of {show(name)}": len(array) for name, array in weights.items()},
    }
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise InputError(f"Inputs, labels and weights must have the same number of rows, got {said}.")
    if not next(iter(counts.values()), 0):
        raise InputError("There are no rows to train on.")
    _require_finite(
        {
            **{f"input {show(p.name)}": x for p, x in zip(ports, inputs, strict=True)},
            **{f"labels of {show(name)}": y for name, y in labels.items()},
            **{f"sample_weight of {show(name)}": w for name, w in weights.items()},
        }
    )
    return Rows(inputs, labels, weights)


def _require_finite(arrays: Mapping[str, Array]) -> None:
    """Raise InputError naming the first row of each array that holds NaN or an infinity: no loss could be computed."""
    problems = []
    for name, array in arrays.items():
        for start in range(0, len(array) if array.dtype.kind == "f" else 0, BLOCK):
            part = array[start : start + BLOCK]
            wrong = ~np.isfinite(part.reshape(len(part), -1)).all(axis=1)
            if wrong.any():
                problems.append(f"{name}: row {start + int(wrong.argmax())} holds NaN or an infinity")
                break
    if problems:
        raise InputError(paragraph("There are rows that cannot be trained on; leave them out:", problems))


def _array(value: Any, what: str) -> Array:
    array = np.asarray(value)
    if array.ndim == 0:
        raise InputError(f"{what} must be an array whose first axis counts rows, got {type(value).__name__}.")
    return array


def _outputs(signature: Signature, given: Any, what: str) -> dict[str, Any]:
    """Return what is given for each output: one value, a list, or a dict by output name; None is left out."""
    ports = signature.ports
    if len(ports) == 1 and not isinstance(given, Mapping):
        single = isinstance(given, (list, tuple)) and len(given) == 1 and isinstance(given[0], np.ndarray)
        return {ports[0].name: given[0] if single else given}
    if isinstance(given, Mapping) and given.keys() <= {port.name for port in ports}:
        return {name: value for name, value in given.items() if value is not None}
    try:
        found = by_port(signature.structure, given)
    except InputError:
        names = ", ".join(show(port.name) for port in ports)
        raise InputError(f"{what} must have an entry for each output, in their order or by name: {names}.") from None
    return {name: value for name, value in found.items() if value is not None}


def _weights(graph: Graph, labels: PerOutput, given: Any) -> PerOutput:
    """Return the weights of the rows of each output; one array serves all."""
    if given is None:
        return {}
    if isinstance(given, (Mapping, list, tuple)) and len(graph.outputs.ports) > 1:
        found = _outputs(graph.outputs, given, "sample_weight")
        return {name: _array(value, "sample_weight") for name, value in found.items()}
    return {name: _array(given, "sample_weight") for name in labels}


def _by_class(labels: PerOutput, class_weight: Mapping[int, float]) -> PerOutput:
    """Return a weight for each row, by its class (one-hot or a number); 1 for classes that are not named."""
    if len(labels) != 1:
        raise InputError("class_weight goes with one output; give sample_weight for several.")
    ((name, y),) = labels.items()
    if y.ndim > 1:
        y = y.argmax(axis=-1) if y.shape[-1] != 1 else y[..., 0]
    if y.ndim != 1:
        raise InputError(f"class_weight goes with one label for each row, got labels of shape {labels[name].shape}.")
    numbers = np.round(y).astype(np.int64)
    known = {int(number): float(weight) for number, weight in class_weight.items()}
    return {name: np.array([known.get(number, 1.0) for number in numbers.tolist()], np.float32)}


def split(rows: Rows, share: float) -> tuple[Rows, Rows]:
    """Return the rows without the last `share`, and those; before any shuffling, as Keras does."""
    if not 0 < share < 1:
        raise InputError(f"validation_split must lie between 0 and 1, got {share}.")
    cut = int(np.floor(rows.count * (1 - share)))
    if not 0 < cut < rows.count:
        raise InputError(f"validation_split {share} of {rows.count} rows leaves none on one side.")
    return rows.part(slice(cut)), rows.part(slice(cut, None))


def batches(rows: Rows, size: int, order: Array | None = None) -> Iterator[Rows]:
    """Yield `size` rows at a time, in their order or the given one; the last batch may be smaller."""
    for start in range(0, rows.count, size):
        yield rows.part(slice(start, start + size) if order is None else order[start : start + size])
