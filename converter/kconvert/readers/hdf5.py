"""HDF5 files: what Keras 1 and 2 save, and Keras 3 when the file is named .h5.

The config is JSON in the attribute `model_config`; weights are listed by layer, in groups below `model_weights`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import Source

from ..dialects import modernize
from ..modelspec import build_root, join
from ..spec import LayerSpec, ModelFile, StoredWeight
from . import arrangement
from .digest import sha256
from .layout import Variable, variables
from .weights import stored_weight


def read_hdf5(path: Path) -> ModelFile:
    """Read a Keras HDF5 file; raises ModelFileError for weights without a model, and for damaged files."""
    try:
        file = h5py.File(path, "r")
        text = _attribute(file, "model_config")
        version = str(_attribute(file, "keras_version") or "")
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ModelFileError(f"{show(path)} is a damaged HDF5 file: {error}. Copy or download it again.") from error
    if not text:
        raise ModelFileError(
            f"{show(path)} holds weights without a model (no model_config): `save_weights` wrote it. "
            "Save the whole model with `model.save`."
        )
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The model_config in {show(path)} is not valid JSON: {error}.") from error
    root = build_root(modernize(config, version))
    source = Source(path.name, sha256(path), version, "hdf5")
    return ModelFile(root, _weights(file, root), {}, source)


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


def _weights(file: Any, root: LayerSpec) -> dict[str, StoredWeight]:
    """Return the variables of all layers at Keras 3's addresses."""
    groups = file["model_weights"] if isinstance(file.get("model_weights"), h5py.Group) else file
    found: dict[str, StoredWeight] = {}
    for layer in root.model.layers if root.model else ():
        if not isinstance(groups.get(layer.name), h5py.Group):
            continue
        group = groups[layer.name]
        names = _names(group, "weight_names")
        stored = [stored_weight(_dataset(group, name), f"{layer.name}/{name}") for name in names]
        stored = arrangement.modern(layer, stored, names)
        found.update(zip((v.address for v in _ordered(layer, names, len(stored))), stored, strict=False))
    return found


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


def _ordered(layer: LayerSpec, names: list[str], count: int) -> list[Variable]:
    """Return the layer's variables in the order of the file: the order whose names the file agrees with."""
    trainable_first = variables(layer)
    if not trainable_first:  # no rule for this class, or an author's: numbered as Keras 3 numbers them
        return [Variable(join(layer.address, "vars", str(i)), name) for i, name in enumerate(names)]
    if len(trainable_first) != count:
        raise ModelFileError(
            f"Layer {show(layer.path)} ({layer.class_name}) has {count} weights in the file, its config asks for "
            f"{len(trainable_first)} ({', '.join(v.name for v in trainable_first)})."
        )
    for order in _orders(trainable_first):
        if len(names) != count or all(_agree(v, name) for v, name in zip(order, names, strict=True)):
            return order
    return trainable_first


def _orders(trainable_first: list[Variable]) -> Iterator[list[Variable]]:
    yield trainable_first
    yield sorted(trainable_first, key=lambda v: v.address)


def _agree(variable: Variable, name: str) -> bool:
    return name.rpartition("/")[2].partition(":")[0] == variable.name
