"""The zip that Keras 3 writes: config.json, metadata.json, model.weights.h5 and assets/."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import Source

from ..dialects import modernize
from ..modelspec import build_root
from ..spec import ModelFile
from .digest import sha256
from .weights import CHECKPOINT, modern_addresses, read_weights

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
ASSETS = "assets/"


def read_keras_zip(path: Path) -> ModelFile:
    """Read a `.keras` file; raises ModelFileError naming the member that is missing or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if CONFIG not in names:
                raise ModelFileError(f"{show(path)} is a zip without {CONFIG}: not a model that Keras saved.")
            config = _json(archive.read(CONFIG), CONFIG)
            metadata = _json(archive.read(METADATA), METADATA) if METADATA in names else {}
            if WEIGHTS not in names:
                raise ModelFileError(f"{show(path)} holds no {WEIGHTS}. Save the whole model with `model.save`.")
            weights = read_weights(archive.read(WEIGHTS))
            assets = {_place(n): archive.read(n) for n in sorted(names) if n.startswith(ASSETS) and n[-1] != "/"}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ModelFileError(f"{show(path)} is a damaged zip file: {error}. Copy or download it again.") from error
    version = str(metadata.get("keras_version", "")) if isinstance(metadata, Mapping) else ""
    return ModelFile(
        build_root(modernize(config, version or "3")),
        modern_addresses(weights),
        assets,
        Source(path.name, sha256(path), version, "keras zip"),
    )


def _place(member: str) -> str:
    """Return the address of an asset in Keras 3's form; Keras 2 has other names for the folders."""
    return member.removeprefix(ASSETS).replace("\\", "/").replace(CHECKPOINT, "layers")


def _json(data: bytes, name: str) -> Any:
    try:
        return json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{name} in the model file is not valid JSON: {error}.") from error
