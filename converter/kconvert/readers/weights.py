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


def read_weights(data: bytes) -> dict[str, StoredWeight]:
    """Return every variable in the HDF5 bytes `data`, to be read when asked for; optimizer state is left out."""
    try:
        file = h5py.File(io.BytesIO(data), "r")
        return {address: _stored(dataset, address) for address, dataset in _datasets(file)}
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"model.weights.h5 is not a readable HDF5 file: {error}.") from error


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


def _stored(dataset: Any, address: str) -> StoredWeight:
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
