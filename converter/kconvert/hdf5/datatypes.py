"""Datatypes: the numbers and texts that Keras stores, and how NumPy reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import HDF5Error
from .source import Cursor

FLOAT_LAYOUTS = {
    (2, 15, 10, 5, 0, 10, 15): ("float16", "f2"),
    (2, 15, 7, 8, 0, 7, 127): ("bfloat16", "u2"),
    (4, 31, 23, 8, 0, 23, 127): ("float32", "f4"),
    (8, 63, 52, 11, 0, 52, 1023): ("float64", "f8"),
    (1, 7, 3, 4, 0, 3, 7): ("float8_e4m3fn", "u1"),
    (1, 7, 2, 5, 0, 2, 15): ("float8_e5m2", "u1"),
}
"""(bytes, place of the sign, place and size of the exponent, of the fraction, bias) -> name, and NumPy's code."""
INTEGER, FLOAT, STRING, OPAQUE, COMPOUND, ENUM, VARIABLE, COMPLEX = 0, 1, 3, 5, 6, 8, 9, 11
OTHERS = {2: "time", 4: "bit field", 7: "reference", 10: "array"}
NESTING_LIMIT = 4


@dataclass(frozen=True, slots=True)
class Datatype:
    """A type of values.

    name: a NumPy dtype, 'bfloat16', 'float8_...', 'opaque', 'text' (of fixed size) or 'variable text'.
    stored: how NumPy reads the bytes in the file. padding: what follows a text that is shorter than its place.
    """

    name: str
    size: int
    stored: np.dtype[Any]
    padding: int = 0


def read_datatype(cursor: Cursor, nesting: int = 0) -> Datatype:
    """Return a datatype; HDF5Error naming those that are not read."""
    head = cursor.uint(1)
    kind, version = head & 15, head >> 4
    bits, size = cursor.uint(3), cursor.uint(4)
    if not 1 <= version <= 5 or nesting > NESTING_LIMIT:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has the unknown version {version}")
    if not 0 < size < 1 << 31:
        raise HDF5Error(f"{cursor.what} at byte {cursor.start} has the size {size}")
    if kind == INTEGER:
        return _integer(cursor, bits, size)
    if kind == FLOAT:
        return _float(cursor, bits, size)
    if kind == STRING:
        return Datatype("text", size, np.dtype(("S", size)), bits & 15)
    if kind == OPAQUE:
        return Datatype("opaque", size, np.dtype(("V", size)))
    if kind == COMPOUND:
        return _compound(cursor, bits, size, version, nesting)
    if kind == ENUM:
        return _enumeration(cursor, bits, size, version, nesting)
    if kind == VARIABLE and bits & 15 == 1:
        return Datatype("variable text", size, np.dtype(("V", size)))
    if kind == COMPLEX:
        return _complex(read_datatype(cursor, nesting + 1), size, cursor)
    name = "list of variable length" if kind == VARIABLE else OTHERS.get(kind, f"unknown ({kind})")
    raise HDF5Error(f"it has values of the HDF5 type {name}, which is not read")


def _odd(cursor: Cursor, what: str) -> HDF5Error:
    return HDF5Error(f"{cursor.what} at byte {cursor.start} is {what}, which is not read")


def _integer(cursor: Cursor, bits: int, size: int) -> Datatype:
    offset, precision = cursor.uint(2), cursor.uint(2)
    if size not in (1, 2, 4, 8) or offset or precision != 8 * size:
        raise _odd(cursor, f"an integer of {precision} bits in {size} bytes")
    name = f"{'int' if bits & 8 else 'uint'}{precision}"
    return Datatype(name, size, np.dtype(name).newbyteorder(">" if bits & 1 else "<"))


def _float(cursor: Cursor, bits: int, size: int) -> Datatype:
    offset, precision = cursor.uint(2), cursor.uint(2)
    layout = (size, bits >> 8 & 255, *(cursor.uint(1) for _ in range(4)), cursor.uint(4))
    if layout not in FLOAT_LAYOUTS or offset or precision != 8 * size or bits & 64 or bits >> 4 & 3 != 2:
        raise _odd(cursor, f"a floating-point number of {size} bytes with an unusual layout")
    name, code = FLOAT_LAYOUTS[layout]
    return Datatype(name, size, np.dtype(code).newbyteorder(">" if bits & 1 else "<"))


def _enumeration(cursor: Cursor, bits: int, size: int, version: int, nesting: int) -> Datatype:
    """An enumeration is read as its numbers; h5py stores truth values as FALSE = 0 and TRUE = 1 of int8."""
    base = read_datatype(cursor, nesting + 1)
    count = bits & 0xFFFF
    if base.name.lstrip("u")[:3] != "int" or base.size != size:
        raise _odd(cursor, f"an enumeration of {base.name}")
    names = [_member(cursor, version) for _ in range(count)]
    values = [cursor.uint(size) for _ in range(count)]
    truth = size == 1 and sorted(zip(names, values, strict=True)) == [("FALSE", 0), ("TRUE", 1)]
    return Datatype("bool", 1, np.dtype("u1")) if truth else base


def _member(cursor: Cursor, version: int) -> str:
    """Read a name; before version 3 names are padded to a multiple of eight bytes."""
    start = cursor.position
    name = cursor.text()
    if version < 3:
        cursor.skip(-(cursor.position - start) % 8)
    return name


def _compound(cursor: Cursor, bits: int, size: int, version: int, nesting: int) -> Datatype:
    """Of compounds, only h5py's complex numbers are read: two equal floats called r and i."""
    if bits & 0xFFFF != 2:
        raise _odd(cursor, "a compound")
    members = []
    for _ in range(2):
        name = _member(cursor, version)
        offset = cursor.uint(4 if version < 3 else (size.bit_length() + 7) // 8)
        if version == 1:
            cursor.skip(28)
        members.append((name, offset, read_datatype(cursor, nesting + 1)))
    (real, start, kind), (imaginary, middle, other) = members
    if (real, start, imaginary, middle, other) != ("r", 0, "i", kind.size, kind):
        raise _odd(cursor, "a compound")
    return _complex(kind, size, cursor)


def _complex(part: Datatype, size: int, cursor: Cursor) -> Datatype:
    if part.name not in ("float32", "float64") or size != 2 * part.size:
        raise _odd(cursor, f"a complex number of two {part.name}")
    name = f"complex{8 * size}"
    return Datatype(name, size, np.dtype(name).newbyteorder(part.stored.byteorder))
