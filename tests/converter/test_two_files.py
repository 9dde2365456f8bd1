"""The architecture in one file, the weights in another: all that Keras 1, 2 and 3 write that way."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import kconvert
from kconvert_schemas import ConversionError, InputError, ModelFileError
from tests.helpers import KERNEL, dense_file, layer_config, sequential_config, write_keras

X = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
BIAS = np.array([1, 2, 3], np.float32)


def old(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, **config}}


KERAS_2 = {
    "class_name": "Sequential",
    "keras_version": "2.2.4",
    "config": {
        "name": "s",
        "layers": [
            old("Dense", "first", units=3, batch_input_shape=[None, 2], kernel_initializer="zeros"),
            old("Activation", "relu", activation="relu"),
            old("Dense", "second", units=1, use_bias=False, kernel_initializer="zeros"),
        ],
    },
}
LISTED = {
    "first": {"first/kernel:0": KERNEL, "first/bias:0": BIAS},
    "relu": {},
    "second": {"second/kernel:0": np.ones((3, 1), np.float32)},
}
EXPECTED = np.maximum(X @ KERNEL + BIAS, 0).sum(axis=1, keepdims=True)


def write_text(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def write_listed(path: Path, listed: dict[str, dict[str, np.ndarray]], version: str = "2.2.4", top: str = "") -> Path:
    """Weights by layer, as `save_weights('m.h5')` of Keras 1 and 2 writes them."""
    with h5py.File(path, "w") as file:
        group = file.create_group(top) if top else file
        group.attrs["layer_names"] = [name.encode() for name in listed]
        if version:
            group.attrs["keras_version"] = version.encode()
        for layer, arrays in listed.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = np.array([name.encode() for name in arrays], "S40")
            for name, values in arrays.items():
                inner[name] = values
    return path


def write_addressed(path: Path, weights: dict[str, np.ndarray]) -> Path:
    """Weights by address, as `save_weights('m.weights.h5')` of Keras 3 writes them."""
    with h5py.File(path, "w") as file:
        for address, values in weights.items():
            file[address] = values
    return path


def converted(model: Any, out: Path, config: Path | None = None) -> np.ndarray:
    kconvert.convert(model, out, config=config)
    return np.asarray(kconvert.load(out)(X))


def test_either_order_and_the_option(tmp_path: Path) -> None:
    text, weights = write_text(tmp_path / "m.json", KERAS_2), write_listed(tmp_path / "w.h5", LISTED)
    for model, config in ((f"{text}+{weights}", None), (f"{weights}+{text}", None), (weights, text)):
        np.testing.assert_allclose(converted(model, tmp_path / "out", config), EXPECTED)
    report = kconvert.convert(weights, None, config=text, dry_run=True)
    assert (report.source, report.keras_version, report.container) == ("m.json+w.h5", "2.2.4", "json + hdf5")


def test_names_of_files_may_hold_a_plus(tmp_path: Path) -> None:
    text, weights = write_text(tmp_path / "a+b.json", KERAS_2), write_listed(tmp_path / "w+.h5", LISTED)
    np.testing.assert_allclose(converted(f"{text}+{weights}", tmp_path / "out"), EXPECTED)
    np.testing.assert_allclose(converted(dense_file(tmp_path / "c+d.keras"), tmp_path / "out"), X @ KERNEL)


def test_layers_of_other_names_are_taken_in_order(tmp_path: Path) -> None:
    renamed = {f"{name}_7": arrays for name, arrays in LISTED.items()}
    file = write_listed(tmp_path / "w.h5", renamed)
    np.testing.assert_allclose(converted(file, tmp_path / "out", write_text(tmp_path / "m.json", KERAS_2)), EXPECTED)


def test_a_whole_model_gives_its_weights_or_its_architecture(tmp_path: Path) -> None:
    text, weights = (
        write_text(tmp_path / "m.json", KERAS_2),
        write_listed(tmp_path / "w.h5", LISTED, top="model_weights"),
    )
    np.testing.assert_allclose(converted(weights, tmp_path / "out", text), EXPECTED)
    model = dense_file(tmp_path / "m.keras")
    other = write_addressed(tmp_path / "m.weights.h5", {"layers/dense/vars/0": KERNEL * 2})
    np.testing.assert_allclose(converted(other, tmp_path / "out", model), X @ (KERNEL * 2))
    np.testing.assert_allclose(converted(f"{model}+{other}", tmp_path / "out"), X @ (KERNEL * 2))


def test_config_out_of_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(dense_file(tmp_path / "m.keras")) as archive:
        archive.extractall(tmp_path / "folder")
    folder = tmp_path / "folder"
    found = converted(f"{folder / 'config.json'}+{folder / 'model.weights.h5'}", tmp_path / "out")
    np.testing.assert_allclose(found, X @ KERNEL)
    np.testing.assert_allclose(converted(folder, tmp_path / "out"), X @ KERNEL)
    assert kconvert.convert(folder, None, dry_run=True).container == "keras folder"


def test_json_in_a_json_string(tmp_path: Path) -> None:
    file = write_text(tmp_path / "m.json", json.dumps(json.dumps(KERAS_2)))
    np.testing.assert_allclose(converted(f"{file}+{write_listed(tmp_path / 'w.h5', LISTED)}", tmp_path / "o"), EXPECTED)


def test_shards(tmp_path: Path) -> None:
    model = sequential_config(layer_config("Dense", "a", units=3), layer_config("Dense", "b", units=1, use_bias=False))
    write_addressed(tmp_path / "m_00000.weights.h5", {"layers/dense/vars/0": KERNEL})
    write_addressed(
        tmp_path / "m_00001.weights.h5",
        {"layers/dense/vars/1": BIAS, "layers/dense_1/vars/0": np.ones((3, 1), np.float32)},
    )
    names = ["m_00000.weights.h5", "m_00001.weights.h5"]
    places = {"/layers/dense/vars": names, "/layers/dense_1/vars": names[1]}
    index = write_text(tmp_path / "m.weights.json", {"metadata": {"total_size": 48}, "weight_map": places})
    config = write_text(tmp_path / "config.json", model)
    found = converted(index, tmp_path / "out", config)
    np.testing.assert_allclose(found, (X @ KERNEL + BIAS).sum(axis=1, keepdims=True))
    for name, message in (
        ("../x.weights.h5", "as a file of weights"),
        ("gone.weights.h5", "not beside it"),
        (3, "'3'"),
    ):
        write_text(index, {"weight_map": {"/layers/dense/vars": name}})
        with pytest.raises(ModelFileError, match=message):
            converted(index, tmp_path / "out2", config)


def test_every_mismatch_is_reported(tmp_path: Path) -> None:
    text = write_text(tmp_path / "m.json", KERAS_2)
    wrong = {"first": {"first/kernel:0": KERNEL}, "second": {"second/kernel:0": np.ones((4, 1), np.float32)}}
    with pytest.raises(ConversionError) as caught:
        converted(write_listed(tmp_path / "w.h5", wrong), tmp_path / "out", text)
    message = str(caught.value)
    assert "'first': it has 1 weights in the file, its config asks for 2 ('kernel', 'bias')" in message
    assert "'second': its 'kernel' has the shape (4, 1) in the file, its config asks for (3, 1)" in message
    with pytest.raises(ModelFileError, match=r"of 1 layers \('other'\), the model has 2 layers with weights"):
        converted(write_listed(tmp_path / "v.h5", {"other": LISTED["first"]}), tmp_path / "out", text)
    model = write_text(tmp_path / "c.json", sequential_config(layer_config("Dense", "a", units=3)))
    extra = {"layers/dense/vars/0": KERNEL, "layers/dense_1/vars/0": KERNEL, "layers/gru/cell/vars/0": KERNEL}
    with pytest.raises(ConversionError) as caught:
        converted(write_addressed(tmp_path / "w.weights.h5", extra), tmp_path / "out", model)
    message = str(caught.value)
    assert "'layers/dense_1', 'layers/gru': the file has weights for it, the model has no such layer" in message
    assert "'a': the file holds no 'bias'" in message


def test_half_a_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    weights, text = write_listed(tmp_path / "w.h5", LISTED), write_text(tmp_path / "m.json", KERAS_2)
    yaml = write_text(tmp_path / "m.yaml", "backend: tensorflow\nclass_name: Sequential\nconfig: []\n")
    web = write_text(tmp_path / "web.json", {"format": "layers-model", "modelTopology": {}})
    pickle = tmp_path / "m.pkl"
    pickle.write_bytes(b"\x80\x04junk")
    dense = dense_file(tmp_path / "m.keras")
    for model, config, message in [
        (weights, None, "`kconvert w.h5 OUT --config model.json`"),
        (write_addressed(tmp_path / "a.h5", {"layers/dense/vars/0": KERNEL}), None, "without the architecture"),
        (text, None, r"`kconvert m.json\+model.weights.h5 OUT`"),
        (weights, weights, "holds no architecture"),
        (text, text, "holds no weights"),
        (f"{text}+{text}", None, "hold the same: an architecture"),
        (f"{dense}+{dense}", None, "hold the same: an architecture and weights"),
        (f"{text}+{tmp_path / 'gone.h5'}", None, "There is no file '.*gone.h5'"),
        (weights, yaml, "YAML, which is not read.*`model.to_json"),
        (web, None, "TensorFlow.js"),
        (pickle, None, "pickle, which is code"),
        (write_text(tmp_path / "list.json", [1, 2]), None, "not an architecture"),
        (write_text(tmp_path / "cut.json", '{"class_name": '), None, "not valid JSON"),
        (write_addressed(tmp_path / "data.h5", {"x": KERNEL}), None, "neither a model nor the weights"),
    ]:
        with pytest.raises(ModelFileError, match=message):
            kconvert.convert(model, tmp_path / "out", config=config)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="its own architecture"):
        kconvert.convert(object(), tmp_path / "out", config=text)


def test_links_in_folders_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    with zipfile.ZipFile(dense_file(tmp_path / "m.keras")) as archive:
        archive.extractall(folder)
    (folder / "assets").symlink_to(tmp_path)
    with pytest.raises(ModelFileError, match="not a regular file"):
        kconvert.convert(folder, tmp_path / "out")


KERAS_1 = {
    "class_name": "Sequential",
    "config": [
        old("Convolution1D", "c", nb_filter=2, filter_length=3, border_mode="valid", batch_input_shape=[None, 6, 2]),
        old("LSTM", "l", output_dim=2, activation="tanh", inner_activation="sigmoid"),
    ],
}


def test_keras_1(tmp_path: Path) -> None:
    """Gates apart, in the order of Keras 1; kernels along one axis with two; a file that says no version."""
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 1, 2, 2)), rng.normal(size=2)
    shapes = {"W": (2, 2), "U": (2, 2), "b": (2,)}
    gates = {f"l_{part}_{gate}": rng.normal(size=shapes[part]) for gate in "icfo" for part in "WUb"}
    joined = {part: np.concatenate([gates[f"l_{part}_{gate}"] for gate in "ifco"], axis=-1) for part in "WUb"}
    modern = sequential_config(
        layer_config("Conv1D", "c", filters=2, kernel_size=3),
        layer_config("LSTM", "l", units=2, activation="tanh", recurrent_activation="sigmoid"),
        shape=(None, 6, 2),
    )
    cell = {f"layers/lstm/cell/vars/{i}": joined[part] for i, part in enumerate("WUb")}
    weights = {"layers/conv1d/vars/0": kernel[:, 0], "layers/conv1d/vars/1": bias, **cell}
    weights = {name: values.astype(np.float32) for name, values in weights.items()}
    kconvert.convert(write_keras(tmp_path / "m.keras", modern, weights), tmp_path / "new")
    x = rng.normal(size=(3, 6, 2)).astype(np.float32)
    expected = kconvert.load(tmp_path / "new")(x)
    text = write_text(tmp_path / "m.json", KERAS_1)
    for stored in (kernel, kernel.transpose(3, 2, 0, 1)):
        listed = {"c": {"c_W": stored.astype(np.float32), "c_b": bias.astype(np.float32)}}
        listed["l"] = {name: values.astype(np.float32) for name, values in gates.items()}
        file = write_listed(tmp_path / "w.h5", listed, version="")
        kconvert.convert(file, tmp_path / "old", config=text)
        np.testing.assert_allclose(kconvert.load(tmp_path / "old")(x), expected, rtol=1e-6)
