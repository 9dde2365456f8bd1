"""Model files -> ModelFile. The content decides how a file is read, never its extension."""

from __future__ import annotations

import os
from pathlib import Path

from kconvert_schemas.errors import ModelFileError, show

from ..spec import ModelFile
from .architecture import is_text, read_text
from .folders import read_folder
from .hdf5 import read_hdf5
from .keras_zip import read_keras_zip
from .parts import Parts, joined, whole
from .shards import read_shards
from .strangers import refuse
from .tensorflow import checkpoint_prefix, read_checkpoint

ZIP_MAGIC = b"PK\x03\x04"
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_model(path: str | os.PathLike[str], config: str | os.PathLike[str] | None = None) -> ModelFile:
    """Read a model; nothing in its files is executed, imported or unpickled.

    path: of a file or folder, or of two with '+' between them, one with the architecture, one with the weights.
    config: of a file that holds the architecture; `path` then gives the weights alone.
    Raises ModelFileError saying what was found and what would be read instead.
    """
    if config is not None:
        return joined(read_parts(Path(config)), read_parts(Path(path)))
    sides = sides_of(Path(path))
    if sides is None:
        return whole(read_parts(Path(path)))
    left, right = (read_parts(side) for side in sides)
    if (left.config is None) == (right.config is None) and (left.find is None) == (right.find is None):
        raise ModelFileError(
            f"{show(sides[0])} and {show(sides[1])} hold the same: {_holds(left)}. Name one file with the architecture "
            "and one with the weights, or say `--config` for the first."
        )
    is_first = right.config is None or left.find is None
    return joined(left, right) if is_first else joined(right, left)


def read_parts(path: Path) -> Parts:
    """Return what one file or folder gives: an architecture, weights, or both."""
    prefix = checkpoint_prefix(path)
    if prefix is not None:
        return read_checkpoint(prefix)
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        raise ModelFileError(f"There is no file {show(path)}.")
    if not path.is_file():
        raise ModelFileError(f"{show(path)} is not a regular file.")
    try:
        with path.open("rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise ModelFileError(f"{show(path)} cannot be read: {error.strerror}.") from error
    if start.startswith(ZIP_MAGIC):
        return read_keras_zip(path)
    if start.startswith(HDF5_MAGIC):
        return read_hdf5(path)
    if is_text(start):
        return read_shards(path) or read_text(path)
    raise refuse(path, start)


def sides_of(path: Path) -> tuple[Path, Path] | None:
    """Split 'model.json+weights.h5'; None for a path that exists as it is, or whose halves do not."""
    text = str(path)
    if "+" not in text or path.exists():
        return None
    places = [i for i, letter in enumerate(text) if letter == "+"]
    sides = [(Path(text[:i]), Path(text[i + 1 :])) for i in places if text[:i] and text[i + 1 :]]
    there = [pair for pair in sides if all(_exists(side) for side in pair)]
    if there or not sides:
        return there[0] if there else None
    missing = next(side for side in sides[0] if not _exists(side))
    raise ModelFileError(f"There is no file {show(missing)}.")


def _exists(path: Path) -> bool:
    return path.exists() or checkpoint_prefix(path) is not None


def _holds(parts: Parts) -> str:
    held = ["an architecture"] * (parts.config is not None) + ["weights"] * (parts.find is not None)
    return " and ".join(held)
