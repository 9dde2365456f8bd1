"""The two checksums of HDF5: Jenkins' lookup3 over metadata, Fletcher's over chunks of data."""

from __future__ import annotations

import struct

import numpy as np

MASK = 0xFFFFFFFF


def lookup3(data: bytes | memoryview) -> int:
    """Return Bob Jenkins' lookup3 hash (`hashlittle`, start value 0), as HDF5 stores it after its metadata."""
    size = len(data)
    a = b = c = (0xDEADBEEF + size) & MASK
    if size == 0:
        return c
    whole = (size - 1) // 12
    for x, y, z in struct.iter_unpack("<III", data[: whole * 12]):
        a, b, c = _mix(a + x, b + y, c + z)
    x, y, z = struct.unpack("<III", bytes(data[whole * 12 :]).ljust(12, b"\0"))
    return _final(a + x, b + y, c + z)


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    """Mix three words; every step is a subtraction, a rotation and an addition modulo 2**32."""
    b &= MASK
    c &= MASK
    a = (a - c) & MASK ^ ((c << 4) & MASK | c >> 28)
    c = (c + b) & MASK
    b = (b - a) & MASK ^ ((a << 6) & MASK | a >> 26)
    a = (a + c) & MASK
    c = (c - b) & MASK ^ ((b << 8) & MASK | b >> 24)
    b = (b + a) & MASK
    a = (a - c) & MASK ^ ((c << 16) & MASK | c >> 16)
    c = (c + b) & MASK
    b = (b - a) & MASK ^ ((a << 19) & MASK | a >> 13)
    a = (a + c) & MASK
    c = (c - b) & MASK ^ ((b << 4) & MASK | b >> 28)
    b = (b + a) & MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    a, b, c = a & MASK, b & MASK, c & MASK
    c = ((c ^ b) - _turned(b, 14)) & MASK
    a = ((a ^ c) - _turned(c, 11)) & MASK
    b = ((b ^ a) - _turned(a, 25)) & MASK
    c = ((c ^ b) - _turned(b, 16)) & MASK
    a = ((a ^ c) - _turned(c, 4)) & MASK
    b = ((b ^ a) - _turned(a, 14)) & MASK
    return ((c ^ b) - _turned(b, 24)) & MASK


def _turned(word: int, bits: int) -> int:
    return (word << bits) & MASK | word >> (32 - bits)


def fletcher32(data: bytes | memoryview) -> int:
    """Return Fletcher's checksum over 16-bit big-endian words, modulo 65535, where 65535 stands for a zero."""
    whole = np.frombuffer(bytes(data) + b"\0" * (len(data) % 2), ">u2").astype(np.uint64)
    if not whole.any():
        return 0
    first = int(whole.sum()) % 65535
    second = 0
    block = 1 << 16  # products stay below 2**64
    weight = len(whole)
    for start in range(0, len(whole), block):
        part = whole[start : start + block]
        weights = np.arange(weight - start, weight - start - len(part), -1, dtype=np.uint64) % np.uint64(65535)
        second = (second + int((part * weights).sum())) % 65535
    return (second or 65535) << 16 | (first or 65535)
