"""The Python interface: `kconvert.convert`."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kconvert_schemas.bundle import require_writable, write_bundle
from kconvert_schemas.check import check as obey
from kconvert_schemas.errors import InputError, ModelFileError, show
from kconvert_schemas.graph import Graph

from .limits import Limits, current, in_force
from .lowering import Lowering
from .plugins import load_registry
from .readers import read_model
from .registry import Registry
from .report import Report, make_report
from .version import VERSION

if TYPE_CHECKING:
    from .imported import Check

PLAIN_NAME = r"\w[\w.-]{0,99}"
"""Names of live models that can be the name of a file; others are saved as 'model'."""


def convert(
    model: Any,
    out: str | os.PathLike[str] | None,
    *,
    config: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    registry: Registry | None = None,
    imports: Sequence[str | os.PathLike[str]] = (),
    limits: Limits | None = None,
) -> Report:
    """Convert a model file, or a live `keras.Model`, into the bundle folder `out`.

    config: a file that holds the architecture, where `model` gives weights alone; 'model.json+weights.h5' as `model`
    says the same. dry_run: convert in memory, write nothing. registry: the handlers to use instead of those installed.
    imports: Python files and modules that define classes of the model. That is code, and it is run; it needs Keras.
    limits: what reading the file may cost, instead of `kconvert.limits.DEFAULT`.
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
    with in_force(limits or current()):
        lowering, graph, check = _lowered(model, config, imports, registry or load_registry()[0])
        if check is not None:
            check(graph, lowering.builder.read)
        if target is not None:
            write_bundle(target, graph, lowering.builder.read)
        else:
            obey(graph)  # as when it is written
    return make_report(graph, target)


def _lowered(
    model: str | os.PathLike[str],
    config: str | os.PathLike[str] | None,
    imports: Sequence[str | os.PathLike[str]],
    registry: Registry,
) -> tuple[Lowering, Graph, Check | None]:
    """Read and convert a model; what the limits did not foresee is an error of the file all the same."""
    try:
        check = None
        if imports:
            from .imported import read_imported

            file, registry, check = read_imported(model, [os.fspath(name) for name in imports], registry)
        else:
            file = read_model(model, config)
        lowering = Lowering(file, registry)
        return lowering, lowering.run(f"kconvert {VERSION}"), check
    except RecursionError:
        raise ModelFileError(f"{show(model)} is nested too deep.") from None
    except MemoryError:
        raise ModelFileError(f"{show(model)} needs more memory than there is.") from None


def _convert_live(model: Any, out: str | os.PathLike[str] | None, dry_run: bool, registry: Registry | None) -> Report:
    if isinstance(model, type) or not callable(getattr(model, "save", None)):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise InputError(f"Expected the path of a model file or a keras.Model, got {kind}.")
    with tempfile.TemporaryDirectory() as folder:
        name = str(getattr(model, "name", ""))
        path = Path(folder) / f"{name if re.fullmatch(PLAIN_NAME, name) else 'model'}.keras"
        try:
            model.save(path)
        except Exception as error:  # whatever the layers of an author raise
            reason = show(" ".join(str(error).split()), 200)
            raise InputError(f"The model cannot be saved: {type(error).__name__}, {reason}.") from error
        return convert(path, out, dry_run=dry_run, registry=registry)
