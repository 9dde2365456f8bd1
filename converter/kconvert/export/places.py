"""Where each number of a weight stands in the file, however the reader arranges them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import TensorType
from kconvert_schemas.npz import to_storage

from ..hdf5 import Dataset, HDF5Error
from ..readers.weights import reading
from ..spec import StoredWeight

SHIFT = 1 << 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where the numbers of a weight stand: for each the byte at which it begins; how NumPy reads one."""

    starts: Array
    stored: np.dtype[np.generic]


class Ledger:
    """Gives, in place of the values of a dataset, the bytes at which they begin."""

    def __init__(self) -> None:
        self.data: memoryview | None = None
        self.stored: np.dtype[np.generic] | None = None
        self.address = ""
        self._shift = 0

    def __call__(self, dataset: Dataset, address: str) -> Array:
        """Return the places of the values of a dataset, in its shape; ModelFileError where they cannot be written."""
        try:
            data, start = dataset.place() if dataset.size else (None, 0)
        except HDF5Error as error:
            raise ModelFileError(f"{show(address)}: {error}") from error
        if data is not None:
            self.data = data if self.data is None else self.data
            if data is not self.data:
                raise ModelFileError(f"{show(address)} stands in another file than the weights before it.")
        self.stored, self.address = dataset.type.stored, address
        shape = dataset.shape or ()
        count = dataset.size // dataset.type.size
        start += self._shift
        return (start + np.arange(count, dtype=np.int64) * dataset.type.size).reshape(shape)

    def place(self, weight: StoredWeight) -> Place:
        """Return where a weight stands; ModelFileError where its numbers are not each one of the file's."""
        with reading(self):
            self._shift = SHIFT
            shifted = np.asarray(weight.read())
            self._shift = 0
            starts = np.asarray(weight.read())
        if self.stored is None or starts.dtype != np.int64 or starts.shape != weight.type.shape:
            raise ModelFileError("it is not read from the weights of the file alone")
        # all move by what the numbers of the file moved by: none is a sum of several
        if len(np.unique(starts)) != starts.size or np.any(shifted - starts != SHIFT):
            raise ModelFileError(f"{show(self.address)}: the reader joins several of its numbers to one")
        return Place(starts, self.stored)


def stored_bytes(array: Array, type_: TensorType, place: Place) -> Array:
    """Return the numbers of a weight as the file has them, bytes (count, size), in C order."""
    plain = np.ascontiguousarray(to_storage(array, type_.dtype)).reshape(-1)
    size = place.stored.itemsize
    if place.stored.byteorder == ">" and size > 1:
        plain = plain.byteswap()
    return plain.view(np.uint8).reshape(-1, size)
