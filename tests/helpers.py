"""Small graphs and model files made by hand, so that tests need no Keras."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kconvert_schemas import Graph, Node, Port, Signature, TensorType, Weight, check
from kconvert_schemas.attrs import complete
from kconvert_schemas.opset import find_op

F = "float32"
needs_docstrings = pytest.mark.skipif(sys.flags.optimize > 1, reason="python -OO keeps no docstrings")


def dense_graph() -> Graph:
    """x[?, 2] -> matmul -> relu."""
    x, y = TensorType((None, 2), F), TensorType((None, 3), F)
    return Graph(
        inputs=Signature("x", (Port("x", "x", x),)),
        outputs=Signature("y", (Port("y", "act", y),)),
        nodes=(
            Node("matmul", "mm", "dense", ("x", "dense/kernel"), ("mm",), {}),
            Node("relu", "act", "dense", ("mm",), ("act",), {}),
        ),
        values={"mm": y, "act": y},
        weights={"dense/kernel": Weight(TensorType((2, 3), F), True, "layers/dense/vars/0")},
        opsets={"kconvert": 1},
    )


KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3) - 2


def layer_config(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    """A layer as Keras 3 serialises it."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, "dtype": F, **config},
        "registered_name": None,
    }


def sequential_config(*layers: dict[str, Any], shape: tuple[int | None, ...] = (None, 2)) -> dict[str, Any]:
    """A Sequential model as Keras 3 serialises it."""
    start = layer_config("InputLayer", "input_layer", batch_shape=list(shape))
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "sequential", "trainable": True, "dtype": F, "layers": [start, *layers]},
        "registered_name": None,
    }


def write_keras(path: Path, config: Any, weights: Mapping[str, np.ndarray], **members: bytes) -> Path:
    """Write a `.keras` zip by hand."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for address, values in weights.items():
            file[address] = values
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", buffer.getvalue())
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def dense_file(path: Path, **options: Any) -> Path:
    """A one-layer model file."""
    config = sequential_config(layer_config("Dense", "dense", **{"units": 3, "use_bias": False, **options}))
    return write_keras(path, config, {"layers/dense/vars/0": KERNEL})


def make_graph(
    inputs: Mapping[str, TensorType], nodes: Sequence[Node], outputs: Sequence[str], weights: Mapping[str, np.ndarray]
) -> Graph:
    """A checked graph; the types of its values are inferred."""
    types = {**inputs, **{name: TensorType(array.shape, array.dtype.name) for name, array in weights.items()}}
    values: dict[str, TensorType] = {}
    for node in nodes:
        spec = find_op(node.op)
        assert spec is not None
        found = spec.infer(
            [None if value is None else types[value] for value in node.inputs], complete(spec, node.attrs)
        )
        values.update(zip(node.outputs, found, strict=True))
        types.update(values)
    return check(
        Graph(
            inputs=Signature(list(inputs), tuple(Port(name, name, type_) for name, type_ in inputs.items())),
            outputs=Signature(list(outputs), tuple(Port(name, name, types[name]) for name in outputs)),
            nodes=tuple(nodes),
            values=values,
            weights={name: Weight(types[name], True, name) for name in weights},
            opsets={"kconvert": 1},
        )
    )
