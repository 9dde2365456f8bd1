"""What the end of a zip says of its list of members, so that a limit can be put on it before `zipfile` reads it all."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence

END = b"PK\x05\x06"
END_SIZE, COMMENT_SIZE = 22, 65535
LOCATOR_64 = b"PK\x06\x07"


def list_size(data: memoryview) -> int:
    """Return the bytes of a zip's list of members, as it declares them; BadZipFile where there is no list."""
    tail = bytes(data[-END_SIZE - COMMENT_SIZE :])
    at = tail.rfind(END)
    if at < 0 or at + END_SIZE > len(tail):
        raise zipfile.BadZipFile("it has no list of members: it is cut short")
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    if size == 0xFFFFFFFF and tail[at - 20 : at - 16] == LOCATOR_64:
        record = int.from_bytes(tail[at - 12 : at - 4], "little")
        size = int.from_bytes(data[record + 40 : record + 48], "little")
    return size


def member_ends(members: Sequence[zipfile.ZipInfo], size: int) -> dict[int, int]:
    """Return where each member has to end: where the next one begins. BadZipFile where two begin at one place."""
    starts = sorted(member.header_offset for member in members)
    if len(set(starts)) != len(starts):
        raise zipfile.BadZipFile("two members stand at the same place")
    return dict(zip(starts, [*starts[1:], size], strict=False))
