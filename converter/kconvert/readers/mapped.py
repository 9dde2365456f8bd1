"""Files, and members of a zip that are stored as they are, without a copy."""

from __future__ import annotations

import mmap
import os
import zipfile
import zlib
from pathlib import Path

from kconvert_schemas.errors import ModelFileError, show

from ..limits import current

LOCAL_HEADER = 30
NAME_SIZE, EXTRA_SIZE = slice(26, 28), slice(28, 30)


def mapped(path: Path) -> memoryview:
    """Return the bytes of a file, mapped into memory and read-only."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > current().file_size:
            raise ModelFileError(f"{show(path)} has {size} bytes, more than {current().file_size} (limit file_size).")
        if not size:
            return memoryview(b"")
        try:
            return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise ModelFileError(f"{show(path)}, of {size} bytes, cannot be mapped: {error.strerror}.") from error


def span(data: memoryview, member: zipfile.ZipInfo) -> memoryview:
    """Return the bytes of a member that a zip, whose bytes are `data`, stores uncompressed; BadZipFile when damaged."""
    header = data[member.header_offset : member.header_offset + LOCAL_HEADER]
    if len(header) < LOCAL_HEADER or bytes(header[:4]) != b"PK\x03\x04" or member.compress_size != member.file_size:
        raise zipfile.BadZipFile(f"{show(member.filename)} is not where the list of members says")
    sizes = sum(int.from_bytes(header[part], "little") for part in (NAME_SIZE, EXTRA_SIZE))
    start = member.header_offset + LOCAL_HEADER + sizes
    found = data[start : start + member.file_size]
    if len(found) != member.file_size or zlib.crc32(found) != member.CRC:
        raise zipfile.BadZipFile(f"the checksum of {show(member.filename)} does not fit")
    return found
