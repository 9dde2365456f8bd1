"""A trained model converted, and its predictions beside those of Keras."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
from common import macro_f1

import kconvert
from kconvert_runtime.work import multiply_adds
from kconvert_schemas.graph import Graph, TensorType
from kconvert_schemas.opset import find_op

from . import data
from .models import CLASSES
from .results import digits
from .variants import Network

BATCH = 256


def compare(network: Network, out: Path) -> dict[str, Any]:
    """Convert `out`/models/NAME.keras and run it and the original on the test set."""
    path, bundle = model_path(out, network), bundle_path(out, network)
    kconvert.convert(path, bundle)
    model = kconvert.load(bundle)
    reference = keras.saving.load_model(path, compile=False)
    x, y = data.load(out, network, "test")
    theirs = np.asarray(reference.predict(x, batch_size=BATCH, verbose=0))
    ours = np.asarray(model.predict(x, batch_size=BATCH))
    classes = CLASSES[network.task]
    return {
        "keras": _scored(theirs, y, classes),
        "kconvert": _scored(ours, y, classes),
        "largest_difference": float(np.abs(theirs - ours).max()),
        "parameters": sum(math.prod(weight.type.shape) for weight in model.graph.weights.values()),
        "multiply_adds": count_multiply_adds(model.graph, (1, *x.shape[1:])),
    }


def model_path(out: Path, network: Network) -> Path:
    """The file of the model that Keras trained."""
    return out / "models" / f"{network.name}.keras"


def bundle_path(out: Path, network: Network, suffix: str = "") -> Path:
    """The folder of its conversion, or of another state of it."""
    folder = out / "bundles"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (network.name + suffix)


def count_multiply_adds(graph: Graph, shape: tuple[int, ...]) -> int:
    """The multiplications, each with an addition, of one run on an input of `shape`."""
    types = {name: weight.type for name, weight in graph.weights.items()}
    port = graph.inputs.ports[0]
    types[port.value] = TensorType(shape, port.type.dtype)
    total = 0
    for node in graph.nodes:
        inputs = [None if value is None else types[value] for value in node.inputs]
        types.update(zip(node.outputs, find_op(node.op).infer(inputs, node.attrs), strict=True))
        shapes = [None if type_ is None else type_.shape for type_ in inputs]
        total += multiply_adds(node, shapes, types[node.outputs[0]].shape)
    return total


def _scored(probabilities: np.ndarray, y: np.ndarray, classes: int) -> dict[str, Any]:
    predicted = probabilities.argmax(axis=1)
    return {"f1": macro_f1(y, predicted, classes), "predictions": digits(predicted)}
