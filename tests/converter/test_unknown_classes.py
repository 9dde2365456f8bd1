"""Classes of an author's own: what the report says about them, and the plugin package to start from."""

from __future__ import annotations

import importlib
import json
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert.plugins import load_registry
from kconvert.scaffold import scaffold
from kconvert_schemas import ConversionError, ImportedError, InputError, OutputError
from tests.helpers import dense_file, layer_config, sequential_config, write_keras


def own(name: str, key: str = "acme>Swish", **config: Any) -> dict[str, Any]:
    class_name = key.rpartition(">")[2]
    return {**layer_config(class_name, name, **config), "module": "acme.layers", "registered_name": key}


HOSTILE = 'x"""\n    import os; os.abort()  # `rm`\u202e'


def file_of(folder: Path) -> Path:
    """A model with three unknown classes, one of them inside a wrapper and one with a hostile name."""
    inner = own("inner", "Gate", depth=[1, 2])
    layers = [
        own("swish", beta=1.5),
        own("swish_1", beta=2.5),
        layer_config("TimeDistributed", "steps", layer=inner),
        own(HOSTILE, f"{HOSTILE}>{HOSTILE}", **{HOSTILE: HOSTILE, "number": float("nan")}),
    ]
    weights = {"layers/swish/vars/0": np.zeros(2, "f"), "layers/swish/gate/vars/1": np.zeros((2, 3), "f")}
    return write_keras(folder / "m.keras", sequential_config(*layers, shape=(None, 4, 2)), weights)


def test_the_report_says_what_the_file_holds(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        kconvert.convert(file_of(tmp_path), tmp_path / "out")
    message = str(caught.value)
    assert "'swish', 'swish_1': no plugin converts the layer class 'acme>Swish'" in message
    assert "class 'Swish' of the module 'acme.layers', registered as 'acme>Swish'" in message
    assert 'config: {"beta": 1.5}' in message
    assert "weights: 'gate/vars/1' float32[2, 3], 'vars/0' float32[2]" in message
    assert "--scaffold-plugin DIR" in message
    assert "--import FILE.py" in message
    assert "\u202e" not in message
    assert len(message) < 4000


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    scaffold(file_of(tmp_path), tmp_path / "kconvert-my plugin")
    folder = tmp_path / "kconvert-my plugin"
    monkeypatch.syspath_prepend(str(folder / "src"))
    monkeypatch.syspath_prepend(str(folder / "tests"))
    yield folder
    for name in ("kconvert_my_plugin.layers", "kconvert_my_plugin", "test_layers"):
        sys.modules.pop(name, None)


def test_the_package_loads_and_says_where_to_write(package: Path, tmp_path: Path) -> None:
    module = importlib.import_module("kconvert_my_plugin.layers")
    registry, plugins = load_registry((), [module])
    assert plugins[-1].layers == len([key for key in registry.handlers if key == "acme>Swish" or HOSTILE in key])
    with pytest.raises(ConversionError) as caught:
        kconvert.convert(tmp_path / "m.keras", tmp_path / "out", registry=registry)
    line = next(
        i for i, text in enumerate(Path(module.__file__).read_text().splitlines(), 1) if "def lower_swish" in text
    )
    assert f"'swish': its plugin is not written yet: edit {module.__file__}, line {line}" in str(caught.value)
    assert not (tmp_path / "out").exists()
    text = (package / "pyproject.toml").read_text()
    assert 'my_plugin = "kconvert_my_plugin.layers"' in text
    assert "acme>Swish" in (package / "README.md").read_text()


def test_the_package_holds_a_contract_test(package: Path) -> None:
    tests = importlib.import_module("test_layers")
    swish = tests.TestSwish
    assert (swish.layer, swish.config) == ("acme>Swish", {"beta": 1.5})
    assert {at: array.shape for at, array in swish.weights.items()} == {"vars/0": (2,), "gate/vars/1": (2, 3)}
    with pytest.raises(NotImplementedError, match="write what the layer gives"):
        swish().expected(None)
    assert not issubclass(swish, unittest.TestCase)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    for folder, message in (("used", "not an empty folder"), ("no/where", "there is no folder")):
        with pytest.raises(OutputError, match=message):
            scaffold(file, tmp_path / folder)
    scaffold(file, tmp_path / "empty")
    assert (tmp_path / "empty" / "pyproject.toml").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "m.keras", "used"]


def test_nothing_is_written_where_nothing_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no class that needs a plugin"):
        scaffold(dense_file(tmp_path / "m.keras"), tmp_path / "plugin")
    assert not (tmp_path / "plugin").exists()


def test_import_needs_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ImportedError, match="pip install keras"):
        kconvert.convert(file_of(tmp_path), tmp_path / "out", imports=["layers.py"])
    assert json.loads(json.dumps([path.name for path in tmp_path.iterdir()])) == ["m.keras"]
