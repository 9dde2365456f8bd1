"""An architecture alone, as text: what `model.to_json()` of every Keras returns, or config.json of a `.keras` file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ..json_text import parse_json
from .parts import Parts

SIZE_LIMIT = 1 << 26
YAML = re.compile(r"^(class_name|config|backend|keras_version)\s*:", re.MULTILINE)


def is_text(start: bytes) -> bool:
    """Whether the first bytes of a file are those of JSON or YAML rather than of data."""
    return bool(start.strip()) and all(byte >= 32 or byte in b"\t\n\r\f" for byte in start)


def read_text(path: Path) -> Parts:
    """Read a file of JSON that holds an architecture; ModelFileError for anything else."""
    config = read_json(path)
    if isinstance(config, str):  # JSON written as a JSON string: json.dump(model.to_json(), file)
        config = parsed(config, path)
    if isinstance(config, Mapping) and "modelTopology" in config:
        raise ModelFileError(
            f"{show(path)} is a model of TensorFlow.js. Convert it to Keras first: `tensorflowjs_converter "
            "--input_format tfjs_layers_model --output_format keras model.json model.h5`."
        )
    if not isinstance(config, Mapping) or not isinstance(config.get("class_name"), str):
        raise ModelFileError(f"{show(path)} is JSON, but not an architecture that `model.to_json()` returned.")
    return Parts(path, "json", str(config.get("keras_version") or ""), config)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; ModelFileError for what is none, with advice for YAML."""
    if path.stat().st_size > SIZE_LIMIT:
        raise ModelFileError(f"{show(path)} is text of more than {SIZE_LIMIT} bytes: not the architecture of a model.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{show(path)} is neither a model file nor UTF-8 text: {error.reason}.") from error
    return parsed(text, path)


def parsed(text: str, path: Path) -> Any:
    """Parse JSON text; ModelFileError naming the file."""
    try:
        return parse_json(text)
    except ValueError as error:
        if YAML.search(text) and not text.lstrip().startswith("{"):
            raise ModelFileError(
                f"{show(path)} is YAML, which is not read: it can hold more than data. Load it with the Keras that "
                "wrote it (`model_from_yaml`) and write `model.to_json()`; the weights file can stay."
            ) from error
        if text.lstrip()[:1] in ("{", "["):
            raise ModelFileError(f"{show(path)} is not valid JSON: {error}.") from error
        raise ModelFileError(
            f"{show(path)} is neither a .keras zip nor HDF5 nor JSON (it begins with {show(text[:20])}). Expected a "
            "file that Keras' `model.save`, `save_weights` or `to_json` wrote."
        ) from error
