"""Importing the author's code, and finding the classes and functions in it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ImportedError, show


@dataclass(frozen=True, slots=True)
class Imported:
    """What the modules hold: classes of layers and models, and functions, by every name that a file may call them."""

    modules: Mapping[str, Any]
    classes: Mapping[str, Any]
    functions: Mapping[str, Any]
    objects: Mapping[str, Any]
    """All of it under the names that Keras looks up when it loads a model."""


def require_keras() -> Any:
    """Return the package keras; ImportedError if it is not there."""
    try:
        return importlib.import_module("keras")
    except Exception as error:
        raise ImportedError(
            f"--import runs classes with Keras, which does not import here ({_said(error)}). Install it beside "
            "kconvert: pip install keras tensorflow. Or write a plugin, which needs no Keras: see docs/plugins.md."
        ) from error


def import_modules(keras: Any, names: Sequence[str]) -> Imported:
    """Import files and modules, and collect their classes and functions."""
    modules = dict(_import(name) for name in names)
    classes: dict[str, Any] = {}
    functions: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for module_name, module in modules.items():
        for name, value in _own(module):
            registered = keras.saving.get_registered_name(value)
            if isinstance(value, type):
                objects |= {name: value, registered: value}
                if issubclass(value, keras.layers.Layer):
                    classes |= {name: value, registered: value}
            else:
                objects |= {name: value, registered: value}
                functions |= {name: value, registered: value, f"{module_name}.{name}": value}
    return Imported(modules, classes, functions, objects)


def _own(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield the classes and functions of a module that are not Keras' or TensorFlow's own."""
    for name, value in sorted(vars(module).items()):
        origin = str(getattr(value, "__module__", ""))
        if (
            callable(value)
            and hasattr(value, "__name__")
            and not origin.startswith(("keras", "tensorflow", "builtins"))
        ):
            yield name, value


def _import(name: str) -> tuple[str, Any]:
    try:
        if name.endswith(".py"):
            return _import_file(Path(name))
        return name, importlib.import_module(name)
    except ImportedError:
        raise
    except (Exception, SystemExit) as error:
        raise ImportedError(f"--import {show(name)} does not import: {_said(error)}.") from error


def _import_file(path: Path) -> tuple[str, Any]:
    if not path.is_file():
        raise ImportedError(f"--import {show(path)}: there is no such file.")
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportedError(f"--import {show(path)} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return name, module


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
