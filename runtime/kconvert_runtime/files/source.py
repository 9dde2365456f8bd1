"""A file, or stdin, to read inputs from, and what kind of data it holds."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path

from kconvert_schemas.errors import InputError, show
from kconvert_schemas.limits import current

STDIN = "-"
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
EXTENSIONS = {
    ".npy": "npy", ".npz": "npz", ".csv": "csv", ".json": "json", ".txt": "txt", **dict.fromkeys(IMAGES, "image"),
}  # fmt: skip
NPY_MAGIC = b"\x93NUMPY"
MAGIC = {
    NPY_MAGIC: "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz", b"\x89PNG": "image", b"\xff\xd8\xff": "image",
    b"GIF8": "image", b"II*\x00": "image", b"MM\x00*": "image",
}  # fmt: skip
SMALLER = "Save it as .npy, which is read as far as it is needed, or raise the limit."
UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Source:
    """One file named on the command line; '-' is stdin. Errors name it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(name)
        self.label = "stdin" if name == STDIN else show(name)
        self.notes: list[str] = []
        if name != STDIN and self.path.is_dir():
            raise InputError(f"{self.label} is a folder; expected a file with input for the model.")
        if name != STDIN and not self.path.exists():
            raise InputError(f"There is no file {self.label}.")

    @property
    def is_stream(self) -> bool:
        """Whether the data can be read only once, as from stdin or a pipe."""
        return self.name == STDIN or not self.path.is_file()

    @cached_property
    def data(self) -> bytes:
        """All bytes of the file; InputError for more than the limit."""
        most = current().array_size
        if self.name == STDIN:
            data = sys.stdin.buffer.read(most + 1)
        else:
            with self.path.open("rb") as file:
                data = file.read(most + 1 if self.is_stream else min(most, self.path.stat().st_size) + 1)
        if len(data) > most:
            raise InputError(f"{self.label} is larger than {most:,} bytes (limit array_size). {SMALLER}")
        return data

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the file."""
        if self.is_stream:
            return self.data[:16]
        with self.path.open("rb") as file:
            return file.read(16)

    @cached_property
    def kind(self) -> str:
        """'npy', 'npz', 'csv', 'json', 'txt' or 'image': by the first bytes, else by the extension."""
        for magic, kind in MAGIC.items():
            if self.head.startswith(magic):
                return kind
        suffix = self.path.suffix.lower()
        kind = EXTENSIONS.get(suffix, "")
        if kind in ("npy", "npz"):
            raise InputError(f"{self.label} is not a .{kind} file: it begins with {self.head[:8]!r}.")
        if not kind and not self.is_stream and suffix:
            raise InputError(
                f"{self.label} is of a kind that is not read. Expected {', '.join(list(EXTENSIONS)[:5])} or an image "
                f"({', '.join(IMAGES[:4])}...), or plain text or .npy data on stdin ('-')."
            )
        return kind or "txt"

    @cached_property
    def text(self) -> str:
        """The file as UTF-8 text, without a byte order mark, which must not be empty."""
        if len(self.data) > current().text_size:
            raise InputError(
                f"{self.label} is text of more than {current().text_size:,} bytes (limit text_size). {SMALLER}"
            )
        if self.data.startswith(UTF16):
            raise InputError(f"{self.label} is UTF-16 text; save it as UTF-8.")
        try:
            text = self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            shown = self.data[error.start : error.start + 1].hex()
            line = self.data.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{self.label} is not UTF-8 text: byte 0x{shown} in line {line}. Save it as UTF-8."
            ) from None
        if not text.strip():
            raise InputError(f"{self.label} is empty.")
        return text
