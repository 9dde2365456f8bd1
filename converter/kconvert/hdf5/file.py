"""Files and groups: the way from a name to a dataset, one hard link at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import show

from ..limits import DEFAULT, Limits
from .attributes import Attribute, read_attributes
from .dataset import Dataset
from .errors import HDF5Error
from .globalheap import GlobalHeap
from .header import DATASPACE, DATATYPE, LAYOUT, LINK, LINK_INFO, SYMBOL_TABLE, Header, read_header
from .links import read_links
from .source import Source
from .superblock import read_superblock


class File:
    """An HDF5 file in memory; every object is parsed once."""

    def __init__(self, data: bytes | memoryview, limits: Limits = DEFAULT) -> None:
        self.source = Source(memoryview(data), limits)
        self.heap = GlobalHeap(self.source)
        self._objects: dict[int, Group | Dataset] = {}
        root = self.object(read_superblock(self.source))
        if not isinstance(root, Group):
            raise HDF5Error("its root is not a group")
        self.root: Group = root

    def object(self, address: int) -> Group | Dataset:
        """Return the object whose header stands at `address`."""
        if address not in self._objects:
            self._objects[address] = self._read(address)
        return self._objects[address]

    def _read(self, address: int) -> Group | Dataset:
        header = read_header(self.source, address)
        if LAYOUT in header or DATASPACE in header:
            return Dataset(self.source, header, self.heap)
        if SYMBOL_TABLE in header or LINK_INFO in header or LINK in header:
            return Group(self, header)
        if DATATYPE in header:
            raise HDF5Error("it is a committed datatype, which is not read")
        raise HDF5Error(f"the object at byte {address} is neither a group nor a dataset")


class Group:
    """A group: members and attributes by name."""

    def __init__(self, file: File, header: Header) -> None:
        self._file = file
        self._header = header

    @property
    def address(self) -> int:
        """Where the group stands, which tells groups apart."""
        return self._header.address

    @cached_property
    def _links(self) -> Mapping[str, int | None]:
        return read_links(self._file.source, self._header)

    @cached_property
    def _attributes(self) -> Mapping[str, Attribute]:
        return read_attributes(self._file.source, self._header)

    @property
    def names(self) -> list[str]:
        """The names of the members, sorted."""
        return sorted(self._links)

    @property
    def attribute_names(self) -> list[str]:
        """The names of the attributes, sorted."""
        return sorted(self._attributes)

    def __contains__(self, name: str) -> bool:
        return name in self._links

    def __getitem__(self, name: str) -> Group | Dataset:
        """Return a member; `name` is one name, not a path. HDF5Error for links that are not hard ones."""
        if name not in self._links:
            raise HDF5Error(f"there is no {show(name)}")
        address = self._links[name]
        if address is None:
            raise HDF5Error(f"{show(name)} is a soft or external link; only hard links are followed")
        return self._file.object(address)

    def attribute(self, name: str) -> Array | None:
        """Return the values of an attribute as an array; None when there is no such attribute, or it is empty."""
        found = self._attributes.get(name)
        return None if found is None else found.read(self._file.heap)
