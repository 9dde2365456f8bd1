"""Arrays in .npy and .npz files. Nothing is unpickled, and no size is believed before it is compared.

.npy files are mapped into memory, so that only the rows in use are read.
"""

from __future__ import annotations

import io
import math
import sys
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO, Any, Literal

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Port
from kconvert_schemas.limits import current

from .source import NPY_MAGIC, Source

HEADER_LIMIT = 65536
PLAIN = "biufcSU"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LONGEST = 2**62
"""Bytes that no array has, even one of no elements with its other sizes."""
SHOWN = 20
"""Names of arrays in a message."""


def read_npy(source: Source, ports: Sequence[Port]) -> dict[str, Any]:
    """Return the array of a .npy file as the only input."""
    if len(ports) > 1:
        raise InputError(
            f"{source.label} holds one array; {len(ports)} inputs are wanted: {names(ports)}. Give a file for each "
            f"(NAME=FILE), or an .npz with these names."
        )
    return {ports[0].name: _checked(source, _from_bytes(source) if source.is_stream else _mapped(source))}


def read_npz(source: Source, ports: Sequence[Port]) -> dict[str, Any]:
    """Return the arrays of an .npz file by input name; by position when they have no names (arr_0, arr_1)."""
    try:
        with zipfile.ZipFile(io.BytesIO(source.data) if source.is_stream else source.path) as archive:
            listed = archive.infolist()
            members = {info.filename.removesuffix(".npy"): info for info in listed}
            if len(members) < len(listed):
                raise InputError(f"{source.label} holds two arrays of one name.")
            chosen = _choose(source, ports, list(members))
            return {name: _checked(source, _member(source, archive, members[m])) for name, m in chosen.items()}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(f"{source.label} is a damaged .npz file: {error}.") from error


def names(ports: Sequence[Port]) -> str:
    """Return the names of inputs for a message."""
    return ", ".join(show(port.name) for port in ports)


def _choose(source: Source, ports: Sequence[Port], found: Sequence[str]) -> dict[str, str]:
    """Return input name -> name in the file."""
    wanted = [port.name for port in ports]
    if set(wanted) <= set(found):
        ignored = sorted(set(found) - set(wanted))
        if ignored:
            source.notes.append(f"{source.label} also holds {_some(ignored)}, which is not used")
        return dict(zip(wanted, wanted, strict=True))
    if len(wanted) == len(found) and (len(found) == 1 or set(found) == {f"arr_{i}" for i in range(len(found))}):
        return dict(zip(wanted, sorted(found, key=lambda n: int(n[4:]) if len(found) > 1 else 0), strict=True))
    held = _some(found) or "nothing"
    raise InputError(f"{source.label} holds {held}; expected arrays named {names(ports)}.")


def _some(found: Sequence[str]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(map(show, found[:SHOWN])) + more


def _checked(source: Source, array: Array) -> Array:
    """Return `array`; raises InputError for strings that are not Unicode, at which NumPy itself fails."""
    if array.dtype.kind == "U" and array.size:
        codes = np.ascontiguousarray(array).reshape(-1).view(array.dtype.byteorder.replace("|", "=") + "u4")
        if codes.max() > sys.maxunicode:
            raise InputError(f"{source.label} holds strings that are not Unicode: the file is damaged.")
    return array


def _mapped(source: Source) -> Array:
    with source.path.open("rb") as file:
        shape, order, dtype = _header(source, file)
        start = file.tell()
    _check_size(source, source.path.stat().st_size - start, shape, dtype)
    return np.memmap(source.path, dtype, "r", start, shape, order) if math.prod(shape) else np.empty(shape, dtype)


def _from_bytes(source: Source) -> Array:
    file = io.BytesIO(source.data)
    shape, order, dtype = _header(source, file)
    _check_size(source, len(source.data) - file.tell(), shape, dtype)
    return np.frombuffer(file.read(), dtype).reshape(shape, order=order)


def _member(source: Source, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    if info.file_size > current().array_size:
        raise InputError(
            f"{source.label}: {show(info.filename)} takes {info.file_size:,} bytes when unpacked (limit array_size). "
            "Save it with numpy.save, which is read without unpacking, or raise the limit."
        )
    if info.compress_type not in METHODS:
        raise InputError(f"{source.label}: {show(info.filename)} is compressed in a way that NumPy does not write.")
    with archive.open(info) as file:
        shape, order, dtype = _header(source, file)
        _check_size(source, info.file_size - file.tell(), shape, dtype)
        return np.frombuffer(file.read(info.file_size), dtype).reshape(shape, order=order)


def _header(source: Source, file: IO[bytes]) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype[Any]]:
    """Read the header of a .npy file: shape, order, dtype."""
    start = file.read(8)
    width = 2 if start[6:] == b"\x01\x00" else 4
    prefix = file.read(width)
    length = int.from_bytes(prefix, "little")
    if not start.startswith(NPY_MAGIC) or len(prefix) < width or length > HEADER_LIMIT:
        raise InputError(f"{source.label} is not a .npy array, or is damaged at its beginning.")
    read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran, dtype = read(io.BytesIO(prefix + file.read(length)))
    except Exception as error:  # NumPy parses the header as Python; what that raises for a damaged one is open
        reason = str(error) or type(error).__name__
        raise InputError(f"{source.label} has a damaged .npy header: {reason:.100}.") from None
    if dtype.kind not in PLAIN or dtype.itemsize == 0:
        what = "Python objects, which are never unpickled" if dtype.hasobject else f"values of the dtype {dtype}"
        raise InputError(f"{source.label} holds {what}. Save an array of numbers, bool or str.")
    if any(n < 0 for n in shape):
        raise InputError(f"{source.label} has a damaged .npy header: a size is negative.")
    empty_but_large = 0 in shape and math.prod(n or 1 for n in shape) * dtype.itemsize >= LONGEST
    if empty_but_large or any(isinstance(n, bool) for n in shape):
        raise InputError(f"{source.label} has a damaged .npy header: no array has the sizes {show(shape)}.")
    return shape, "F" if fortran else "C", dtype


def _check_size(source: Source, available: int, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    expected = math.prod(shape) * dtype.itemsize
    if available != expected:
        raise InputError(
            f"{source.label} is damaged: {dtype}{list(shape)} takes {expected:,} bytes, the file holds {available:,}."
        )
