"""The checksum of TensorFlow's files: CRC-32C (RFC 3720, B.4), computed on many pieces of the data side by side.

A CRC without its initial value is linear, so that of a concatenation follows from those of the parts: the left one is
carried over as many zero bytes as the right part is long, which is a matrix of bits, and the two are added.
"""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

POLYNOMIAL = 0x82F63B78
MASK = 0xA282EAD8
LANES = 1 << 16
ALL = 0xFFFFFFFF


def _table() -> Array:
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = (crc >> np.uint32(1)) ^ (np.uint32(POLYNOMIAL) * (crc & np.uint32(1)))
    return crc


TABLE = _table()


def crc32c(data: bytes | memoryview) -> int:
    """Return the CRC-32C of some bytes."""
    start = np.frombuffer(data, np.uint8)
    if len(start) < 64:
        return _byte_by_byte(data)
    lanes = 1
    while lanes < LANES and lanes * lanes * 16 < len(start):
        lanes *= 2
    length = -(-len(start) // lanes)
    padded = np.zeros(lanes * length, np.uint8)  # zeros in front change nothing while the CRC is 0
    padded[len(padded) - len(start) :] = start
    padded[len(padded) - len(start) :][:4] ^= np.uint8(255)  # the initial value
    return int(_joined(_side_by_side(padded.reshape(lanes, length)), length)) ^ ALL


def masked(crc: int) -> int:
    """Return a CRC as TensorFlow stores it, so that data with CRCs in it can have one, too."""
    return ((crc >> 15 | crc << 17) + MASK) & ALL


def _byte_by_byte(data: bytes | memoryview) -> int:
    crc = ALL
    for byte in bytes(data):
        crc = int(TABLE[(crc ^ byte) & 255]) ^ (crc >> 8)
    return crc ^ ALL


def _side_by_side(rows: Array) -> Array:
    """Return the CRC of each row, all in step."""
    crc = np.zeros(len(rows), np.uint32)
    for column in np.ascontiguousarray(rows.T):
        crc = TABLE[(crc ^ column) & np.uint32(255)] ^ (crc >> np.uint32(8))
    return crc


def _joined(crcs: Array, length: int) -> int:
    """Return the CRC of parts of `length` bytes each, whose number is a power of 2."""
    shift = _zeros(length)
    while len(crcs) > 1:
        crcs = _apply(shift, crcs[::2]) ^ crcs[1::2]
        shift = _apply(shift, shift)
    return int(crcs[0])


def _zeros(length: int) -> Array:
    """Return what `length` zero bytes do to each bit of a CRC: a matrix of bits, by columns."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    step = TABLE[bits & np.uint32(255)] ^ (bits >> np.uint32(8))
    result = bits
    while length:
        if length & 1:
            result = _apply(step, result)
        step = _apply(step, step)
        length >>= 1
    return result


def _apply(matrix: Array, crcs: Array) -> Array:
    total = np.zeros_like(crcs)
    for bit in range(32):
        total ^= matrix[bit] * ((crcs >> np.uint32(bit)) & np.uint32(1))
    return total
