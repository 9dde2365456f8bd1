"""The model as Keras runs it, and what each of its layers gives."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import FLOATS8, Array
from kconvert_schemas.errors import ImportedError, InputError, show
from kconvert_schemas.graph import Signature, Structure

Calls = dict[str, list[list[Array]]]
"""Path of a layer -> for each of its calls the tensors that it gave."""


class KerasModel:
    """A model file as Keras loads it. Code that the file holds is not run: Keras' safe mode is on."""

    def __init__(self, path: Path, keras: Any = None) -> None:
        self.keras = keras or require_keras()
        self.model = _load(self.keras, path)

    def run(self, signature: Signature, inputs: Mapping[str, Array]) -> tuple[list[Array], Calls]:
        """Run the model as `predict` does; returns its outputs, flattened, and what each layer gave on the way."""
        types = {port.name: port.type.dtype for port in signature.ports}
        fed = {name: self._tensor(array, types[name]) for name, array in inputs.items()}
        with self._watched() as calls, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._forget()
            outputs = self.model(_build(signature.structure, fed), training=False)
        return self._arrays(outputs), {path: found for path, found in calls.items() if path}

    def _forget(self) -> None:
        """Begin stateful layers at zero, as a bundle does."""
        for layer in self.model._flatten_layers():
            if getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
                layer.reset_states()

    def _tensor(self, array: Array, dtype: str) -> Any:
        if dtype == "string":
            tensorflow = importlib.import_module("tensorflow")
            return tensorflow.constant(array.ravel().tolist(), "string", array.shape)
        return self.keras.ops.convert_to_tensor(array, dtype)

    @contextmanager
    def _watched(self) -> Iterator[Calls]:
        """Note what every layer and operation gives, by the names of those that it is called in."""
        calls: Calls = {}
        names: list[str] = []
        operation = self.keras.Operation
        run = operation.__call__

        def note(layer: Any, *args: Any, **kwargs: Any) -> Any:
            names.append(layer.name)
            path = "/".join(names[1:])
            try:
                outputs = run(layer, *args, **kwargs)
            finally:
                names.pop()
            calls.setdefault(path, []).append(self._arrays(outputs) if path else [])
            return outputs

        operation.__call__ = note
        try:
            yield calls
        finally:
            operation.__call__ = run

    def _arrays(self, nest: Any) -> list[Array]:
        """The tensors of a nest as arrays; nothing for those inside a loop of TensorFlow, which have no values."""
        leaves = [leaf for leaf in self.keras.tree.flatten(nest) if leaf is not None]
        try:
            return [_array(self.keras, leaf) for leaf in leaves]
        except (AttributeError, NotImplementedError, TypeError):
            return []


def require_keras() -> Any:
    """Return the package keras; ImportedError if it is not there."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return importlib.import_module("keras")
    except Exception as error:
        raise ImportedError(
            f"verify runs the model with Keras, which does not import here ({type(error).__name__}: {error}). Install "
            "it beside kconvert: pip install keras tensorflow. `krun OUT --selftest` needs neither."
        ) from error


def _load(keras: Any, path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"There is no file {show(path)}.")
    suffix = ".keras" if zipfile.is_zipfile(path) else ".h5"
    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")
            if path.suffix != suffix:  # Keras goes by the extension
                path = Path(shutil.copyfile(path, Path(folder) / f"model{suffix}"))
            return keras.saving.load_model(path, compile=False)
    except Exception as error:
        reason = show(" ".join(str(error).split()), 400)
        raise ImportedError(f"Keras cannot load {show(path)}: {type(error).__name__}, {reason}.") from error


def _array(keras: Any, tensor: Any) -> Array:
    if hasattr(tensor, "to_tensor"):
        tensor = tensor.to_tensor()
    is_text = "string" in str(getattr(tensor, "dtype", ""))
    array = np.asarray(tensor.numpy() if is_text else keras.ops.convert_to_numpy(tensor))
    if array.dtype.name in ("bfloat16", *FLOATS8):
        return array.astype(np.float32)
    if array.dtype.kind in "OS":
        texts = np.empty(array.shape, object)
        texts.flat[:] = [text.decode("utf-8", "replace") for text in array.ravel().tolist()]
        return texts
    return array


def _build(structure: Structure, named: Mapping[str, Any]) -> Any:
    if isinstance(structure, dict):
        return {key: _build(part, named) for key, part in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_build(part, named) for part in structure]
    return named[structure]
