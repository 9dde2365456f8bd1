"""Damage to a file: a few fields overwritten, pieces moved, the end cut off."""

from __future__ import annotations

from random import Random

WIDTHS = (1, 1, 2, 4, 8, 8)


def mutated(data: bytes, random: Random) -> bytes:
    """A copy of `data` with one to eight faults."""
    found = bytearray(data)
    for _ in range(random.randint(1, 8)):
        fault = random.choices((field, pointer, flip, moved, cut), (8, 5, 4, 2, 0.3))[0]
        fault(found, random)
        if not found:
            break
    return bytes(found)


def field(data: bytearray, random: Random) -> None:
    """Overwrite a field with a number that is likely to hurt."""
    width = random.choice(WIDTHS)
    at = _place(data, random, width)
    old = int.from_bytes(data[at : at + width], "little")
    values = (0, 1, -1, old + 1, old - 1, old * 2, 1 << (8 * width - 1), len(data), len(data) - at, at, 1 << 31, 65535)
    value = random.choice((*values, random.getrandbits(8 * width)))
    data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")


def pointer(data: bytearray, random: Random) -> None:
    """Overwrite an address with another one of the file, so that structures meet, or meet themselves."""
    places = [
        at
        for at in range(0, len(data) - 7, random.choice((1, 2, 4, 8)))
        if 0 < int.from_bytes(data[at : at + 8], "little") < len(data)
    ]
    if len(places) > 1:
        there, here = random.choice(places), random.choice(places)
        data[here : here + 8] = data[there : there + 8]


def flip(data: bytearray, random: Random) -> None:
    """Flip one bit."""
    at = _place(data, random, 1)
    data[at] ^= 1 << random.randrange(8)


def moved(data: bytearray, random: Random) -> None:
    """Copy a piece over another place."""
    size = min(random.choice((8, 16, 40, 128, 512)), len(data))
    source, target = _place(data, random, size), _place(data, random, size)
    data[target : target + size] = data[source : source + size]


def cut(data: bytearray, random: Random) -> None:
    """Cut off the end."""
    del data[random.randrange(len(data)) :]


def _place(data: bytearray, random: Random, width: int) -> int:
    """A place for `width` bytes; rather one that is not empty, since that is where fields are."""
    last = max(len(data) - width, 0)
    for _ in range(20):
        at = random.randint(0, last)
        if any(data[at : at + width]):
            return at
    return random.randint(0, last)
