"""Comparing what a bundle gives with what Keras gave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import kconvert
from kconvert.lowering import Lowering
from kconvert.plugins import load_registry
from kconvert.readers import read_model
from kconvert_runtime import Model
from kconvert_schemas import Graph, check, read_bundle
from kconvert_schemas.codec import decode, encode
from kconvert_schemas.npz import from_storage, to_storage
from tests.cases.spec import Case

REGISTRY = load_registry()[0]


def flatten(value: Any) -> list[np.ndarray]:
    """Return the arrays of a nest in Keras' order."""
    if isinstance(value, Mapping):
        return [leaf for key in sorted(value) for leaf in flatten(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten(item)]
    return [np.asarray(value)]


def assert_same(case: Case, got: Any, expected: list[np.ndarray]) -> None:
    """Fail unless every output has Keras' shape, dtype kind and values within the case's tolerance."""
    outputs = flatten(got)
    assert len(outputs) == len(expected), f"{len(outputs)} outputs, Keras gives {len(expected)}"
    for index, (mine, theirs) in enumerate(zip(outputs, expected, strict=True)):
        assert mine.shape == theirs.shape, f"output {index}: shape {mine.shape}, Keras gives {theirs.shape}"
        if theirs.dtype.kind in "OSU":
            assert mine.tolist() == theirs.tolist(), f"output {index}: strings differ"
            continue
        assert mine.dtype == theirs.dtype, f"output {index}: {mine.dtype}, Keras gives {theirs.dtype}"
        error = relative_error(mine, theirs)
        assert error <= case.tolerance, f"output {index}: error {error:.2e} above {case.tolerance:.0e}"


def relative_error(mine: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference over the largest magnitude; infinite where NaN or infinities do not match."""
    if mine.size == 0:
        return 0.0
    a, b = (np.asarray(v, np.complex128 if v.dtype.kind == "c" else np.float64) for v in (mine, theirs))
    finite = np.isfinite(b)
    if not np.array_equal(finite, np.isfinite(a)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    scale = np.abs(b[finite]).max(initial=0.0)
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0) / max(scale, 1e-3))


def check_file(case: Case, file: Path, inputs: list[np.ndarray], expected: list[np.ndarray], folder: Path) -> None:
    """Convert a model file to a bundle on disk, load it and compare."""
    kconvert.convert(file, folder, registry=REGISTRY)
    graph, weights = read_bundle(folder)
    check_model(case, graph, weights, inputs, expected)


def check_in_memory(case: Case, file: Path, inputs: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """Convert a model file in memory and compare; nothing is written."""
    check_model(case, *in_memory(file), inputs, expected)


def in_memory(file: Path) -> tuple[Graph, dict[str, Any]]:
    """Convert a model file, and pass graph and weights through their stored forms."""
    lowering = Lowering(read_model(file), REGISTRY)
    graph = check(decode(json.loads(json.dumps(encode(lowering.run("test"))))))
    stored = {name: to_storage(lowering.builder.read(name), w.type.dtype) for name, w in graph.weights.items()}
    return graph, {name: from_storage(stored[name], w.type, name) for name, w in graph.weights.items()}


def check_model(
    case: Case, graph: Graph, weights: Mapping[str, Any], inputs: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    """Compare with Keras' outputs: optimised, after a run on other values, as written, and on an empty batch."""
    model = Model(graph, weights)
    model(*[np.flip(array) for array in inputs])
    assert_same(case, model(*inputs), expected)
    assert_same(case, Model(graph, weights, optimize=False)(*inputs), expected)
    dynamic = all(value.shape and value.shape[0] is None for value in model.inputs)
    batched = all(value.shape and value.shape[0] is None for value in model.outputs)
    if dynamic and batched:
        for output in flatten(model(*[array[:0] for array in inputs])):
            assert output.shape[0] == 0, "an empty batch must give an empty batch"
