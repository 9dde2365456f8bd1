"""The model as Keras loads it, and as the converter reads it."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ImportedError, show

from ..modelspec import build_root, join
from ..readers import read_model
from ..readers.weights import WEIGHTS, modern_addresses, read_weights
from ..spec import ModelFile
from .modules import Imported
from .tracing import Tracer

ASSETS = "assets/"


def load_with_keras(keras: Any, path: str | os.PathLike[str], imported: Imported) -> Any:
    """Load a model file with the imported classes; code that the file itself holds is not run."""
    if not Path(path).is_file():
        raise ImportedError(f"There is no file {show(path)}.")
    try:
        return _load(keras, Path(path), imported)
    except Exception as error:
        raise ImportedError(
            f"Keras cannot load {show(path)} with the classes of {', '.join(imported.modules)}: "
            f"{' '.join(str(error).split())[:600]}"
        ) from error


def _load(keras: Any, path: Path, imported: Imported) -> Any:
    """Keras goes by the extension, which often lies: give it the right one."""
    suffix = ".keras" if zipfile.is_zipfile(path) else ".h5"
    if path.suffix == suffix:
        return keras.saving.load_model(path, custom_objects=dict(imported.objects), compile=False)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"model{suffix}"
        copy.write_bytes(path.read_bytes())
        return keras.saving.load_model(copy, custom_objects=dict(imported.objects), compile=False)


def read_with_keras(
    keras: Any, path: str | os.PathLike[str], model: Any, imported: Imported
) -> tuple[ModelFile, Tracer]:
    """Return the model file, and what follows its own classes.

    Functional and Sequential models are read from the file itself. A model class of the author's is followed as a
    whole, on inputs of the shapes that it was built with.
    """
    tracer = Tracer(keras, imported)
    if type(model) in (keras.Model, keras.Sequential) or type(model).__name__ == "Functional":
        file = read_model(path)
        file = replace(file, weights=dict(file.weights), assets=dict(file.assets))
        tracer.know(model, "")
        tracer.file = file
        return file, tracer
    traced = tracer.whole_model(model)
    config, weights, assets = saved(traced)
    known = _source(path)
    file = ModelFile(build_root(config), weights, assets, known)
    tracer.know(traced, "")
    tracer.file = file
    return file, tracer


def _source(path: str | os.PathLike[str]) -> Any:
    from kconvert_schemas.graph import Source

    from ..readers.digest import sha256

    version = ""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            version = str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
    return Source(Path(path).name, sha256(Path(path)), version, "keras zip" if version else "hdf5")


def saved(model: Any, address: str = "") -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    """Return the config, weights and assets of a live model as Keras saves them, below an address."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        file = read_parts(path)
        weights = {join(address, at): _held(weight) for at, weight in file[0].items()}
    return _with_functions(config), weights, {join(address, at): data for at, data in file[1].items()}


def _held(weight: Any) -> Any:
    """The weight with its values read: the file is gone afterwards."""
    values = weight.read()
    return replace(weight, read=lambda: values)


def read_parts(path: Path) -> tuple[Mapping[str, Any], Mapping[str, bytes]]:
    """Return the weights and assets of a `.keras` file at Keras 3's addresses."""
    with zipfile.ZipFile(path) as archive:
        weights = modern_addresses(read_weights(archive.read(WEIGHTS)))
        names = [n for n in archive.namelist() if n.startswith(ASSETS) and n[-1] != "/"]
        return weights, {n.removeprefix(ASSETS): archive.read(n) for n in names}


def _with_functions(value: Any) -> Any:
    """Give functions that were followed the names under which they are converted."""
    if isinstance(value, list):
        return [_with_functions(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "TracedFunction":
        name = value["config"]["function"]
        value = {**value, "module": "tensorflow", "class_name": name, "registered_name": f"tf.{name}"}
    return {key: _with_functions(item) for key, item in value.items()}
