"""Conversion with the author's own classes: `kconvert MODEL OUT --import FILE.py`.

This is the one place where Keras is loaded and foreign code is run, because the user said so. The classes are not
translated but followed: their `call` is run on symbolic tensors, and what it does is converted like any nested model.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..registry import Registry
from ..spec import ModelFile
from .handlers import follow
from .modules import import_modules, require_keras
from .reading import load_with_keras, read_with_keras

__all__ = ["read_imported"]


def read_imported(
    path: str | os.PathLike[str], modules: Sequence[str], registry: Registry
) -> tuple[ModelFile, Registry]:
    """Read a model file with classes from Python files or modules; returns it with a registry that knows them.

    Raises ImportedError when Keras is not installed, a module does not import, or Keras cannot load the model.
    """
    keras = require_keras()
    imported = import_modules(keras, modules)
    model = load_with_keras(keras, path, imported)
    file, tracer = read_with_keras(keras, path, model, imported)
    return file, follow(registry, tracer, imported)
