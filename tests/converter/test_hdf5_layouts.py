"""One model in all the ways in which HDF5 can hold it: names, attributes, dtypes, chunks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import kconvert
from tests.helpers import layer_config, sequential_config, write_keras

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4, 5)).astype(np.float32)
WEIGHTS: dict[str, dict[str, np.ndarray]] = {
    "lstm/a": {
        "lstm/a/lstm_cell/kernel:0": RNG.integers(-8, 8, (5, 12)) / 8,
        "lstm/a/lstm_cell/recurrent_kernel:0": RNG.integers(-8, 8, (3, 12)) / 8,
        "lstm/a/lstm_cell/bias:0": RNG.integers(-8, 8, 12) / 8,
    },
    "drop": {},
    "norm": {
        "norm/gamma:0": np.array([1, 2, 0.5]),
        "norm/beta:0": np.array([0.5, 0, -1]),
        "norm/moving_mean:0": np.array([0.25, 0, 0]),
        "norm/moving_variance:0": np.array([1, 4, 0.25]),
    },
    "out": {"out/kernel:0": RNG.integers(-8, 8, (3, 2)) / 8, "out/bias:0": np.array([0.5, -0.5])},
}


def config(**first: Any) -> dict[str, Any]:
    def layer(class_name: str, name: str, **settings: Any) -> dict[str, Any]:
        return {"class_name": class_name, "config": {"name": name, "trainable": True, "dtype": "float32", **settings}}

    lstm = layer("LSTM", "lstm/a", units=3, activation="tanh", recurrent_activation="sigmoid", **first)
    return {
        "class_name": "Sequential",
        "config": {
            "name": "s",
            "layers": [
                lstm,
                layer("Dropout", "drop", rate=0.5),
                layer("BatchNormalization", "norm", axis=[1], epsilon=1e-3),
                layer("Dense", "out", units=2, activation="linear"),
            ],
        },
    }


CONFIG = config(batch_input_shape=[None, 4, 5])
PLAIN: dict[str, Any] = {
    "names": "bytes", "dtype": "<f4", "options": {}, "version": b"2.3.1", "split": 1, "libver": None, "listed": True,
    "top": "model_weights", "first": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What the same model gives as a zip of Keras 3."""
    folder = tmp_path_factory.mktemp("expected")
    layers = [
        layer_config("LSTM", "l", units=3, activation="tanh", recurrent_activation="sigmoid"),
        layer_config("BatchNormalization", "n", axis=1, epsilon=1e-3),
        layer_config("Dense", "d", units=2),
    ]
    addresses = ["lstm/cell/vars", "batch_normalization/vars", "dense/vars"]
    arrays = [list(weights.values()) for weights in WEIGHTS.values() if weights]
    stored = {
        f"layers/{address}/{i}": array.astype(np.float32)
        for address, listed in zip(addresses, arrays, strict=True)
        for i, array in enumerate(listed)
    }
    kconvert.convert(
        write_keras(folder / "m.keras", sequential_config(*layers, shape=(None, 4, 5)), stored), folder / "out"
    )
    return np.asarray(kconvert.load(folder / "out")(X))


def named(names: list[str], how: str) -> Any:
    """A list of names as h5py stores it: fixed or variable length, bytes or str."""
    if how == "bytes":
        return [name.encode() for name in names]
    if how == "fixed":
        return np.array([name.encode() for name in names], "S60")
    return np.array(names, h5py.string_dtype())


def list_names(group: Any, attribute: str, names: list[str], how: str, split: int) -> None:
    if split == 1 or not names:
        group.attrs[attribute] = named(names, how) if names else np.zeros(0)
        return
    for i, part in enumerate(np.array_split(np.array(names), split)):
        if len(part):
            group.attrs[f"{attribute}{i}"] = named(part.tolist(), how)


def write(path: Path, changes: Mapping[str, Any], content: Mapping[str, Any] = CONFIG) -> Path:
    s = {**PLAIN, **changes}
    with h5py.File(path, "w", libver=s["libver"]) as file:
        text = json.dumps(content)
        file.attrs["model_config"] = text.encode() if s["names"] == "bytes" else text
        file.attrs["training_config"] = b'{"loss": "mse"}'
        optimizer = file.create_group("optimizer_weights")
        optimizer.attrs["weight_names"] = [b"Adam/iterations:0"]
        optimizer["Adam/iterations:0"] = 7
        group = file.create_group(s["top"]) if s["top"] else file
        if s["version"]:
            group.attrs["keras_version"] = file.attrs["keras_version"] = s["version"]
        if s["listed"]:
            list_names(group, "layer_names", [*s["first"], *WEIGHTS], s["names"], s["split"])
        for layer in s["first"]:
            group.create_group(layer).attrs["weight_names"] = np.zeros(0)
        for layer, arrays in WEIGHTS.items():
            inner = group.create_group(layer)
            list_names(inner, "weight_names", list(arrays), s["names"], min(s["split"], len(arrays) or 1))
            for name, values in arrays.items():
                inner.create_dataset(name, data=values.astype(s["dtype"]), **s["options"])
        group.create_group("top_level_model_weights").attrs["weight_names"] = np.zeros(0)
    return path


LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "names as str": {"names": "str", "version": "2.12.0"},
    "names of fixed length": {"names": "fixed"},
    "names in several attributes": {"split": 3},
    "str in several attributes": {"split": 2, "names": "str"},
    "no version": {"version": None},
    "no layer_names": {"listed": False},
    "InputLayer listed": {"first": ["input_1"]},
    "weights at the top": {"top": ""},
    "float64": {"dtype": "<f8"},
    "float16": {"dtype": "<f2"},
    "big-endian": {"dtype": ">f4"},
    "big-endian float64": {"dtype": ">f8"},
    "gzip": {"options": {"chunks": True, "compression": "gzip", "shuffle": True}},
    "gzip and checksums": {"options": {"chunks": True, "compression": 9, "fletcher32": True}},
    "extensible": {"options": {"chunks": True, "maxshape": None}},
    "newest HDF5": {"libver": "latest", "names": "str"},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name: str, expected: np.ndarray, tmp_path: Path) -> None:
    kconvert.convert(write(tmp_path / "m.h5", LAYOUTS[name]), tmp_path / "out")
    found = kconvert.load(tmp_path / "out")(X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_other_ways_to_say_the_input(expected: np.ndarray, tmp_path: Path) -> None:
    start = {"class_name": "InputLayer", "config": {"name": "i", "batch_input_shape": [None, 4, 5], "dtype": "float32"}}
    listed = config(batch_input_shape=[None, 4, 5])["config"]["layers"]
    for content in (
        {"class_name": "Sequential", "config": {"name": "s", "layers": [start, *config()["config"]["layers"]]}},
        {"class_name": "Sequential", "config": listed},
        config(input_shape=[4, 5]),
    ):
        kconvert.convert(write(tmp_path / "m.h5", {}, content), tmp_path / "out")
        np.testing.assert_allclose(kconvert.load(tmp_path / "out")(X), expected, rtol=1e-5)


def test_a_model_that_begins_with_a_model(tmp_path: Path) -> None:
    """Keras before 2.4 writes no InputLayer for a Sequential: its input is that of the model in it."""
    start = {"class_name": "InputLayer", "config": {"name": "i", "batch_input_shape": [None, 3], "dtype": "float32"}}
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 2, "use_bias": False, "activation": "linear"}}
    functional = {
        "class_name": "Model",
        "config": {
            "name": "base",
            "layers": [
                {**start, "name": "i", "inbound_nodes": []},
                {**dense, "name": "d", "inbound_nodes": [[["i", 0, 0, {}]]]},
            ],
            "input_layers": [["i", 0, 0]],
            "output_layers": [["d", 0, 0]],
        },
    }
    shaped = {"class_name": "Dense", "config": {**dense["config"], "batch_input_shape": [None, 3]}}
    kernel = np.arange(6, dtype=np.float32).reshape(3, 2)
    for base in (
        functional,
        {"class_name": "Sequential", "config": {"name": "base", "layers": [shaped]}},
        {"class_name": "Sequential", "config": {"name": "base", "layers": [functional]}},
    ):
        content = {"class_name": "Sequential", "config": {"name": "s", "layers": [base]}}
        with h5py.File(tmp_path / "m.h5", "w") as file:
            file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(content), "2.2.4-tf"
            group = file.create_group("model_weights/base")
            group.attrs["weight_names"] = [b"d/kernel:0"]
            group["d/kernel:0"] = kernel
        kconvert.convert(tmp_path / "m.h5", tmp_path / "out")
        x = np.ones((2, 3), np.float32)
        np.testing.assert_allclose(kconvert.load(tmp_path / "out")(x), x @ kernel)
