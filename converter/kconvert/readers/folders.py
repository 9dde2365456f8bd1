"""Models in folders: the unzipped `.keras` of Keras 3, and TensorFlow's SavedModels. Links are not followed."""

from __future__ import annotations

import stat
from pathlib import Path

from kconvert_schemas.errors import ModelFileError, show

from ..limits import current
from .keras_zip import ASSETS, CONFIG, METADATA, read_members
from .mapped import mapped
from .parts import Parts
from .tensorflow import read_saved_model
from .weights import WEIGHTS

SAVED_MODEL = "saved_model.pb"
ORBAX = ("orbax.checkpoint", "pytree.orbax-checkpoint", "checkpoint_metadata", "_CHECKPOINT_METADATA")
FILES_LIMIT = 10_000


def read_folder(path: Path) -> Parts:
    """Read a folder that Keras saved; ModelFileError for others."""
    names = {entry.name for entry in path.iterdir()}
    if CONFIG in names:
        return _unzipped(path)
    if SAVED_MODEL in names:
        _regular_files(path)
        return read_saved_model(path)
    if names & set(ORBAX) or (names and all(name.isdigit() for name in names)):
        raise ModelFileError(
            f"{show(path)} is a checkpoint of Orbax, which is not read. Load it with Keras and save the model with "
            "`model.save('model.keras')`."
        )
    raise ModelFileError(
        f"{show(path)} is a folder, but neither a SavedModel ({SAVED_MODEL}) nor an unzipped .keras file ({CONFIG}, "
        f"{WEIGHTS}); expected a file that Keras' `model.save` wrote."
    )


def _unzipped(path: Path) -> Parts:
    files = {file.relative_to(path).as_posix(): file for file in _regular_files(path)}
    wanted = {name: file for name, file in files.items() if name in (CONFIG, METADATA, WEIGHTS) or "/" in name}

    def read(name: str) -> bytes:
        limit = "assets_size" if name.startswith(ASSETS) else "config_size"
        most = getattr(current(), limit)
        if files[name].stat().st_size > most:
            raise ModelFileError(f"{show(files[name])} is larger than {most} bytes (limit {limit}).")
        return files[name].read_bytes()

    return read_members(path, "keras folder", set(files), read, lambda: mapped(files[WEIGHTS]), tuple(wanted.values()))


def _regular_files(folder: Path) -> list[Path]:
    """Return all files in a folder; links, pipes and the like are refused."""
    found: list[Path] = []
    stack = [folder]
    while stack:
        for entry in sorted(stack.pop().iterdir()):
            mode = entry.lstat().st_mode
            if stat.S_ISDIR(mode):
                stack.append(entry)
            elif stat.S_ISREG(mode):
                found.append(entry)
            else:
                raise ModelFileError(f"{show(entry)} is not a regular file; a model's folder must hold nothing else.")
            if len(found) + len(stack) > FILES_LIMIT:
                raise ModelFileError(f"{show(folder)} holds more than {FILES_LIMIT} files: not a model.")
    return sorted(found)
