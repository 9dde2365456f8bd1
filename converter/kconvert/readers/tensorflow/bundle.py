"""A checkpoint of TensorFlow: an index of tensors by name, and their bytes in one or more files beside it.

Reference: tensorflow/core/util/tensor_bundle. Sizes are compared before anything is read, checksums when it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import TensorType

from ...spec import StoredWeight
from . import protobuf, sstable
from .crc32c import crc32c, masked
from .protobuf import Damaged

INDEX = ".index"
INDEX_LIMIT = 1 << 24
SHARDS_LIMIT = 10_000
STRINGS_LIMIT = 1 << 26
STRING = 7
DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 9: "int64", 10: "bool",
    14: "bfloat16", 17: "uint16", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
"""TensorFlow's numbers for the dtypes that weights have."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor stands, and what it is."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int
    sliced: bool


class Bundle:
    """The tensors of a checkpoint by their keys. Raises ModelFileError for what is damaged."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        index = prefix.with_name(prefix.name + INDEX)
        if index.is_symlink() or not index.is_file() or index.stat().st_size > INDEX_LIMIT:
            raise ModelFileError(f"{show(index)} is not a regular file of at most {INDEX_LIMIT} bytes.")
        try:
            table = sstable.entries(index.read_bytes())
            header = protobuf.numbers(table.pop(b"", memoryview(b"")))
            self.entries = {key.decode("utf-8"): _entry(value) for key, value in table.items()}
        except (Damaged, UnicodeDecodeError) as error:
            raise ModelFileError(f"{show(index)} is a damaged index of a checkpoint: {error}.") from error
        self.order: Literal["<", ">"] = ">" if header.get(2) else "<"
        self.shards = [self._shard(i, header.get(1, 0)) for i in range(min(header.get(1, 0), SHARDS_LIMIT))]
        self.sizes = [shard.stat().st_size for shard in self.shards]
        self.files = (index, *self.shards)
        if sum(entry.size for entry in self.entries.values() if not entry.sliced) > sum(self.sizes):
            raise ModelFileError(f"{show(index)} lists tensors that are larger together than their files.")

    def weight(self, key: str) -> StoredWeight:
        """Return a variable that is read when asked for."""
        entry = self._checked(key)
        dtype = DTYPES.get(entry.dtype)
        if dtype is None:
            raise ModelFileError(f"{show(self.prefix)}: {show(key)} has TensorFlow's dtype {entry.dtype}.")
        width = 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
        if prod(entry.shape) * width != entry.size:
            raise ModelFileError(
                f"{show(self.prefix)}: {show(key)} has the shape {entry.shape} of {dtype}, but {entry.size} bytes."
            )
        return StoredWeight(TensorType(entry.shape, dtype), partial(self._array, key, entry, dtype))

    def strings(self, key: str) -> list[bytes]:
        """Return the strings of a tensor: their lengths stand first, then a checksum of these, then the strings."""
        entry = self._checked(key)
        if entry.size > STRINGS_LIMIT:
            raise ModelFileError(f"{show(self.prefix)}: {show(key)} is larger than {STRINGS_LIMIT} bytes.")
        data, count = memoryview(self._bytes(entry)), prod(entry.shape)
        if entry.dtype != STRING or count + 4 > len(data):
            raise ModelFileError(f"{show(self.prefix)}: {show(key)} does not hold {count} strings.")
        lengths, at = [], 0
        try:
            for _ in range(count):
                length, at = protobuf.varint(data, at)
                lengths.append(length)
        except Damaged as error:
            raise ModelFileError(f"{show(self.prefix)}: {show(key)} is damaged: {error}.") from error
        if sum(lengths) != len(data) - at - 4:
            raise ModelFileError(f"{show(self.prefix)}: the strings of {show(key)} do not fill their place.")
        stored = b"".join(n.to_bytes(4 if n < 2**32 else 8, "little") for n in lengths)
        check = masked(crc32c(stored)).to_bytes(4, "little")
        if data[at : at + 4] != check or masked(crc32c(stored + data[at:])) != entry.crc:
            raise self._wrong_checksum(key)
        found, at = [], at + 4
        for length in lengths:
            found.append(bytes(data[at : at + length]))
            at += length
        return found

    def _shard(self, number: int, count: int) -> Path:
        shard = self.prefix.with_name(f"{self.prefix.name}.data-{number:05}-of-{count:05}")
        if shard.is_symlink() or not shard.is_file():
            raise ModelFileError(
                f"{show(self.prefix)}{INDEX} asks for the file {show(shard.name)}, which is not there."
            )
        return shard

    def _checked(self, key: str) -> Entry:
        entry = self.entries.get(key)
        if entry is None:
            raise ModelFileError(f"{show(self.prefix)} holds no {show(key)}.")
        if entry.sliced:
            raise ModelFileError(
                f"{show(self.prefix)}: {show(key)} is cut in slices. Load it with TensorFlow and save it again, "
                "without a partitioner."
            )
        if entry.shard >= len(self.shards) or entry.offset + entry.size > self.sizes[entry.shard]:
            raise ModelFileError(f"{show(self.prefix)}: {show(key)} stands outside its file, which may be cut off.")
        return entry

    def _bytes(self, entry: Entry) -> bytes:
        with self.shards[entry.shard].open("rb") as file:
            file.seek(entry.offset)
            return file.read(entry.size)

    def _array(self, key: str, entry: Entry, dtype: str) -> Array:
        data = self._bytes(entry)
        if len(data) != entry.size or masked(crc32c(data)) != entry.crc:
            raise self._wrong_checksum(key)
        if dtype == "bfloat16":
            bits = np.frombuffer(data, np.dtype(np.uint16).newbyteorder(self.order)).astype(np.uint32)
            return (bits << np.uint32(16)).view(np.float32).reshape(entry.shape)
        array = np.frombuffer(data, np.dtype(dtype).newbyteorder(self.order)).reshape(entry.shape)
        return array.astype(dtype, copy=False)

    def _wrong_checksum(self, key: str) -> ModelFileError:
        return ModelFileError(
            f"{show(self.prefix)}: the bytes of {show(key)} do not have their checksum. Copy or download it again."
        )


def _entry(value: memoryview) -> Entry:
    found = protobuf.numbers(value)
    sizes = [
        protobuf.numbers(dim).get(1, 0) for shape in protobuf.messages(value, 2) for dim in protobuf.messages(shape, 2)
    ]
    numbers = [found.get(i, 0) for i in (1, 3, 4, 5, 6)]
    if any(n >= 2**62 for n in (*sizes, *numbers)):
        raise Damaged("a tensor of negative size")
    dtype, shard, offset, size, crc = numbers
    return Entry(dtype, tuple(sizes), shard, offset, size, crc, bool(protobuf.messages(value, 7)))
