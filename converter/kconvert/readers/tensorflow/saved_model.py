"""SavedModels: the folder that `model.save('name')` of Keras 2 wrote.

keras_metadata.pb (before TensorFlow 2.5 the objects in saved_model.pb) holds the config of every Keras object as JSON;
the variables are a checkpoint in variables/. The graph of operations, which is code, is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ...json_text import parse_json
from ..mapped import mapped
from ..parts import Parts
from . import protobuf
from .bundle import Bundle
from .layers import finder
from .object_graph import read_object_graph
from .protobuf import Damaged
from .vocabularies import SavedObjects, with_vocabularies

MODEL = "saved_model.pb"
METADATA = "keras_metadata.pb"
VARIABLES = ("variables", "variables")
SIZE_LIMIT = 1 << 31
SEQUENCES = ("__tuple__", "TensorShape")


@protobuf.budget()
def read_saved_model(folder: Path) -> Parts:
    """Read a SavedModel of Keras 2; ModelFileError for one that only TensorFlow can run, or that is damaged."""
    try:
        graph = _meta_graph(folder / MODEL)
        metadata = _root_metadata(folder / METADATA, graph)
        version = protobuf.text(_one(graph, 1), 5)
    except Damaged as error:
        raise _damaged(folder, error) from error
    if not metadata:
        raise ModelFileError(
            f"{show(folder)} is a SavedModel without Keras' description of its layers: `tf.saved_model.save` or "
            "`model.export` wrote it, to run in TensorFlow. Save the Keras model it was made from with "
            "`model.save('model.keras')`."
        )
    bundle = Bundle(folder.joinpath(*VARIABLES))
    files = tuple(file for file in (folder / MODEL, folder / METADATA) if file.is_file())
    find = finder(bundle, read_object_graph(bundle))
    version = version if version.startswith("2.") else "2"
    try:
        config = with_vocabularies(_config(metadata, folder), SavedObjects(graph, folder))
    except Damaged as error:
        raise _damaged(folder, error) from error
    return Parts(folder, "saved model", version, config, find, (*files, *bundle.files))


def _damaged(folder: Path, error: Damaged) -> ModelFileError:
    return ModelFileError(f"{show(folder)} is a damaged SavedModel: {error}. Copy or download it again.")


def _meta_graph(file: Path) -> memoryview:
    return _one(_read(file), 2)


def _one(message: bytes | memoryview, number: int) -> memoryview:
    """Return the message in a field, empty without one."""
    return next(iter(protobuf.messages(message, number)), memoryview(b""))


def _root_metadata(file: Path, graph: memoryview) -> str:
    """Return the JSON that describes the outermost object; '' for one that is not of Keras."""
    if file.exists():
        for node in protobuf.messages(_read(file), 1):
            if protobuf.text(node, 3) == "root" or protobuf.numbers(node).get(2, 0) == 0:
                return protobuf.text(node, 5)
        return ""
    root = _one(_one(graph, 7), 1)
    described = _one(root, 4)
    return protobuf.text(described, 3) if protobuf.text(described, 1).startswith("_tf_keras_") else ""


def _read(file: Path) -> memoryview:
    if file.is_symlink() or not file.is_file() or file.stat().st_size > SIZE_LIMIT:
        raise ModelFileError(f"{show(file)} is not a regular file of at most {SIZE_LIMIT} bytes.")
    return mapped(file)


def _config(text: str, folder: Path) -> dict[str, Any]:
    """Return the outermost object as a serialised model."""
    try:
        found = _plain(parse_json(text))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The description of the layers in {show(folder)} is not JSON: {error}.") from error
    if not isinstance(found, Mapping) or not isinstance(found.get("class_name"), str):
        raise ModelFileError(f"{show(folder)} describes no model.")
    is_graph = found.get("is_graph_network") is True and isinstance(found.get("config"), Mapping)
    class_name = "Functional" if is_graph and "input_layers" in found["config"] else found["class_name"]
    return {"class_name": class_name, "config": found.get("config")}


def _plain(value: Any) -> Any:
    """Replace the tuples and shapes of TensorFlow's JSON by lists."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in SEQUENCES and isinstance(value.get("items"), list):
        return [_plain(item) for item in value["items"]]
    return {key: _plain(item) for key, item in value.items()}
