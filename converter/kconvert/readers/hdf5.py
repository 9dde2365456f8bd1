"""HDF5 files: what Keras 1 and 2 save, and Keras 3 when the file is named .h5; whole models, or weights alone.

The config is JSON in the attribute `model_config`. Weights are listed by layer, in groups below `model_weights`, or at
the top of a file that holds nothing else; those of Keras 3's `.weights.h5` stand at the addresses of its zips.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

from kconvert_schemas.errors import ModelFileError, show

from ..spec import LayerSpec
from .by_layer import Listed, finder
from .parts import Finder, Found, Parts
from .weights import modern_addresses, stored_datasets, stored_weight


def read_hdf5(path: Path) -> Parts:
    """Read a Keras HDF5 file; raises ModelFileError for damaged files, and for those that Keras did not write."""
    try:
        file = h5py.File(path, "r")
        text = _attribute(file, "model_config")
        version = str(_attribute(file, "keras_version") or "")
        find = _finder(file, version, path, whole=bool(text))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{show(path)} is a damaged HDF5 file: {error}. Copy or download it again.") from error
    return Parts(path, "hdf5", version, _config(text, path) if text else None, find)


def _config(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The model_config in {show(path)} is not valid JSON: {error}.") from error


def _finder(file: Any, version: str, path: Path, *, whole: bool) -> Finder:
    """Return what finds the weights: listed by layer, or at Keras 3's addresses."""
    groups = file["model_weights"] if isinstance(file.get("model_weights"), h5py.Group) else file
    version = str(_attribute(groups, "keras_version") or "") or version
    names = _names(groups, "layer_names")
    if whole or names or groups is not file:
        backend = _attribute(groups, "backend") or _attribute(file, "backend")
        return lambda root: finder(_listed(groups, names or _named_as(groups, root)), version, backend)(root)
    weights = modern_addresses(stored_datasets(file))
    if not any("vars" in address.split("/") for address in weights):
        raise ModelFileError(
            f"{show(path)} is HDF5, but neither a model nor the weights of one that Keras saved: it has no "
            "model_config, no layer_names, and no variables of layers."
        )
    return lambda root: Found(weights)


def _named_as(groups: Any, root: LayerSpec) -> list[str]:
    """Return the names of the groups of layers in a file that does not list them: those that the model knows."""
    known = [layer.name for layer in (root.model.layers if root.model else ())]
    return [name for name in known if _group(groups, name) is not None]


def _listed(groups: Any, names: Sequence[str]) -> dict[str, Listed]:
    """Return the weights of each layer with their names."""
    found: dict[str, Listed] = {}
    for layer in names:
        group = _group(groups, layer)
        listed = [] if group is None else _names(group, "weight_names")
        found[layer] = [(name, stored_weight(_dataset(group, name), f"{layer}/{name}")) for name in listed]
    return found


def _attribute(group: Any, name: str) -> str:
    """Return a text attribute; long ones are split over name0, name1..."""
    if name in group.attrs:
        return _text(group.attrs[name])
    return "".join(_text(group.attrs[f"{name}{i}"]) for i in range(_parts(group, name)))


def _names(group: Any, name: str) -> list[str]:
    """Return an attribute that lists names; long ones are split over name0, name1..."""
    whole = (
        [group.attrs[name]] if name in group.attrs else [group.attrs[f"{name}{i}"] for i in range(_parts(group, name))]
    )
    return [_text(item) for part in whole for item in part]


def _parts(group: Any, name: str) -> int:
    count = 0
    while f"{name}{count}" in group.attrs:
        count += 1
    return count


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _group(group: Any, name: str) -> Any:
    """Return the group `name` below a group, following hard links only; None without one."""
    found = group
    for part in name.split("/"):
        if not isinstance(found, h5py.Group) or not isinstance(found.get(part, getlink=True), h5py.HardLink):
            return None
        found = found[part]
    return found if isinstance(found, h5py.Group) else None


def _dataset(group: Any, name: str) -> Any:
    """Return the dataset `name` below a group, following hard links only."""
    found = group
    for part in name.split("/"):
        if not isinstance(found, h5py.Group) or not isinstance(found.get(part, getlink=True), h5py.HardLink):
            raise ModelFileError(f"The weight {show(name)} is not in the file, or is a link.")
        found = found[part]
    if not isinstance(found, h5py.Dataset):
        raise ModelFileError(f"The weight {show(name)} is not an array.")
    return found
