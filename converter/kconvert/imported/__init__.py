"""Conversion with the author's own classes: `kconvert MODEL OUT --import FILE.py`.

This is the one place where Keras is loaded and foreign code is run, because the user said so. The classes are not
translated but followed: their `call` is run on symbolic tensors, and what it does is converted like any nested model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph

from ..registry import Registry
from ..spec import ModelFile
from .checking import compare
from .handlers import follow
from .modules import import_modules, require_keras
from .reading import load_with_keras, read_with_keras

__all__ = ["read_imported"]

Check = Callable[[Graph, Callable[[str], Array]], None]


def read_imported(
    path: str | os.PathLike[str], modules: Sequence[str], registry: Registry
) -> tuple[ModelFile, Registry, Check]:
    """Read a model file with classes from Python files or modules.

    Returns it with a registry that knows them, and a function that compares the finished graph with the live model.

    Raises ImportedError when Keras is not installed, a module does not import, or Keras cannot load the model.
    """
    keras = require_keras()
    imported = import_modules(keras, modules)
    model = load_with_keras(keras, path, imported)
    file, tracer = read_with_keras(keras, path, model, imported)

    def check(graph: Graph, read: Any) -> None:
        compare(keras, model, graph, read)

    return file, follow(registry, tracer, imported), check
