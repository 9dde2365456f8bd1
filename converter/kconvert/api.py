"""The Python interface: `kconvert.convert`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kconvert_schemas.bundle import require_writable, write_bundle
from kconvert_schemas.errors import InputError

from .lowering import Lowering
from .plugins import load_registry
from .readers import read_model
from .registry import Registry
from .report import Report, make_report
from .version import VERSION


def convert(
    model: Any,
    out: str | os.PathLike[str] | None,
    *,
    config: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    registry: Registry | None = None,
    imports: Sequence[str | os.PathLike[str]] = (),
) -> Report:
    """Convert a model file, or a live `keras.Model`, into the bundle folder `out`.

    config: a file that holds the architecture, where `model` gives weights alone; 'model.json+weights.h5' as `model`
    says the same. dry_run: convert in memory, write nothing. registry: the handlers to use instead of those installed.
    imports: Python files and modules that define classes of the model. That is code, and it is run; it needs Keras.
    Returns a Report. Raises ModelFileError, ConversionError (listing every problem), PluginError or
    OutputError; `out` is then as it was before.
    """
    if not isinstance(model, (str, os.PathLike)):
        if config is not None:
            raise InputError("A live model has its own architecture; `config` belongs to a file of weights.")
        return _convert_live(model, out, dry_run, registry)
    if out is None and not dry_run:
        raise InputError("Name the folder to write to, or ask for a dry run.")
    target = None if dry_run or out is None else Path(out)
    if target is not None:
        require_writable(target)
    registry = registry or load_registry()[0]
    if imports:
        from .imported import read_imported

        file, registry, check = read_imported(model, [os.fspath(name) for name in imports], registry)
    else:
        file, check = read_model(model, config), None
    lowering = Lowering(file, registry)
    graph = lowering.run(f"kconvert {VERSION}")
    if check is not None:
        check(graph, lowering.builder.read)
    if target is not None:
        write_bundle(target, graph, lowering.builder.read)
    return make_report(graph, target)


def _convert_live(model: Any, out: str | os.PathLike[str] | None, dry_run: bool, registry: Registry | None) -> Report:
    if not callable(getattr(model, "save", None)):
        raise InputError(f"Expected the path of a model file or a keras.Model, got {type(model).__name__}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{getattr(model, 'name', 'model')}.keras"
        model.save(path)
        return convert(path, out, dry_run=dry_run, registry=registry)
