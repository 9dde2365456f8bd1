"""weights.npz: stored members, C order, little-endian, data aligned to 64 bytes so that it can be mapped.

A member is an ordinary .npy file, so `numpy.load` reads it too. Some dtypes have no NumPy form: bfloat16
is stored as its 16 bits (uint16), floats of 8 bits as theirs (uint8), strings as the UTF-8 bytes (uint8) of a
JSON list.
"""

from __future__ import annotations

import json
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from .dims import product
from .dtypes import FLOATS8, Array, float8_bits, float8_values, holder
from .errors import BundleError, show
from .graph import TensorType
from .zips import list_size, member_ends

WEIGHTS = "weights.npz"
ALIGNMENT = 64
EPOCH = (1980, 1, 1, 0, 0, 0)
HEADER_LIMIT = 4096
_LOCAL_HEADER = 30
_STORED = {"string": "|u1", "bfloat16": "<u2", **dict.fromkeys(FLOATS8, "|u1")}
_ZIP64_EXTRA = 20
_PADDING_FIELD = 0x4B43
_HEADER = re.compile(rb"\{'descr': '([<|][a-z]\d{1,3})', 'fortran_order': False, 'shape': (\([\d, ]{0,800}\)), \} *\n")
_ENTRY = 256
"""Bytes that a member takes in the list of members at most, without its name."""


def write_npz(file: IO[bytes], arrays: Iterable[tuple[str, Array]]) -> None:
    """Write named arrays, already in storage form (`to_storage`), one at a time; same input, same bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays:
            _write_member(archive, file, f"{name}.npy", np.ascontiguousarray(array).reshape(array.shape))


def _write_member(archive: zipfile.ZipFile, file: IO[bytes], member: str, array: Array) -> None:
    big = array.nbytes >= 2**31
    info = zipfile.ZipInfo(member, EPOCH)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    start = file.tell() + _LOCAL_HEADER + len(member.encode()) + (_ZIP64_EXTRA if big else 0) + 4
    padding = -start % ALIGNMENT
    info.extra = _PADDING_FIELD.to_bytes(2, "little") + padding.to_bytes(2, "little") + bytes(padding)
    with archive.open(info, "w", force_zip64=big) as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
        stream.write(array.reshape(-1).view(np.uint8).data if array.size else b"")


def to_storage(array: Array, dtype: str) -> Array:
    """Return the array that stands in the file for values of `dtype`."""
    if dtype == "string":
        text = json.dumps(array.ravel().tolist(), ensure_ascii=False)
        return np.frombuffer(text.encode("utf-8"), np.uint8)
    if dtype == "bfloat16":
        return (np.asarray(array, np.float32, order="C").view(np.uint32) >> np.uint32(16)).astype("<u2")
    if dtype in FLOATS8:
        return float8_bits(array, dtype)
    return np.asarray(array, holder(dtype).newbyteorder("<"))


def from_storage(stored: Array, type_: TensorType, name: str, file: str = WEIGHTS) -> Array:
    """Return the values of `type_` that an array stored in `file` stands for; BundleError when it does not fit."""
    expected = _STORED.get(type_.dtype, holder(type_.dtype).newbyteorder("<").str)
    if stored.dtype.str != expected or (type_.dtype != "string" and stored.shape != type_.shape):
        raise BundleError(
            f"{file}: {show(name)} holds {stored.dtype.str}{list(stored.shape)}, "
            f"graph.json says {type_} ({expected}). The bundle is damaged; convert the model again."
        )
    if type_.dtype == "string":
        return _strings(stored, type_, name, file)
    if type_.dtype == "bfloat16":
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if type_.dtype in FLOATS8:
        return float8_values(stored, type_.dtype)
    return stored


def _strings(stored: Array, type_: TensorType, name: str, file: str) -> Array:
    try:
        strings = json.loads(stored.tobytes().decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        strings = None
    if not isinstance(strings, list) or not all(isinstance(s, str) for s in strings):
        raise BundleError(f"{file}: {show(name)} must hold the JSON list of its strings in UTF-8.")
    if len(strings) != product(type_.shape):
        raise BundleError(f"{file}: {show(name)} holds {len(strings)} strings, expected {type_}.")
    result = np.empty(len(strings), object)
    result[:] = strings
    return result.reshape(type_.shape)


def list_limit(names: Iterable[str]) -> int:
    """Return how many bytes the list of members called `names` takes at most."""
    return 65_536 + sum(len(name.encode("utf-8")) + _ENTRY for name in names)


def read_npz(source: Path | IO[bytes], list_limit: int | None = None, label: str = WEIGHTS) -> Mapping[str, Array]:
    """Map an .npz of a bundle into memory and return its stored arrays by name, read-only, without reading them.

    list_limit: bytes that the zip's list of members may take. label: its name in messages. Raises BundleError for
    anything but stored members that do not overlap, with plain .npy headers; never unpickles.
    """
    file = open_regular(source, label) if isinstance(source, Path) else source
    try:
        data: Any = np.memmap(file, np.uint8, "r") if os.fstat(file.fileno()).st_size else np.zeros(0, np.uint8)
        members, ends = _members(file, data, list_limit)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError) as error:
        raise BundleError(f"{label} is not a readable zip file ({error}). Convert the model again.") from error
    finally:
        if file is not source:
            file.close()
    arrays: dict[str, Array] = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        if name == member.filename or name in arrays:
            raise BundleError(f"{label}: {show(member.filename)} is not a .npy member, or stands there twice.")
        arrays[name] = _map_member(data, member, name, ends[member.header_offset], label)
    return arrays


def open_regular(path: Path, label: str) -> IO[bytes]:
    """Open a file, but no pipe or device, at which one could wait for ever; BundleError for these."""
    flags = getattr(os, "O_NONBLOCK", 0)
    file = path.open("rb") if not flags else os.fdopen(os.open(path, os.O_RDONLY | flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise BundleError(f"{label} is not a regular file.")
    return file


def _members(file: IO[bytes], data: Array, limit: int | None) -> tuple[list[zipfile.ZipInfo], dict[int, int]]:
    """Return the members, and where each has to end."""
    if limit is not None and list_size(data.data) > limit:
        raise zipfile.BadZipFile("its list of members is too long for the weights of graph.json")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    return members, member_ends(members, data.size)


def _map_member(data: Array, member: zipfile.ZipInfo, name: str, limit: int, file: str) -> Array:
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 or member.file_size != member.compress_size:
        raise BundleError(f"{file}: {show(name)} is compressed or encrypted; members must be stored.")
    at = member.header_offset
    header = data[at : at + _LOCAL_HEADER].tobytes() if at >= 0 else b""
    if len(header) < _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
        raise BundleError(f"{file}: {show(name)} is damaged.")
    start = at + _LOCAL_HEADER + header[26] + (header[27] << 8) + header[28] + (header[29] << 8)
    end = start + member.file_size
    prefix = data[start : start + 10].tobytes()
    length = int.from_bytes(prefix[8:10], "little")
    text = data[start + 10 : start + 10 + length].tobytes()
    match = _HEADER.fullmatch(text) if prefix[:8] == b"\x93NUMPY\x01\x00" and length <= HEADER_LIMIT else None
    if match is None or end > data.size:
        raise BundleError(f"{file}: {show(name)} is not a plain .npy array.")
    if end > limit:
        raise BundleError(f"{file}: {show(name)} overlaps what follows it.")
    shape = tuple(int(n) for n in match[2].strip(b"()").replace(b",", b" ").split())
    if repr(shape).encode() != match[2]:
        raise BundleError(f"{file}: {show(name)} has a shape that is not written as NumPy writes it.")
    return _view(data[start + 10 + length : end], match[1].decode(), shape, name, file)


def _view(data: Array, descr: str, shape: tuple[int, ...], name: str, file: str) -> Array:
    try:
        dtype = np.dtype(descr)
        if (product(shape) or 0) * dtype.itemsize != data.size or dtype.kind not in "biufc":
            raise ValueError
        return np.asarray(data).view(dtype).reshape(shape)
    except (TypeError, ValueError, OverflowError):
        declared = f"{descr}{list(shape)}"
        raise BundleError(f"{file}: {show(name)} declares {declared}, which its data does not fill.") from None
