"""Model file -> ModelFile. The content decides how a file is read, never its extension."""

from __future__ import annotations

import os
from pathlib import Path

from kconvert_schemas.errors import ModelFileError, show

from ..spec import ModelFile
from .hdf5 import read_hdf5
from .keras_zip import read_keras_zip

ZIP_MAGIC = b"PK\x03\x04"
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """Read a model file; nothing in it is executed, imported or unpickled.

    Raises ModelFileError saying what was found and what would be read instead.
    """
    file = Path(path)
    if file.is_dir():
        raise ModelFileError(
            f"{show(file)} is a folder; expected a model file. For a SavedModel, load it with Keras and "
            "`model.save('model.keras')`."
        )
    if not file.exists():
        raise ModelFileError(f"There is no file {show(file)}.")
    if not file.is_file():
        raise ModelFileError(f"{show(file)} is not a regular file.")
    try:
        with file.open("rb") as stream:
            magic = stream.read(8)
    except OSError as error:
        raise ModelFileError(f"{show(file)} cannot be read: {error.strerror}.") from error
    if magic.startswith(ZIP_MAGIC):
        return read_keras_zip(file)
    if magic == HDF5_MAGIC:
        return read_hdf5(file)
    raise ModelFileError(
        f"{show(file)} is neither a .keras zip nor HDF5 (it begins with {magic!r}). Expected a file that Keras' "
        "`model.save` wrote."
    )
