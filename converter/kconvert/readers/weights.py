"""HDF5 -> variables by address. Only plain datasets are followed: no links, no external storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from kconvert_schemas.dtypes import DTYPES, FLOATS8, Array, float8_values
from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import TensorType

from ..hdf5 import Dataset, File, Group, HDF5Error
from ..limits import current
from ..spec import StoredWeight

WEIGHTS = "model.weights.h5"
CHECKPOINT = "_layer_checkpoint_dependencies"
NAMES = {"text": "string", "variable text": "string"}
"""Types of HDF5 that have another name here."""


def read_weights(data: bytes | memoryview) -> dict[str, StoredWeight]:
    """Return every variable in the HDF5 file `data`, to be read when asked for; optimizer state is left out."""
    try:
        return stored_datasets(File(data, current()), WEIGHTS)
    except HDF5Error as error:
        raise ModelFileError(f"{WEIGHTS} is a damaged HDF5 file, or not one that Keras writes: {error}.") from error


def stored_datasets(file: File, name: str) -> dict[str, StoredWeight]:
    """Return every variable in an open HDF5 file called `name`; optimizer state is left out."""
    shelf = Shelf(file, name)
    return {address: shelf.variable(dataset, address) for address, dataset in _datasets(file)}


def _datasets(file: File) -> Iterator[tuple[str, Dataset]]:
    root, limits = file.root, file.source.limits
    stack = [("", root)]
    seen = {root.address}
    while stack:
        prefix, group = stack.pop()
        for name in group.names:
            if not prefix and name == "optimizer":
                continue
            address = f"{prefix}/{name}" if prefix else name
            item = _member(group, name, address)
            if isinstance(item, Dataset):
                yield address, item
                continue
            if address.count("/") >= limits.hdf5_depth:
                raise HDF5Error(f"groups are nested more than {limits.hdf5_depth} deep (limit hdf5_depth)")
            if item.address in seen:
                raise HDF5Error(f"two links lead to the group {show(address)}")
            seen.add(item.address)
            stack.append((address, item))


def _member(group: Group, name: str, address: str) -> Group | Dataset:
    try:
        return group[name]
    except HDF5Error as error:
        raise HDF5Error(f"at {show(address)}, {error}") from error


_INSTEAD: ContextVar[Callable[[Dataset, str], Array] | None] = ContextVar("instead", default=None)


@contextmanager
def reading(instead: Callable[[Dataset, str], Array]) -> Iterator[None]:
    """Let variables be read by `instead` within the block: what becomes of its numbers tells how they are arranged."""
    token = _INSTEAD.set(instead)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


class Shelf:
    """The variables of one file; those that are stored as they are cannot be larger together than the file."""

    def __init__(self, file: File, name: str) -> None:
        self._left = len(file.source.data)
        self._name = name

    def variable(self, dataset: Dataset, address: str) -> StoredWeight:
        """Return a dataset as a variable that is read when asked for; ModelFileError for what cannot be read."""
        try:
            kind = dataset.type
            dtype = "bfloat16" if kind.name == "opaque" and kind.size == 2 else NAMES.get(kind.name, kind.name)
            if dtype not in DTYPES or dataset.shape is None:
                raise HDF5Error(f"it holds {'nothing' if dataset.shape is None else kind.name}, which is not read")
            dataset.check()
            self._left -= 0 if dataset.filtered else dataset.size
            if self._left < 0:
                raise HDF5Error("it and the variables before it are larger than the file")
        except HDF5Error as error:
            raise self._refusal(address, error) from error
        return StoredWeight(TensorType(dataset.shape, dtype), lambda: self._read(dataset, dtype, address))

    def _read(self, dataset: Dataset, dtype: str, address: str) -> Array:
        instead = _INSTEAD.get()
        if instead is not None:
            return instead(dataset, address)
        try:
            values = dataset.read()
        except HDF5Error as error:
            raise self._refusal(address, error) from error
        if dtype == "bfloat16":
            return (values.view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
        return float8_values(values, dtype) if dtype in FLOATS8 else values

    def _refusal(self, address: str, error: HDF5Error) -> ModelFileError:
        return ModelFileError(f"{self._name}: {show(address)} cannot be read: {error}.")


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
