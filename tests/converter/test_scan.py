"""What a dry run says about files that would harm someone who loads them with Keras."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kconvert.scan import scan, scan_config
from tests.cli.conftest import Run, run
from tests.golden_files import FOLDER
from tests.helpers import dense_file, layer_config, sequential_config, write_keras

__all__ = ["run"]
CODE = {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None, "closure": None}}
FUNCTION = {"class_name": "function", "registered_name": None}


def kinds(config: Any) -> list[tuple[str, str]]:
    return [(danger.where, danger.kind) for danger in scan_config(config)]


@pytest.mark.parametrize(
    ("layer", "kind", "said"),
    [
        (layer_config("Lambda", "f", function=CODE), "runs code", "Python bytecode"),
        (layer_config("Lambda", "f", function=["4wEA", None, None]), "runs code", "Python bytecode"),
        (layer_config("Lambda", "f", function="4wEA", function_type="lambda"), "runs code", "Python bytecode"),
        (layer_config("Lambda", "f", function="mine"), "runs code", "the function 'mine'"),
        (layer_config("Dense", "f", units=1, activation=CODE), "runs code", "Python bytecode"),
        ({**layer_config("run", "f"), "module": "subprocess"}, "imports modules", "'run' of the module 'subprocess'"),
        (
            layer_config("Dense", "f", activation={**FUNCTION, "module": "os", "config": "system"}),
            "imports modules", "'system' of the module 'os'",
        ),
        (
            layer_config("Dense", "f", activation={**FUNCTION, "module": "keras.utils", "config": "get_file"}),
            "runs code", "the function 'get_file' of 'keras.utils'",
        ),
        (layer_config("TFSMLayer", "f", filepath="/tmp/x"), "runs code", "in the folder '/tmp/x'"),
        (layer_config("TorchModuleWrapper", "f", module="gA=="), "runs code", "a pickle"),
        (layer_config("JaxLayer", "f"), "runs code", "a pickle"),
        (layer_config("FlaxLayer", "f"), "runs code", "a pickle"),
        (layer_config("StringLookup", "f", vocabulary="/etc/passwd"), "opens files", "reads the file '/etc/passwd'"),
        (layer_config("TextVectorization", "f", vocabulary="http://a/b"), "opens files", "fetches 'http://a/b'"),
        (layer_config("TFOpLambda", "f", function="io.write_file"), "runs code", "calls tf.io.write_file"),
        (layer_config("TFOpLambda", "f", function="py_function"), "runs code", "calls tf.py_function"),
        (layer_config("Dense", "../../f", units=1), "writes files", "a path out of the folder"),
    ],
)  # fmt: skip
def test_dangers_are_named_though_the_file_is_refused(
    run: Run, layer: dict[str, Any], kind: str, said: str
) -> None:  # fmt: skip
    path = write_keras(Path("m.keras"), sequential_config(layer), {})
    name = layer["config"]["name"]
    done = run("kconvert", "--dry-run", path)
    assert done.code == 2
    assert done.out.startswith("\nIf Keras loaded this file, it could harm you (kconvert only reads it):\n")
    assert f"{kind}: layer {name!r} " in done.out
    assert said in done.out
    data = json.loads(run("kconvert", "--dry-run", "--json", path).out)
    assert data["error"]
    assert [danger["kind"] for danger in data["if_keras_loaded_this_file"]] == [kind]
    assert run("kconvert", path, "out").complaint
    assert not Path("out").exists()


def test_an_ordinary_file_is_said_to_be_one(run: Run) -> None:
    done = run("kconvert", "--dry-run", dense_file(Path("m.keras")))
    assert done.code == 0
    assert done.out.endswith("If Keras loaded this file: nothing was found in it that runs code, imports modules, or "
                             "opens or writes other files.\n")  # fmt: skip
    assert json.loads(run("kconvert", "--dry-run", "--json", "m.keras").out)["if_keras_loaded_this_file"] == []
    assert "if_keras_loaded" not in run("kconvert", "--json", "m.keras", "out").out


@pytest.mark.parametrize("family", ["core", "models", "recurrent", "text", "networks_images", "operations"])
def test_files_of_keras_itself_are_not_suspected(family: str) -> None:
    with zipfile.ZipFile(FOLDER / f"{family}.zip") as archive:
        for name in [name for name in archive.namelist() if name.endswith(".keras")][::5]:
            config = zipfile.ZipFile(io.BytesIO(archive.read(name))).read("config.json")
            assert kinds(json.loads(config)) == [], name


def with_weights(path: Path, fill: Any) -> Path:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(sequential_config(layer_config("ReLU", "r"))))
        archive.writestr("model.weights.h5", buffer.getvalue())
    return path


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (2,))
    file.create_virtual_dataset("v", layout)


@pytest.mark.parametrize(
    ("fill", "place"),
    [
        (lambda file: file.__setitem__("a/b", h5py.ExternalLink("/etc/passwd", "/")), "'/a/b'"),
        (lambda file: file.__setitem__("a", h5py.SoftLink("/b")), "'/a'"),
        (lambda file: file.create_dataset("e", (4,), "u1", external=[("/etc/passwd", 0, 4)]), "'/e'"),
        (virtual, "'/v'"),
    ],
)
def test_links_out_of_hdf5_are_found(tmp_path: Path, fill: Any, place: str) -> None:
    (danger,) = scan(with_weights(tmp_path / "m.keras", fill))
    assert danger.where == f"{place} in 'model.weights.h5'"
    assert danger.kind == "opens files"


def test_older_hdf5_files_and_texts(tmp_path: Path) -> None:
    config = sequential_config(layer_config("Lambda", "f", function=["4wEA", None, None]))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file["a"] = np.ones(2)
        file["again"] = file["/"]
    (tmp_path / "m.json").write_text(json.dumps(config))
    for name in ("m.h5", "m.json"):
        assert [danger.where for danger in scan(tmp_path / name)] == ["layer 'f'"]


def test_members_and_pickles(run: Run) -> None:
    path = dense_file(Path("m.keras"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", b"")
        archive.writestr("C:/evil", b"")
        archive.writestr("model.weights.npz", b"")
    assert [danger.kind for danger in scan(path)] == ["writes files", "writes files", "runs code"]
    Path("p.keras").write_bytes(pickle.dumps([1]))
    assert [danger.kind for danger in scan(Path("p.keras"))] == ["runs code"]
    assert "runs code: 'p.keras' is a Python pickle" in run("kconvert", "--dry-run", "p.keras").out


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"[" * 5000, b"{", b'{"class_name": 3}'])
def test_damage_is_no_error(run: Run, data: bytes) -> None:
    Path("m.keras").write_bytes(data)
    assert scan(Path("m.keras")) == []
    assert run("kconvert", "--dry-run", "m.keras").complaint


def test_foreign_text_is_escaped_and_lists_are_cut(run: Run) -> None:
    layers = [layer_config("StringLookup", f"\x1b[31m{i}", vocabulary="/\u202e" + "x" * 500) for i in range(30)]
    out = run("kconvert", "--dry-run", write_keras(Path("m.keras"), sequential_config(*layers), {})).out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "... and 10 more" in out
    assert max(map(len, out.splitlines())) < 300


def test_two_files(run: Run) -> None:
    config = sequential_config(layer_config("StringLookup", "f", vocabulary="/etc/passwd"))
    Path("m.json").write_text(json.dumps(config))
    dense_file(Path("w.keras"))
    assert "reads the file '/etc/passwd'" in run("kconvert", "--dry-run", "m.json+w.keras").out
    assert "reads the file '/etc/passwd'" in run("kconvert", "--dry-run", "w.keras", "--config", "m.json").out
