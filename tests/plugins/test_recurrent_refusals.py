"""Recurrent layers and wrappers that cannot be converted exactly say so; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_schemas.errors import KconvertError
from tests.helpers import layer_config, sequential_config, write_keras

SEQUENCE = (None, 5, 2)
LSTM = {"units": 3, "activation": "tanh", "recurrent_activation": "sigmoid"}
WEIGHTS = [(2, 12), (3, 12), (12,)]


def nested(class_name: str, **config: Any) -> dict[str, Any]:
    return layer_config(class_name, "inside", **config)


def stranger(name: str) -> dict[str, Any]:
    return {"module": "acme", "class_name": name, "config": {"name": "inside"}, "registered_name": f"acme>{name}"}


BACK = nested("LSTM", **LSTM, go_backwards=True)
REFUSED: list[tuple[str, str, tuple[int | None, ...], dict[str, Any]]] = [
    ("must be called with a tensor of 3 axes", "LSTM", (None, 2), LSTM),
    ("x must have at least one time step", "LSTM", (None, 0, 2), LSTM),
    ("has the shape (2, 12) in the file, its config asks for (2, 16)", "LSTM", SEQUENCE, {**LSTM, "units": 4}),
    ("'swash' is not one of keras.activations", "LSTM", SEQUENCE, {**LSTM, "activation": "swash"}),
    ("its setting 'go_backwards' must be true or false", "LSTM", SEQUENCE, {**LSTM, "go_backwards": 1}),
    ("its cell 'acme>Cell' is none of SimpleRNNCell, LSTMCell", "RNN", SEQUENCE, {"cell": stranger("Cell")}),
    ("its two layers run in the same direction", "Bidirectional", SEQUENCE, {"layer": BACK, "backward_layer": BACK}),
    (
        "its two layers differ in their setting 'return_state'", "Bidirectional", SEQUENCE,
        {"layer": nested("LSTM", **LSTM, return_state=True), "backward_layer": BACK},
    ),
    ("must be one of concat, sum, mul, ave", "Bidirectional", SEQUENCE,
     {"layer": nested("LSTM", **LSTM), "merge_mode": "stack"}),
    ("must be called with a tensor of 3 axes or more", "TimeDistributed", (None, 5), {"layer": nested("Flatten")}),
    ("its layer is stateful", "TimeDistributed", (2, 5, 4, 2), {"layer": nested("LSTM", **LSTM, stateful=True)}),
    ("must give one tensor", "TimeDistributed", (None, 5, 4, 2), {"layer": nested("LSTM", **LSTM, return_state=True)}),
    ("give both the same", "TimeDistributed", SEQUENCE,
     {"layer": nested("BatchNormalization", axis=-1, epsilon=1e-3), "dtype": "mixed_float16"}),
    ("no plugin converts the layer class 'acme>Layer'", "TimeDistributed", SEQUENCE, {"layer": stranger("Layer")}),
    ("must have known sizes beside batch and time", "ConvLSTM1D", (None, 5, None, 2), {"filters": 3, "kernel_size": 2}),
]  # fmt: skip
ADDRESSES = {
    "LSTM": ["lstm/cell"],
    "Bidirectional": ["bidirectional/forward_layer/cell", "bidirectional/backward_layer/cell"],
    "TimeDistributed": ["time_distributed/layer/cell"],
    "ConvLSTM1D": ["conv_lstm1d/cell"],
}
SHAPES = {"ConvLSTM1D": [(2, 2, 12), (2, 3, 12), (12,)]}


@pytest.mark.parametrize(("reason", "class_name", "shape", "config"), REFUSED)
def test_refused(reason: str, class_name: str, shape: Any, config: dict[str, Any], tmp_path: Path) -> None:
    """The message names the layer and says what does not fit."""
    model = sequential_config(layer_config(class_name, "it", **config), shape=shape)
    stored = {
        f"layers/{address}/vars/{i}": np.zeros(size, np.float32)
        for address in ADDRESSES.get(class_name, ())
        for i, size in enumerate(SHAPES.get(class_name, WEIGHTS))
    }
    refused(model, stored, reason, tmp_path)


def test_a_stateful_layer_called_twice(tmp_path: Path) -> None:
    """The second call would start from the state of the first."""
    layer = layer_config("LSTM", "it", **LSTM, stateful=True, return_sequences=True)
    start, used = sequential_config(layer, shape=(4, 5, 3))["config"]["layers"]
    layers = [{**start, "inbound_nodes": []}, {**used, "inbound_nodes": [call("input_layer"), call("it")]}]
    ends = {"input_layers": [["input_layer", 0, 0]], "output_layers": [["it", 1, 0]]}
    config = {"name": "m", "trainable": True, "layers": layers, **ends}
    model = {"module": "keras", "class_name": "Functional", "config": config, "registered_name": "Functional"}
    stored = {f"layers/lstm/cell/vars/{i}": np.zeros(s, np.float32) for i, s in enumerate([(3, 12), (3, 12), (12,)])}
    refused(model, stored, "it is stateful and called more than once", tmp_path)


def call(layer: str) -> dict[str, Any]:
    """A call on the first output of a layer, as a Functional model records it."""
    tensor = {"shape": [4, 5, 3], "dtype": "float32", "keras_history": [layer, 0, 0]}
    return {"args": [{"class_name": "__keras_tensor__", "config": tensor}], "kwargs": {}}


def refused(model: Any, stored: dict[str, np.ndarray], reason: str, folder: Path) -> None:
    file = write_keras(folder / "model.keras", model, stored)
    with pytest.raises(KconvertError) as error:
        kconvert.convert(file, folder / "out")
    assert "'it'" in str(error.value)
    assert reason in str(error.value)
    assert not (folder / "out").exists()
