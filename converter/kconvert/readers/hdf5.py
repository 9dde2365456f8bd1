"""HDF5 files: what Keras 1 and 2 save, and Keras 3 when the file is named .h5; whole models, or weights alone.

The config is JSON in the attribute `model_config`. Weights are listed by layer, in groups below `model_weights`, or at
the top of a file that holds nothing else; those of Keras 3's `.weights.h5` stand at the addresses of its zips.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ..hdf5 import Dataset, File, Group, HDF5Error
from ..json_text import parse_json
from ..limits import current
from ..spec import LayerSpec
from .by_layer import Listed, finder
from .mapped import mapped
from .parts import Finder, Found, Parts
from .weights import Shelf, modern_addresses, stored_datasets


def read_hdf5(path: Path) -> Parts:
    """Read a Keras HDF5 file; raises ModelFileError for damaged files, and for those that Keras did not write."""
    try:
        file = File(mapped(path), current())
        text = "".join(texts(file.root, "model_config"))
        version = "".join(texts(file.root, "keras_version"))
        find = _finder(file, version, path, whole=bool(text))
    except HDF5Error as error:
        raise _damaged(path, error) from error
    return Parts(path, "hdf5", version, _config(text, path) if text else None, find)


def _config(text: str, path: Path) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise ModelFileError(f"The model_config in {show(path)} is not valid JSON: {error}.") from error


def _damaged(path: Path, error: HDF5Error) -> ModelFileError:
    return ModelFileError(f"{show(path)} is a damaged HDF5 file, or not one that Keras writes: {error}.")


def _finder(file: File, version: str, path: Path, *, whole: bool) -> Finder:
    """Return what finds the weights: listed by layer, or at Keras 3's addresses."""
    found = _find(file.root, "model_weights")
    groups = found if isinstance(found, Group) else file.root
    version = "".join(texts(groups, "keras_version")) or version
    names = texts(groups, "layer_names")
    if whole or names or groups is not file.root:
        backend = "".join(texts(groups, "backend") or texts(file.root, "backend"))
        shelf = Shelf(file, path.name)

        def find(root: LayerSpec) -> Found:
            try:
                listed = _listed(groups, names or _named_as(groups, root), shelf)
            except HDF5Error as error:
                raise _damaged(path, error) from error
            return finder(listed, version, backend)(root)

        return find
    weights = modern_addresses(stored_datasets(file, path.name))
    if not any("vars" in address.split("/") for address in weights):
        raise ModelFileError(
            f"{show(path)} is HDF5, but neither a model nor the weights of one that Keras saved: it has no "
            "model_config, no layer_names, and no variables of layers."
        )
    return lambda root: Found(weights)


def _named_as(groups: Group, root: LayerSpec) -> list[str]:
    """Return the names of the groups of layers in a file that does not list them: those that the model knows."""
    known = [layer.name for layer in (root.model.layers if root.model else ())]
    return [name for name in known if isinstance(_find(groups, name), Group)]


def _listed(groups: Group, names: Sequence[str], shelf: Shelf) -> dict[str, Listed]:
    """Return the weights of each layer with their names."""
    found: dict[str, Listed] = {}
    for layer in names:
        group = _find(groups, layer)
        listed = texts(group, "weight_names") if isinstance(group, Group) else []
        found[layer] = [(name, shelf.variable(_dataset(group, name), f"{layer}/{name}")) for name in listed]
    return found


def texts(group: Group, name: str) -> list[str]:
    """Return the texts of an attribute, one or many; long ones are split over name0, name1..."""
    names = group.attribute_names
    if name in names:
        return _values(group, name)
    parts: list[str] = []
    for i in count():
        if f"{name}{i}" not in names:
            break
        parts += _values(group, f"{name}{i}")
    return parts


def _values(group: Group, name: str) -> list[str]:
    values = group.attribute(name)
    return [] if values is None else [str(value) for value in values.reshape(-1).tolist()]


def _dataset(group: Group | Dataset | None, name: str) -> Dataset:
    found = _find(group, name)
    if not isinstance(found, Dataset):
        raise ModelFileError(f"The weight {show(name)} is {'not in the file' if found is None else 'not an array'}.")
    return found


def _find(group: Group | Dataset | None, path: str) -> Group | Dataset | None:
    """Return what stands at `path` below a group, one hard link at a time; None if there is nothing."""
    found = group
    for name in path.split("/"):
        if not isinstance(found, Group) or name not in found:
            return None
        found = found[name]
    return found
