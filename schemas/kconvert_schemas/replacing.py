"""Put a finished folder in the place of another, so that at every moment one of the two stands there whole."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def put(finished: Path, folder: Path, replaceable: Callable[[], None]) -> None:
    """Rename `finished` to `folder`. What stands there is afterwards at `finished`, or gone, if it is `replaceable`.

    `replaceable` raises an error for what must stay. Linux exchanges the two folders in one step; elsewhere the old
    one steps aside first, so that there is none for a moment.
    """
    try:
        if not os.path.lexists(folder):
            finished.rename(folder)
            return
    except OSError as error:  # another process was faster
        if error.errno not in TAKEN:
            raise
    replaceable()
    try:
        if not _exchange(finished, folder):
            _step_aside(finished, folder)
    except FileNotFoundError:  # it went away
        finished.rename(folder)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if swap is None:
        return False
    if swap(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), ctypes.c_uint(RENAME_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), os.fspath(other))


def _step_aside(finished: Path, folder: Path) -> None:
    """Move the old folder into a temporary one, which takes the place of `finished` in the end."""
    from tempfile import mkdtemp

    aside = Path(mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    old = aside / folder.name
    try:
        folder.rename(old)
        try:
            finished.rename(folder)
        except OSError:
            old.rename(folder)
            raise
        old.rename(finished)
    finally:
        aside.rmdir()
