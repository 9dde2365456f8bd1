"""The fingerprint of what was read."""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK = 1 << 20


def sha256(*paths: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal; of the fingerprints of several files, in their order."""
    if len(paths) == 1:
        return _of_file(paths[0])
    return hashlib.sha256("".join(_of_file(path) for path in paths).encode()).hexdigest()


def _of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
