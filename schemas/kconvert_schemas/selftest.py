"""selftest.npz: inputs of a model and what Keras made of them, so that a bundle can be checked without Keras."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bundle import SELFTEST, add_file
from .dtypes import HALVES, Array
from .errors import BundleError, BundleNotFound, show
from .graph import Graph, Port, TensorType
from .npz import from_storage, list_limit, read_npz, to_storage, write_npz

TOLERANCE, TOLERANCE_16 = 1e-4, 1e-2
"""Relative errors of a whole network that are rounding: in general, and where it computes with 16 bits."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Arrays by the names of inputs and outputs, and the relative error that is allowed."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    tolerance: float


def default_tolerance(graph: Graph) -> float:
    """Return the relative error that is rounding for this graph."""
    types = [*graph.values.values(), *(weight.type for weight in graph.weights.values())]
    return TOLERANCE_16 if any(type_.dtype in HALVES for type_ in types) else TOLERANCE


def write_selftest(folder: Path, graph: Graph, test: SelfTest) -> None:
    """Add a self-test to a bundle, in place of the one it has."""
    add_file(folder, SELFTEST, lambda file: write_npz(file, sorted(_stored(graph, test))))


def _stored(graph: Graph, test: SelfTest) -> Iterator[tuple[str, Array]]:
    yield "tolerance", np.array(test.tolerance, "<f8")
    for side, ports, arrays in (("in", graph.inputs.ports, test.inputs), ("out", graph.outputs.ports, test.outputs)):
        for port in ports:
            array = np.asarray(arrays[port.name])
            yield f"{side}/{port.name}", to_storage(array, port.type.dtype)
            yield f"{side}_shape/{port.name}", np.array(array.shape, "<i8")


def read_selftest(folder: Path, graph: Graph) -> SelfTest:
    """Return the self-test of a bundle; BundleNotFound when it has none, BundleError when it is damaged."""
    path = folder / SELFTEST
    if not path.is_file():
        raise BundleNotFound(
            f"{show(folder)} holds no self-test. `kbundle verify {folder} --against MODEL --record` adds one."
        )
    ports = [*graph.inputs.ports, *graph.outputs.ports]
    stored = dict(read_npz(path, 2 * list_limit(port.name for port in ports), SELFTEST))
    tolerance = stored.pop("tolerance", None)
    if tolerance is None or tolerance.dtype.str != "<f8" or tolerance.shape != () or not 0 <= tolerance < math.inf:
        raise BundleError(f"{SELFTEST} must hold 'tolerance', a number of the dtype float64 that is not negative.")
    inputs = {port.name: _array(stored, "in", port) for port in graph.inputs.ports}
    outputs = {port.name: _array(stored, "out", port) for port in graph.outputs.ports}
    if stored:
        raise BundleError(f"{SELFTEST} holds {show(next(iter(stored)))}, which is no input or output of the model.")
    return SelfTest(inputs, outputs, float(tolerance))


def _array(stored: dict[str, Array], side: str, port: Port) -> Array:
    name = f"{side}/{port.name}"
    array, sizes = stored.pop(name, None), stored.pop(f"{side}_shape/{port.name}", None)
    if array is None or sizes is None or sizes.dtype.str != "<i8" or sizes.ndim != 1:
        raise BundleError(f"{SELFTEST} must hold {show(name)} and its shape.")
    shape, wanted = tuple(map(int, sizes)), port.type.shape
    fits = len(shape) == len(wanted) and all(b in (None, a) for a, b in zip(shape, wanted, strict=True))
    if not fits or any(n < 0 for n in shape):
        raise BundleError(f"{SELFTEST}: {show(name)} has the shape {shape}, graph.json says {port.type}.")
    return from_storage(array, TensorType(shape, port.type.dtype), name, SELFTEST)
