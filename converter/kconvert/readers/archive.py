"""Zip archives of strangers: members are checked against the archive before one of them is read.

Nothing is extracted; names are keys, never paths.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path

from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.zips import list_size, member_ends

from ..limits import MB, current
from .mapped import mapped, span

ENTRY_SIZE = 2_048
FREE = 256 * MB
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
NAMES = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA", 9: "deflate64", 93: "Zstandard", 99: "AES"}


class Archive:
    """A zip whose list of members has been checked; a member is checked and read when asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = mapped(path)
        _check_end(self.data)
        self.zip = zipfile.ZipFile(path)
        members = self.zip.infolist()
        if len(members) > current().zip_members:
            raise zipfile.BadZipFile(f"it has {len(members)} members (limit zip_members)")
        self.members = {member.filename: member for member in members}
        if len(self.members) != len(members):
            doubled = next(m.filename for m in members if self.members[m.filename] is not m)
            raise zipfile.BadZipFile(f"two members are called {show(doubled)}")
        self._ends = member_ends(members, len(self.data))

    def check(self, names: Iterable[str]) -> None:
        """Raise BadZipFile or ModelFileError unless the members can be read one by one."""
        for name in names:
            self._check(self.members[name])

    def read(self, name: str) -> bytes:
        """Return the bytes of a member; its checksum is verified."""
        self._check(self.members[name])
        return self.zip.read(self.members[name])

    def view(self, name: str) -> memoryview:
        """Return the bytes of a member, its checksum verified; mapped into memory where the zip only stores it."""
        member = self.members[name]
        if member.compress_type != zipfile.ZIP_STORED:
            return memoryview(self.read(name))
        self._check(member)
        return span(self.data, member)

    def _check(self, member: zipfile.ZipInfo) -> None:
        name = show(member.filename)
        if member.flag_bits & 1:
            raise ModelFileError(f"{show(self.path)}: {name} is encrypted. Decrypt the archive first.")
        if member.compress_type not in METHODS:
            method = NAMES.get(member.compress_type, f"method {member.compress_type}")
            raise ModelFileError(f"{show(self.path)}: {name} is compressed with {method}, which is not read.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ModelFileError(f"{show(self.path)}: {name} is a symbolic link, which is not followed.")
        if member.header_offset + 30 + member.compress_size > self._ends[member.header_offset]:
            raise zipfile.BadZipFile(f"{name} overlaps what follows it")
        if member.file_size > FREE + current().zip_expansion * member.compress_size:
            raise ModelFileError(
                f"{show(self.path)}: {name} would become {member.file_size} bytes out of {member.compress_size} "
                "(limit zip_expansion)."
            )


def _check_end(data: memoryview) -> None:
    """Compare the size of the list of members with the limit on their number, before zipfile reads it all."""
    if list_size(data) > current().zip_members * ENTRY_SIZE:
        raise zipfile.BadZipFile("its list of members is too long (limit zip_members)")
