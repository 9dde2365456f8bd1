"""Converting: refused whole with every problem, or written whole."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_schemas import ConversionError, InputError, ModelFileError, OutputError
from tests.helpers import KERNEL, dense_file, layer_config, sequential_config, write_keras


def test_convert_and_run(tmp_path: Path) -> None:
    report = kconvert.convert(dense_file(tmp_path / "m.keras", activation="relu"), tmp_path / "out")
    assert (report.parameters, report.trainable, report.ops) == (6, 6, {"matmul": 1, "relu": 1})
    x = np.array([[1.0, -2.0]], np.float32)
    np.testing.assert_allclose(kconvert.load(tmp_path / "out")(x), np.maximum(x @ KERNEL, 0))


def test_same_file_same_bytes(tmp_path: Path) -> None:
    file = dense_file(tmp_path / "m.keras")
    for out in ("a", "b"):
        kconvert.convert(file, tmp_path / out)
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_every_problem_is_reported_and_nothing_written(tmp_path: Path) -> None:
    foreign = {**layer_config("Swish", "swish_1"), "module": "acme.layers", "registered_name": "acme>Swish"}
    code = layer_config("Lambda", "double", function={"class_name": "__lambda__", "config": {"value": "4wEAAAA="}})
    inner = {**sequential_config(foreign | {"config": {"name": "swish_2"}}), "registered_name": None}
    inner["config"] = {**inner["config"], "name": "block"}
    wrong = layer_config("Dense", "wide", units="many", use_bias=False)
    file = write_keras(tmp_path / "m.keras", sequential_config(foreign, code, inner, wrong), {})
    with pytest.raises(ConversionError) as caught:
        kconvert.convert(file, tmp_path / "out")
    message = str(caught.value)
    assert "'swish_1', 'block/swish_2': no plugin converts the layer class 'acme>Swish'" in message
    assert "'double': a Lambda holds Python code" in message
    assert "docs/plugins.md" in message
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_settings_and_weights_are_checked(tmp_path: Path) -> None:
    for options, message in [
        ({"units": 4}, "'kernel' has the shape (2, 3) in the file, its config asks for (2, 4)"),
        ({"units": "3"}, "'units' must be a whole number, got '3'"),
        ({"use_bias": True}, "holds no 'bias'"),
        ({"use_bias": "yes"}, "'use_bias' must be true or false"),
        ({"activation": "wobble"}, "activation 'wobble'"),
        ({"dtype": "float8"}, "dtype policy 'float8'"),
    ]:
        with pytest.raises(ConversionError) as caught:
            kconvert.convert(dense_file(tmp_path / "m.keras", **options), tmp_path / "out")
        assert message in str(caught.value)
        assert "'dense'" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_class_of_an_author_is_never_taken_for_the_built_in_of_its_name(tmp_path: Path) -> None:
    for fields in ({"registered_name": "acme>Dense"}, {"module": "acme.layers", "registered_name": "Dense"}):
        layer = {**layer_config("Dense", "dense", units=3, use_bias=False), **fields}
        file = write_keras(tmp_path / "m.keras", sequential_config(layer), {"layers/dense/vars/0": KERNEL})
        with pytest.raises(ConversionError, match="no plugin converts"):
            kconvert.convert(file, tmp_path / "out")


def test_addresses_count_per_class(tmp_path: Path) -> None:
    """Keras names the groups of weights by class, with a counter; never by the layer's own name."""
    names = ("b", "a", "dense")
    layers = [layer_config("Dense", n, units=2, use_bias=False) for n in names]
    kernels = [np.full((2, 2), i, np.float32) for i in range(3)]
    addresses = ["layers/dense/vars/0", "layers/dense_1/vars/0", "layers/dense_2/vars/0"]
    file = write_keras(tmp_path / "m.keras", sequential_config(*layers), dict(zip(addresses, kernels, strict=True)))
    kconvert.convert(file, tmp_path / "out")
    weights = kconvert.load(tmp_path / "out").weights
    assert {name: weights[f"{name}/kernel"][0, 0] for name in names} == {"b": 0.0, "a": 1.0, "dense": 2.0}


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    file = dense_file(tmp_path / "m.keras")
    report = kconvert.convert(file, tmp_path / "out", dry_run=True)
    assert report.written is None
    assert not (tmp_path / "out").exists()
    json.dumps(report.as_json())


def test_a_foreign_folder_is_refused_before_the_model_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="not a kconvert bundle"):
        kconvert.convert(tmp_path / "missing.keras", tmp_path / "out")


def test_what_is_not_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got int"):
        kconvert.convert(3, tmp_path / "out")


class Live:
    """What convert needs of a live model: a name, and a way to save it."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error = name, error

    def save(self, path: Path) -> None:
        if self.error is not None:
            raise self.error
        dense_file(path)


def test_live_models(tmp_path: Path) -> None:
    for name, file in (
        ("my_net", "my_net.keras"),
        ("a/b", "model.keras"),
        ("../x", "model.keras"),
        ("", "model.keras"),
    ):
        assert kconvert.convert(Live(name), tmp_path / "out").source == file
    with pytest.raises(InputError, match=r"cannot be saved: ValueError, 'no get_config here'"):
        kconvert.convert(Live("m", ValueError("no\nget_config   here")), tmp_path / "out2")
    with pytest.raises(InputError, match="got the class Live"):
        kconvert.convert(Live, tmp_path / "out2")
    assert not (tmp_path / "out2").exists()


def zip_of(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return path


CONFIG = json.dumps(sequential_config(layer_config("Dense", "dense", units=3))).encode()


def wrong_files(folder: Path) -> list[tuple[Path, str]]:
    text, truncated = folder / "text.keras", folder / "truncated.keras"
    text.write_text("hello")
    truncated.write_bytes(dense_file(folder / "m.keras").read_bytes()[:500])
    weights_only = folder / "old.h5"
    weights_only.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    subclassed = {"class_name": "MyNet", "module": "__main__", "registered_name": "MyNet", "config": {}}
    return [
        (folder / "absent.keras", "There is no file"),
        (folder, "is a folder"),
        (text, "neither a .keras zip nor HDF5"),
        (truncated, "damaged zip"),
        (weights_only, "damaged HDF5"),
        (zip_of(folder / "a.keras", other=b""), "without config.json"),
        (zip_of(folder / "b.keras", config__json=CONFIG), "holds no model.weights.h5"),
        (zip_of(folder / "c.keras", config__json=b"{", **{"model.weights.h5": b""}), "config.json in the model file"),
        (zip_of(folder / "d.keras", config__json=CONFIG, **{"model.weights.h5": b"junk"}), "damaged HDF5"),
        (write_keras(folder / "e.keras", [1, 2], {}), "not a serialised model"),
        (write_keras(folder / "f.keras", subclassed, {}), "neither Sequential nor Functional"),
        (write_keras(folder / "g.keras", sequential_config(layer_config("Dense", "a"), layer_config("Dense", "a")), {}),
         "two layers"),
    ]  # fmt: skip


def test_wrong_files_are_named(tmp_path: Path) -> None:
    for file, message in wrong_files(tmp_path):
        with pytest.raises(ModelFileError) as caught:
            kconvert.convert(file, tmp_path / "out")
        assert message in str(caught.value), file
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def functional_config(*layers: dict[str, Any], inputs: Any, outputs: Any) -> dict[str, Any]:
    config = {"name": "functional", "trainable": True, "layers": list(layers), "input_layers": inputs}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {**config, "output_layers": outputs},
        "registered_name": "Functional",
    }


def test_calls_in_a_circle_are_refused(tmp_path: Path) -> None:
    def node(source: str) -> list[dict[str, Any]]:
        tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 2], "dtype": "float32"}}
        tensor["config"] = {**tensor["config"], "keras_history": [source, 0, 0]}  # type: ignore[dict-item]
        return [{"args": [tensor], "kwargs": {}}]

    start = {**layer_config("InputLayer", "x", batch_shape=[None, 2]), "name": "x", "inbound_nodes": []}
    a = {**layer_config("Activation", "a", activation="relu"), "name": "a", "inbound_nodes": node("b")}
    b = {**layer_config("Activation", "b", activation="relu"), "name": "b", "inbound_nodes": node("a")}
    file = write_keras(
        tmp_path / "m.keras", functional_config(start, a, b, inputs=["x", 0, 0], outputs=["b", 0, 0]), {}
    )
    with pytest.raises(ConversionError, match="read tensors that no layer gives"):
        kconvert.convert(file, tmp_path / "out")


def test_operations_can_be_tapped(tmp_path: Path) -> None:
    """A node of keras.ops stands among the layers, by its name."""

    def tensor(layer: str) -> dict[str, Any]:
        history = {"shape": [None, 2], "dtype": "float32", "keras_history": [layer, 0, 0]}
        return {"class_name": "__keras_tensor__", "config": history}

    def negative(name: str, source: str) -> dict[str, Any]:
        node = {"args": [tensor(source)], "kwargs": {}}
        layer = {"module": "keras.src.ops.numpy", "class_name": "Negative", "config": {"name": name}, "name": name}
        return {**layer, "registered_name": "Negative", "inbound_nodes": [node]}

    start = {**layer_config("InputLayer", "x", batch_shape=[None, 2]), "name": "x", "inbound_nodes": []}
    inner = {"name": "f", "layers": [start, negative("first", "x"), negative("second", "first")]}
    inner |= {"input_layers": [["x", 0, 0]], "output_layers": [["second", 0, 0]]}
    config = {"module": "keras.src.models.functional", "class_name": "Functional", "config": inner}
    file = write_keras(tmp_path / "model.keras", {**config, "registered_name": "Functional"}, {})
    kconvert.convert(file, tmp_path / "out")
    x = np.array([[1.0, -2.0]], np.float32)
    y, taps = kconvert.load(tmp_path / "out")(x, taps=["first"])
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(taps["first"], -x)
