"""A copy of a model file with other bytes in some places."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import OutputError, show

from ..readers.archive import Archive
from ..readers.weights import WEIGHTS

Change = tuple[Array, Array]
"""The bytes at which numbers begin, and their new bytes (count, size)."""
LARGEST = 1 << 22
"""Numbers that are written at a time where they lie scattered."""


def patched(data: memoryview, changes: Iterable[Change]) -> Array:
    """Return a copy of the bytes `data` with the changes made."""
    copy = np.frombuffer(data, np.uint8).copy()
    for starts, values in changes:
        places = starts.reshape(-1)
        size = values.shape[1] if values.ndim == 2 else 0
        if not places.size:
            continue
        if np.array_equal(places, places[0] + np.arange(places.size) * size):
            copy[places[0] : places[0] + places.size * size] = values.reshape(-1)
            continue
        for i in range(0, places.size, LARGEST):
            copy[places[i : i + LARGEST, None] + np.arange(size)] = values[i : i + LARGEST]
    return copy


def write_hdf5(original: Path, target: Path, weights: Array) -> None:
    """Write a whole HDF5 file."""
    with target.open("xb") as stream:
        stream.write(weights.data)


def write_zip(original: Path, target: Path, weights: Array) -> None:
    """Write a copy of a zip with other weights; every other member, and the order of all, stays as it is."""
    archive = Archive(original)
    with target.open("xb") as stream, zipfile.ZipFile(stream, "w", allowZip64=True) as copy:
        for name, member in archive.members.items():
            info = zipfile.ZipInfo(name, member.date_time)
            info.compress_type, info.external_attr = member.compress_type, member.external_attr
            info.create_system = member.create_system
            with copy.open(info, "w", force_zip64=member.file_size >= 1 << 31) as out:
                out.write(weights.data if name == WEIGHTS else archive.read(name))


def in_place_of(out: Path, write: Callable[[Path], None], check: Callable[[Path], None]) -> None:
    """Let `write` write a temporary file beside `out`, `check` it, and give it the name `out`."""
    temporary = out.with_name(f".{out.stem[:80]}.{os.getpid()}.tmp{out.suffix}")
    try:
        write(temporary)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        check(temporary)
        temporary.replace(out)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{show(out)} cannot be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
