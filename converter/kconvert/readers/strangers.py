"""Files of other kinds, told by their first bytes: refused with what to do instead."""

from __future__ import annotations

from pathlib import Path

from kconvert_schemas.errors import ModelFileError, show

TFLITE = b"TFL3"
STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x80\x02", "a Python pickle, which is code; it is never read. Load it where it was made"),
    (b"\x80\x03", "a Python pickle, which is code; it is never read. Load it where it was made"),
    (b"\x80\x04", "a Python pickle, which is code; it is never read. Load it where it was made"),
    (b"\x80\x05", "a Python pickle, which is code; it is never read. Load it where it was made"),
    (b"\x1f\x8b", "compressed with gzip. Decompress it"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself. Fetch it with `git lfs pull`"),
)


def refuse(path: Path, start: bytes) -> ModelFileError:
    """Return the error for a file that begins with bytes that no file of Keras begins with."""
    if start[4:8] == TFLITE:
        return ModelFileError(
            f"{show(path)} is a TensorFlow Lite model, which has no layers any more. Convert the Keras model it was "
            "made from."
        )
    for magic, what in STARTS:
        if start.startswith(magic):
            return ModelFileError(f"{show(path)} is {what} and save the model with `model.save('model.keras')`.")
    return ModelFileError(
        f"{show(path)} is neither a .keras zip nor HDF5 (it begins with {start[:8]!r}). Expected a file that Keras' "
        "`model.save` wrote."
    )
