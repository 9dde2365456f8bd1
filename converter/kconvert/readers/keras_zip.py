"""The zip that Keras 3 writes, or the same unzipped: config.json, metadata.json, model.weights.h5 and assets/."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ..json_text import parse_json
from ..limits import current
from .archive import Archive
from .parts import Found, Parts
from .weights import CHECKPOINT, WEIGHTS, modern_addresses, read_weights

CONFIG = "config.json"
METADATA = "metadata.json"
PICKLED = "model.weights.npz"
ASSETS = "assets/"


def read_keras_zip(path: Path) -> Parts:
    """Read a `.keras` file; raises ModelFileError naming the member that is missing or damaged."""
    try:
        archive = Archive(path)
        return read_members(path, "keras zip", set(archive.members), archive.read, lambda: archive.view(WEIGHTS))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
        raise ModelFileError(f"{show(path)} is a damaged zip file: {error}. Copy or download it again.") from error


def read_members(
    path: Path,
    container: str,
    names: Set[str],
    read: Callable[[str], bytes],
    weights: Callable[[], memoryview],
    files: tuple[Path, ...] = (),
) -> Parts:
    """Read the members of a `.keras` file, zipped or not.

    read: returns the bytes of one of `names`. weights: returns those of the weights, without a copy where possible.
    """
    if CONFIG not in names:
        raise ModelFileError(f"{show(path)} is a zip without {CONFIG}: not a model that Keras saved.")
    config = _json(read(CONFIG), CONFIG)
    metadata = _json(read(METADATA), METADATA) if METADATA in names else {}
    if WEIGHTS not in names:
        also = f" It holds {PICKLED}, which Keras writes as a pickle, and that is code." if PICKLED in names else ""
        raise ModelFileError(f"{show(path)} holds no {WEIGHTS}. Save the whole model with `model.save`.{also}")
    variables = modern_addresses(read_weights(weights()))
    version = str(metadata.get("keras_version", "")) if isinstance(metadata, Mapping) else ""
    found = Found(variables, _assets(names, read))
    return Parts(path, container, version, config, lambda root: found, files)


def _assets(names: Set[str], read: Callable[[str], bytes]) -> dict[str, bytes]:
    """Return what layers keep in files of their own, by Keras 3's addresses."""
    found: dict[str, bytes] = {}
    left = current().assets_size
    for name in sorted(names):
        if name.startswith(ASSETS) and not name.endswith("/"):
            found[_place(name)] = data = read(name)
            left -= len(data)
            if left < 0:
                raise ModelFileError(
                    f"The assets are larger than {current().assets_size} bytes (limit assets_size): {show(name)}."
                )
    return found


def _place(member: str) -> str:
    """Return the address of an asset in Keras 3's form; Keras 2 has other names for the folders."""
    return member.removeprefix(ASSETS).replace("\\", "/").replace(CHECKPOINT, "layers")


def _json(data: bytes, name: str) -> Any:
    try:
        return parse_json(data)
    except ValueError as error:
        raise ModelFileError(f"{name} in the model file is not valid JSON: {error}.") from error
