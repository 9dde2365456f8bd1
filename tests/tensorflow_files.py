"""Checkpoints made by hand: Protocol Buffers, sorted tables and bundles of tensors, right or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kconvert.readers.tensorflow.crc32c import crc32c, masked
from kconvert.readers.tensorflow.sstable import MAGIC

DTYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "bool": 10, "float16": 19}
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    """A message of (number, value) pairs."""
    found = b""
    for number, value in fields:
        if isinstance(value, int):
            found += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            found += varint(number << 3 | 2) + varint(len(data)) + data
    return found


def block(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    content = b"".join(varint(0) + varint(len(k)) + varint(len(v)) + k + v for k, v in pairs)
    body = content + (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + b"\0"
    return body + masked(crc32c(body)).to_bytes(4, "little")


def table(pairs: Mapping[bytes, bytes]) -> bytes:
    """A sorted table of one block."""
    data = block(sorted(pairs.items()))
    meta = block([])
    handles = [varint(len(data)) + varint(len(meta) - 5), b""]
    index = block([(b"\xff", varint(0) + varint(len(data) - 5))])
    handles[1] = varint(len(data) + len(meta)) + varint(len(index) - 5)
    footer = b"".join(handles)
    return data + meta + index + footer.ljust(40, b"\0") + MAGIC


def strings(values: Sequence[bytes]) -> tuple[bytes, int]:
    """The bytes of a tensor of strings, and their checksum."""
    lengths = b"".join(len(v).to_bytes(4, "little") for v in values)
    check = masked(crc32c(lengths)).to_bytes(4, "little")
    text = b"".join(values)
    return b"".join(varint(len(v)) for v in values) + check + text, masked(crc32c(lengths + check + text))


def entry(dtype: int, shape: Sequence[int], offset: int, size: int, crc: int, *more: tuple[int, int | bytes]) -> bytes:
    dims = message(*((2, message((1, n))) for n in shape))
    fields = message((1, dtype), (2, dims), (4, offset), (5, size), *more)
    return fields + varint(6 << 3 | 5) + crc.to_bytes(4, "little")


def object_graph(nodes: Sequence[tuple[Mapping[str, int], str]]) -> bytes:
    """Nodes of (children by name, key of the variable or '')."""
    found = []
    for children, key in nodes:
        fields: list[tuple[int, bytes]] = [(1, message((1, node), (2, name))) for name, node in children.items()]
        fields += [(2, message((1, "VARIABLE_VALUE"), (2, key), (3, key)))] if key else []
        found.append((1, message(*fields)))
    return message(*found)


def write_checkpoint(
    prefix: Path, weights: Mapping[str, np.ndarray], graph: bytes | None, header: bytes | None = None,
    **entries: bytes,
) -> Path:  # fmt: skip
    """Write a checkpoint; `entries` replace those of the tensors of these names, dots written as __."""
    data, found = b"", {}
    for key, values in weights.items():
        raw = values.tobytes()
        code = DTYPES[values.dtype.newbyteorder("=").name]
        found[key] = entry(code, values.shape, len(data), len(raw), masked(crc32c(raw)))
        data += raw
    if graph is not None:
        raw, crc = strings([graph])
        found[GRAPH] = entry(7, [], len(data), len(raw), crc)
        data += raw
    found.update(entries)
    pairs = {key.encode(): value for key, value in found.items()}
    pairs[b""] = message((1, 1)) if header is None else header
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(pairs))
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)
    return prefix
