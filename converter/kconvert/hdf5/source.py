"""The bytes of a file: every offset and size is checked before it is used, and parsing works within a budget."""

from __future__ import annotations

from kconvert_schemas.errors import show

from ..limits import Limits
from .checksum import lookup3
from .errors import HDF5Error

CHECKSUM_COST = 4
"""How much longer a byte takes to check than to parse."""
FREE = 1 << 20
FREE_TIMES = 16
"""Small files may parse a megabyte, and then each byte sixteen times, before the limit for all files counts."""
FREE_UNPACKED = 64 << 20
"""What chunks may unpack to however small the file is."""


class Source:
    """The bytes of an HDF5 file; addresses count from `base`."""

    def __init__(self, data: memoryview, limits: Limits) -> None:
        self.data = data
        self.limits = limits
        self.base = 0
        self.offset_size = 8
        self.length_size = 8
        self._budget = min(FREE + FREE_TIMES * len(data), limits.hdf5_metadata)
        self._unpacked = 0

    def spend(self, size: int) -> None:
        """Count `size` bytes as parsed."""
        self._budget -= size
        if self._budget < 0:
            raise HDF5Error("it has far more headers, indexes and text than its size allows (limit hdf5_metadata)")

    @property
    def most(self) -> int:
        """How many bytes all chunks together may unpack to."""
        return max(FREE_UNPACKED, len(self.data) * self.limits.hdf5_expansion)

    def unpack(self, size: int) -> None:
        """Count `size` bytes as put together from chunks."""
        self._unpacked += size
        if self._unpacked > self.most:
            raise HDF5Error("its chunks unpack to far more bytes than the file has (limit hdf5_expansion)")

    def raw(self, address: int, size: int, what: str) -> memoryview:
        """Return the `size` bytes at `address`, not copied; HDF5Error when they are not in the file."""
        start = address + self.base
        if size < 0 or start + size > len(self.data):
            raise HDF5Error(f"{what} ({size} bytes at byte {start}) lies beyond the end of the file")
        return self.data[start : start + size]

    def block(self, address: int, size: int, what: str) -> Cursor:
        """Return a cursor over the metadata at `address`."""
        data = self.raw(address, size, what)
        self.spend(size + 8)
        return Cursor(self, data, address + self.base, what)

    def checked(self, address: int, size: int, what: str) -> Cursor:
        """Return a cursor over metadata of `size` bytes, the last four of which are its checksum."""
        cursor = self.block(address, size, what)
        self.spend(CHECKSUM_COST * size)
        if size < 4 or not self.agrees(cursor.data):
            raise HDF5Error(f"the checksum of {what} at byte {cursor.start} does not fit")
        return Cursor(self, cursor.data[:-4], cursor.start, what)

    def agrees(self, data: memoryview) -> bool:
        """Tell whether the last four bytes of `data` are the checksum of those before."""
        return lookup3(data[:-4]) == int.from_bytes(data[-4:], "little")

    def signed(self, address: int, size: int, signature: bytes, what: str, versions: tuple[int, ...] = (0,)) -> Cursor:
        """Return a cursor over a block with a checksum, past its signature and version."""
        return self.checked(address, size, what).expect(signature, versions)


class Cursor:
    """Reads fields one after the other, never past the end of its block."""

    __slots__ = ("data", "position", "source", "start", "what")

    def __init__(self, source: Source, data: memoryview, start: int, what: str) -> None:
        self.source = source
        self.data = data
        self.start = start
        self.what = what
        self.position = 0

    @property
    def left(self) -> int:
        """The number of bytes not yet read."""
        return len(self.data) - self.position

    def take(self, size: int) -> memoryview:
        """Return the next `size` bytes, not copied."""
        end = self.position + size
        if size < 0 or end > len(self.data):
            raise self._short()
        found = self.data[self.position : end]
        self.position = end
        return found

    def uint(self, size: int) -> int:
        """Return the next little-endian number of `size` bytes."""
        start = self.position
        self.position = end = start + size
        if end > len(self.data):
            raise self._short()
        return int.from_bytes(self.data[start:end], "little")

    def _short(self) -> HDF5Error:
        return HDF5Error(f"{self.what} at byte {self.start} is cut short")

    def address(self) -> int | None:
        """Return the next address; None for the undefined one, which is all ones."""
        size = self.source.offset_size
        value = self.uint(size)
        return None if value == (1 << 8 * size) - 1 else value

    def length(self) -> int:
        """Return the next length."""
        return self.uint(self.source.length_size)

    def part(self, size: int, what: str) -> Cursor:
        """Return a cursor over the next `size` bytes."""
        start = self.start + self.position
        return Cursor(self.source, self.take(size), start, what)

    def expect(self, signature: bytes, versions: tuple[int, ...]) -> Cursor:
        """Read past a signature and a version; HDF5Error when they are others."""
        found = bytes(self.take(len(signature)))
        if found != signature:
            raise HDF5Error(f"at byte {self.start} there is {found!r} in place of {self.what} ({signature!r})")
        self.version(*versions)
        return self

    def version(self, *known: int) -> int:
        """Return the version that comes next; HDF5Error unless it is `known`."""
        version = self.uint(1)
        if version not in known:
            raise HDF5Error(f"{self.what} at byte {self.start} has the unknown version {version}")
        return version

    def text(self) -> str:
        """Return the text up to the next NUL."""
        rest = bytes(self.data[self.position :])
        size = rest.find(0)
        if size < 0:
            raise HDF5Error(f"{self.what} at byte {self.start} has a name without an end")
        self.position += size + 1
        return decoded(rest[:size], self.what)

    def skip(self, size: int) -> None:
        """Read past `size` bytes."""
        self.take(size)


def decoded(data: bytes, what: str) -> str:
    """Return UTF-8 `data` as text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise HDF5Error(f"{what} holds text that is not UTF-8: {show(ascii(data[:40]))}") from None
