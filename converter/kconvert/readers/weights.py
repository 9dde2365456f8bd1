"""model.weights.h5 -> variables by address. Only plain datasets are followed: no links, no external storage."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import h5py
import numpy as np

from kconvert_schemas.dtypes import DTYPES, Array
from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import TensorType

from ..spec import StoredWeight

DEPTH_LIMIT = 64
CHECKPOINT = "_layer_checkpoint_dependencies"


def read_weights(data: bytes) -> dict[str, StoredWeight]:
    """Return every variable in the HDF5 bytes `data`, to be read when asked for; optimizer state is left out."""
    try:
        file = h5py.File(io.BytesIO(data), "r")
        return stored_datasets(file)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"model.weights.h5 is not a readable HDF5 file: {error}.") from error


def stored_datasets(file: Any) -> dict[str, StoredWeight]:
    """Return every variable in an open HDF5 file; optimizer state is left out."""
    return {address: stored_weight(dataset, address) for address, dataset in _datasets(file)}


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    stack = [("", file)]
    while stack:
        prefix, group = stack.pop()
        for name in group:
            address = f"{prefix}/{name}" if prefix else name
            if not prefix and name == "optimizer":
                continue
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelFileError(f"model.weights.h5: {show(address)} is a link; only plain datasets are read.")
            item = group[name]
            if isinstance(item, h5py.Dataset):
                yield address, item
            elif address.count("/") < DEPTH_LIMIT:
                stack.append((address, item))
            else:
                raise ModelFileError(f"model.weights.h5: groups are nested more than {DEPTH_LIMIT} deep.")


def stored_weight(dataset: Any, address: str) -> StoredWeight:
    """Return a dataset as a variable that is read when asked for; ModelFileError for data kept elsewhere."""
    if dataset.is_virtual or dataset.external:
        raise ModelFileError(f"model.weights.h5: {show(address)} takes its data from another file; it is not read.")
    bfloat16 = dataset.dtype.kind == "V" and dataset.dtype.itemsize == 2
    dtype = "bfloat16" if bfloat16 else ("string" if dataset.dtype.kind in "OS" else dataset.dtype.name)
    if dtype not in DTYPES or any(n < 0 for n in dataset.shape):
        raise ModelFileError(f"model.weights.h5: {show(address)} has the dtype {show(dataset.dtype)}.")
    return StoredWeight(TensorType(tuple(dataset.shape), dtype), partial(_read, dataset, dtype))


def _read(dataset: Any, dtype: str) -> Array:
    values: Array = dataset[()] if dtype != "string" else dataset.asstr()[()]
    if dtype == "bfloat16":
        return (np.asarray(values).view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
    return np.asarray(values)


def modern_addresses(weights: dict[str, StoredWeight]) -> dict[str, StoredWeight]:
    """Return variables at the addresses of Keras 3.

    Files saved on Windows have backslashes in group names; Keras 2.13 and 2.14 say
    `_layer_checkpoint_dependencies` for `layers`, and skip numbers where they count classes.
    """
    plain = {address.replace("\\", "/"): weight for address, weight in weights.items()}
    if not any(CHECKPOINT in address for address in plain):
        return plain
    return _renumbered({a.replace(CHECKPOINT, "layers"): weight for a, weight in plain.items()})


def _renumbered(weights: dict[str, StoredWeight]) -> dict[str, StoredWeight]:
    """Count the layers of each class from 0 without gaps, in every `layers/` container."""
    containers: dict[str, dict[str, set[int]]] = {}
    for address in weights:
        for container, kind, number in _members(address):
            containers.setdefault(container, {}).setdefault(kind, set()).add(number)

    def renumber(address: str) -> str:
        parts = address.split("/")
        for container, kind, number in _members(address):
            rank = sorted(containers[container][kind]).index(number)
            parts[container.count("/") + 1] = f"{kind}_{rank}" if rank else kind
        return "/".join(parts)

    return {renumber(address): weight for address, weight in weights.items()}


def _members(address: str) -> Iterator[tuple[str, str, int]]:
    """Yield (container, class, number) for each layer named in an address."""
    parts = address.split("/")
    for i, part in enumerate(parts[:-1]):
        if part == "layers":
            kind, _, number = parts[i + 1].rpartition("_")
            counted = bool(kind) and number.isdigit()
            yield "/".join(parts[: i + 1]), kind if counted else parts[i + 1], int(number) if counted else 0
