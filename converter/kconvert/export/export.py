"""From a bundle and the model file that it came from to a model file with the weights of the bundle."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kconvert_schemas.bundle import read_bundle
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import ConversionError, InputError, ModelFileError, paragraph, show
from kconvert_schemas.graph import Graph

from ..lowering import Lowering
from ..plugins import load_registry
from ..readers import read_model, sides_of
from ..registry import Registry
from ..spec import ModelFile
from .fitting import misfits
from .patching import Change, in_place_of, patched, write_hdf5, write_zip
from .places import Ledger, stored_bytes

WRITERS = {"keras zip": write_zip, "hdf5": write_hdf5}
ELSEWHERE = (
    "{0} is read as {1}: only .keras files and HDF5 files are written. Load the model with Keras, save it as .keras, "
    "and convert that."
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the file, its size in bytes, the weights in it, and those that differ from the original's."""

    file: Path
    size: int
    weights: tuple[str, ...]
    changed: tuple[str, ...]


def export(
    bundle: str | os.PathLike[str],
    model: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    config: str | os.PathLike[str] | None = None,
    registry: Registry | None = None,
) -> Exported:
    """Write the weights of `bundle` into a copy of `model`, the file that it was converted from, at `out`.

    model: a `.keras` file or an HDF5 file; or two, as `convert` takes them, of which `out` is that with the weights.
    Everything else in the file stays as it is, the optimizer's state too. The file is written whole or not at all,
    after it has been read back and found to hold the weights of the bundle bit for bit. Raises InputError listing all
    that does not fit, ModelFileError, BundleError or OutputError.
    """
    graph, weights = read_bundle(bundle)
    original, target = _weights_file(Path(model), config), Path(out)
    file = read_model(model, config)
    container = file.source.container.rpartition(" + ")[2]
    if container not in WRITERS:
        raise InputError(ELSEWHERE.format(show(original), container))
    _require_name(original, target)
    lowering = Lowering(file, registry or load_registry()[0])
    try:
        fresh = lowering.run("")
    except ConversionError as error:
        raise InputError(
            f"{show(model)} does not convert here, so it cannot be compared with the bundle. {error}"
        ) from error
    problems = misfits(graph, weights, lowering, fresh)
    if problems:
        raise InputError(paragraph(f"{show(model)} is not the file that {show(bundle)} came from:", problems, ADVICE))
    names = [name for name, weight in graph.weights.items() if weight.source in file.weights]
    ledger, changes = _changes(graph, weights, file, names)
    changed = [name for name in names if not _same(weights[name], lowering.builder.read(name))]
    write = WRITERS[container]
    data = ledger.data
    if data is None:
        raise InputError(f"{show(bundle)} has no weights to write.")
    in_place_of(
        target,
        lambda path: write(original, path, patched(data, changes)),
        lambda path: _verify(path, model, original, config, graph, weights, names),
    )
    return Exported(target, target.stat().st_size, tuple(names), tuple(changed))


ADVICE = "Name the model file that the bundle was converted from."


def _changes(
    graph: Graph, weights: Mapping[str, Array], file: ModelFile, names: Sequence[str]
) -> tuple[Ledger, list[Change]]:
    """Return what is to be written where; InputError listing every weight that cannot be written."""
    ledger, changes, problems = Ledger(), [], []
    for name in names:
        weight = graph.weights[name]
        try:
            place = ledger.place(file.weights[weight.source])
        except ModelFileError as error:
            problems.append(f"{show(name)}: {error}")
            continue
        changes.append((place.starts, stored_bytes(weights[name], weight.type, place)))
    if problems:
        raise InputError(paragraph("These weights cannot be written into a copy of the file:", problems))
    return ledger, changes


def _verify(
    path: Path,
    model: str | os.PathLike[str],
    original: Path,
    config: str | os.PathLike[str] | None,
    graph: Graph,
    weights: Mapping[str, Array],
    names: Sequence[str],
) -> None:
    """Read the new file as the original was read, and compare."""
    architecture = config if config is not None else _architecture(Path(model), original)
    found = read_model(path, architecture).weights
    wrong = [n for n in names if not _same(weights[n], found[graph.weights[n].source].read())]
    if wrong:
        raise InputError(
            paragraph(
                "These weights do not come back as they are in the bundle, so nothing is written:",
                [f"{show(name)}: another weight of the model stands in the same place of the file" for name in wrong],
            )
        )


def _weights_file(model: Path, config: object) -> Path:
    """Return which of the files holds the weights."""
    sides = None if config is not None else sides_of(model)
    if sides is None:
        return model
    return next((side for side in reversed(sides) if _is_hdf5(side)), sides[1])


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():  # a pipe would wait for ever
        return False
    with path.open("rb") as stream:
        return stream.read(8) == b"\x89HDF\r\n\x1a\n"


def _architecture(model: Path, original: Path) -> Path | None:
    sides = sides_of(model)
    return None if sides is None else next(side for side in sides if side != original)


def _require_name(original: Path, target: Path) -> None:
    """Keras tells by its name how to read a file; the original stays as it is."""
    ending = ".weights.h5" if original.name.endswith(".weights.h5") else original.suffix
    if not target.name.endswith(ending):
        raise InputError(
            f"{show(target)} must end in {show(ending)}, as {show(original)} does: Keras reads by the name."
        )
    if target.exists() and (not target.is_file() or target.samefile(original)):
        what = "the original, which is left as it is" if target.is_file() else "not a file"
        raise InputError(f"{show(target)} is {what}. Name another file to write to.")


def _same(mine: Array, theirs: Array) -> bool:
    return np.array_equal(np.ascontiguousarray(mine).view(np.uint8), np.ascontiguousarray(theirs).view(np.uint8))
