"""What was followed is run once beside Keras: a difference means that following went wrong, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import ConversionError
from kconvert_schemas.graph import Graph

from ..structures import flatten

ROWS, STEPS = 3, 5
DIFFERENT = (
    "followed through the classes that were imported, the model gives other numbers in this output than Keras, so "
    "nothing was written. A class does what cannot be followed, such as to draw random numbers or to depend on values "
    "outside the model. Write a plugin for it (docs/plugins.md)."
)
TOLERANCE = 1e-2
"""Relative to the largest output. It tells another function from rounding; exactness is the matter of the tests."""


def compare(keras: Any, model: Any, graph: Graph, read: Callable[[str], Array]) -> None:
    """Run the graph and the live model on the same numbers; ConversionError where they differ.

    Inputs of other kinds than single tensors and lists of them, and those that Keras cannot run, are not compared.
    """
    arrays = [_sample(port.type.shape, port.type.dtype, i) for i, port in enumerate(graph.inputs.ports)]
    if any(array is None for array in arrays) or isinstance(getattr(model, "_inputs_struct", None), dict):
        return
    try:
        outputs = model(arrays if len(arrays) > 1 else arrays[0], training=False)
        theirs = [np.asarray(keras.ops.convert_to_numpy(leaf)) for leaf in keras.tree.flatten(outputs)]
    except Exception:
        return
    from kconvert_runtime import Model

    mine = flatten(Model(graph, {name: read(name) for name in graph.weights})(*arrays))
    for port, a, b in zip(graph.outputs.ports, mine, theirs, strict=True):
        if not _near(np.asarray(a), b):
            raise ConversionError(f"{port.name!r}: {DIFFERENT}")


def _sample(shape: tuple[int | None, ...], dtype: str, seed: int) -> Array | None:
    rng = np.random.default_rng(seed)
    sizes = [ROWS if i == 0 else STEPS if n is None else n for i, n in enumerate(shape)]
    if dtype.startswith(("float", "bfloat")):
        return rng.uniform(-1, 1, sizes).astype("float32" if dtype == "bfloat16" else dtype)
    if "int" in dtype or dtype == "bool":
        return rng.integers(0, 2, sizes).astype(dtype)
    return None


def _near(mine: Array, theirs: Array) -> bool:
    if mine.shape != theirs.shape or (theirs.dtype.kind not in "fiub" and theirs.dtype.name != "bfloat16"):
        return mine.shape == theirs.shape
    a, b = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    scale = np.abs(b[np.isfinite(b)]).max(initial=1e-6)
    return bool(np.allclose(a, b, rtol=0, atol=TOLERANCE * scale, equal_nan=True))
