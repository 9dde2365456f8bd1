"""Files, and members of a zip that are stored as they are, without a copy."""

from __future__ import annotations

import mmap
import os
import zipfile
import zlib
from pathlib import Path

LOCAL_HEADER = 30
NAME_SIZE, EXTRA_SIZE = slice(26, 28), slice(28, 30)


def mapped(path: Path) -> memoryview:
    """Return the bytes of a file, mapped into memory and read-only."""
    with path.open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def member(path: Path, archive: zipfile.ZipFile, name: str) -> memoryview:
    """Return the bytes of a member, whose checksum is verified; mapped into memory where the zip only stores it.

    Raises BadZipFile as `ZipFile.read` does.
    """
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or not info.file_size or info.flag_bits & 1:
        return memoryview(archive.read(name))
    whole = mapped(path)
    header = whole[info.header_offset : info.header_offset + LOCAL_HEADER]
    if len(header) < LOCAL_HEADER or bytes(header[:4]) != b"PK\x03\x04" or info.compress_size != info.file_size:
        raise zipfile.BadZipFile(f"{name} is not where the list of members says")
    sizes = sum(int.from_bytes(header[part], "little") for part in (NAME_SIZE, EXTRA_SIZE))
    start = info.header_offset + LOCAL_HEADER + sizes
    data = whole[start : start + info.file_size]
    if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {name!r}")
    return data
