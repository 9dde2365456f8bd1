"""64-bit hashes of byte strings, all strings at once: FarmHash's Fingerprint64 and SipHash-2-4.

Definitions: github.com/google/farmhash (namespace farmhashna), Aumasson and Bernstein, "SipHash: a fast
short-input PRF" (2012). Both are fixed functions of the bytes: the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array

Pair: TypeAlias = "tuple[Array, Array]"

U64 = np.uint64
K0, K1, K2 = U64(0xC3A5C85C97CB3127), U64(0xB492B66FBE98F273), U64(0x9AE16A3B2F90404F)
PAIR = U64(0xC6A4A7935BD1E995)
BLOCK = 64


class _Strings:
    """Byte strings end to end: `start` and `length` of each, and little-endian words from any position."""

    def __init__(self, strings: Sequence[bytes]) -> None:
        data = np.frombuffer(b"".join(strings) + bytes(8), np.uint8)
        self.length = np.fromiter(map(len, strings), np.int64, len(strings))
        self.start = np.cumsum(self.length) - self.length
        self._bytes = data
        self._words = np.lib.stride_tricks.as_strided(data[:8].view("<u8"), (data.size - 7,), (1,), writeable=False)

    def byte(self, position: Array) -> Array:
        return self._bytes[position].astype(np.uint64)

    def u32(self, position: Array) -> Array:
        return self.u64(position) & U64(0xFFFFFFFF)

    def u64(self, position: Array) -> Array:
        return self._words[position].astype(np.uint64, copy=False)


def fingerprint64(strings: Sequence[bytes]) -> Array:
    """FarmHash's Fingerprint64 of each string, uint64."""
    text = _Strings(strings)
    result = np.full(len(strings), K2)
    for least, most, function in _LENGTHS:
        chosen = np.flatnonzero((text.length >= least) & (text.length <= most))
        if chosen.size:
            result[chosen] = function(text, text.start[chosen], text.length[chosen])
    return result


def _up_to_3(text: _Strings, s: Array, n: Array) -> Array:
    y = text.byte(s) + (text.byte(s + (n >> 1)) << U64(8))
    z = n.astype(np.uint64) + (text.byte(s + n - 1) << U64(2))
    return _shift_mix(y * K2 ^ z * K0) * K2


def _up_to_7(text: _Strings, s: Array, n: Array) -> Array:
    size = n.astype(np.uint64)
    return _mix(size + (text.u32(s) << U64(3)), text.u32(s + n - 4), K2 + size * U64(2))


def _up_to_16(text: _Strings, s: Array, n: Array) -> Array:
    mul = K2 + n.astype(np.uint64) * U64(2)
    a, b = text.u64(s) + K2, text.u64(s + n - 8)
    return _mix(_rotate(b, 37) * mul + a, (_rotate(a, 25) + b) * mul, mul)


def _up_to_32(text: _Strings, s: Array, n: Array) -> Array:
    mul = K2 + n.astype(np.uint64) * U64(2)
    a, b = text.u64(s) * K1, text.u64(s + 8)
    c, d = text.u64(s + n - 8) * mul, text.u64(s + n - 16) * K2
    return _mix(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + K2, 18) + c, mul)


def _up_to_64(text: _Strings, s: Array, n: Array) -> Array:
    mul = K2 + n.astype(np.uint64) * U64(2)
    a, b = text.u64(s) * K2, text.u64(s + 8)
    c, d = text.u64(s + n - 8) * mul, text.u64(s + n - 16) * K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _mix(y, a + _rotate(b + K2, 18) + c, mul)
    e, f = text.u64(s + 16) * mul, text.u64(s + 24)
    g, h = (y + text.u64(s + n - 32)) * mul, (z + text.u64(s + n - 24)) * mul
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _longer(text: _Strings, s: Array, n: Array) -> Array:
    """Blocks of 64 bytes into a state of seven words; the last 64 bytes close it, whatever they overlap."""
    seed = np.full(s.shape, U64(81))
    y = seed * K1 + U64(113)
    z = _shift_mix(y * K2 + U64(113)) * K2
    zero = np.zeros_like(seed)
    state = [seed * K2 + text.u64(s), y, z, zero, zero.copy(), zero.copy(), zero.copy()]
    blocks = (n - 1) // BLOCK
    for block in range(int(blocks.max())):
        live = blocks > block
        after = _round(text, s[live] + block * BLOCK, [part[live] for part in state], K1, U64(1))
        for part, new in zip(state, after, strict=True):
            part[live] = new
    x, y, z, v0, v1, w0, w1 = state
    mul = K1 + ((z & U64(0xFF)) << U64(1))
    w0 = w0 + ((n - 1) & 63).astype(np.uint64)
    v0 = v0 + w0
    w0 = w0 + v0
    x, y, z, v0, v1, w0, w1 = _round(text, s + n - BLOCK, [x, y, z, v0, v1, w0, w1], mul, U64(9))
    return _mix(_mix(v0, w0, mul) + _shift_mix(y) * K0 + z, _mix(v1, w1, mul) + x, mul)


def _round(text: _Strings, s: Array, state: Sequence[Array], mul: Array | np.uint64, factor: np.uint64) -> list[Array]:
    x, y, z, v0, v1, w0, w1 = state
    x = _rotate(x + y + v0 + text.u64(s + 8), 37) * mul
    y = _rotate(y + v1 + text.u64(s + 48), 42) * mul
    x = x ^ w1 * factor
    y = y + v0 * factor + text.u64(s + 40)
    z = _rotate(z + w0, 33) * mul
    v0, v1 = _weak(text, s, v1 * mul, x + w0)
    w0, w1 = _weak(text, s + 32, z + w1, y + text.u64(s + 16))
    return [z, y, x, v0, v1, w0, w1]


def _weak(text: _Strings, s: Array, a: Array, b: Array) -> Pair:
    w, x, y, z = (text.u64(s + 8 * i) for i in range(4))
    a = a + w
    b = _rotate(b + a + z, 21)
    c = a + x + y
    return c + z, b + _rotate(c, 44) + a


def chain(fingerprint: Array, following: Array) -> Array:
    """One fingerprint of a pair of them (TensorFlow's FingerprintCat64)."""
    mixed = (fingerprint ^ PAIR ^ _shift_mix(following * PAIR) * PAIR) * PAIR
    return _shift_mix(_shift_mix(mixed) * PAIR)


def _rotate(x: Array, bits: int) -> Array:
    """Rotate to the right."""
    return (x >> U64(bits)) | (x << U64(64 - bits))


def _shift_mix(x: Array) -> Array:
    return x ^ (x >> U64(47))


def _mix(u: Array, v: Array, mul: Array) -> Array:
    a = _shift_mix((u ^ v) * mul)
    return _shift_mix((v ^ a) * mul) * mul


_LENGTHS = (
    (1, 3, _up_to_3),
    (4, 7, _up_to_7),
    (8, 16, _up_to_16),
    (17, 32, _up_to_32),
    (33, 64, _up_to_64),
    (65, 2**62, _longer),
)


def siphash(strings: Sequence[bytes], key: Sequence[int]) -> Array:
    """SipHash-2-4 of each string under two 64-bit keys, uint64."""
    text = _Strings(strings)
    k0, k1 = (U64(k & (2**64 - 1)) for k in key)
    initial = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v = [np.full(len(strings), U64(c) ^ k) for c, k in zip(initial, (k0, k1, k0, k1), strict=True)]
    whole = text.length // 8
    for block in range(int(whole.max(initial=-1)) + 1):
        live = whole >= block
        word = _sip_word(text, text.start[live] + 8 * block, text.length[live] - 8 * block, text.length[live])
        after = _compress([part[live] for part in v], word)
        for part, new in zip(v, after, strict=True):
            part[live] = new
    v[2] = v[2] ^ U64(0xFF)
    for _ in range(4):
        v = _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_word(text: _Strings, position: Array, left: Array, length: Array) -> Array:
    """The next 8 bytes; in the last word the bytes that are left, and the length in the highest byte."""
    word = text.u64(position)
    kept = np.clip(left, 0, 7).astype(np.uint64) * U64(8)
    last = word & ((U64(1) << kept) - U64(1)) | (length.astype(np.uint64) << U64(56))
    return np.where(left >= 8, word, last)


def _compress(v: list[Array], word: Array) -> list[Array]:
    v = [v[0], v[1], v[2], v[3] ^ word]
    v = _sip_round(_sip_round(v))
    return [v[0] ^ word, v[1], v[2], v[3]]


def _sip_round(v: list[Array]) -> list[Array]:
    a, b, c, d = v
    a, c = a + b, c + d
    b, d = _rotate(b, 51) ^ a, _rotate(d, 48) ^ c
    a, c = _rotate(a, 32) + d, c + b
    b, d = _rotate(b, 47) ^ c, _rotate(d, 43) ^ a
    return [a, b, _rotate(c, 32), d]
