"""Model files of every kind: their architectures, and what is dangerous about the files themselves."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import KconvertError, show

from ..hdf5 import Dataset, File, Group, HDF5Error
from ..json_text import parse_json
from ..limits import current
from ..readers.archive import Archive
from ..readers.hdf5 import texts
from ..readers.mapped import mapped
from .configs import CODE, READ, WRITE, Danger, scan_config

PICKLES = {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}
ERRORS = (
    KconvertError, HDF5Error, zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, EOFError,
    RecursionError, NotImplementedError, MemoryError,
)  # fmt: skip


def scan(path: Path) -> list[Danger]:
    """Return what loading a file, or the files of a folder, with Keras would do beyond computing.

    A file that is too damaged to be read to the end gives what was found until then.
    """
    found: dict[Danger, None] = {}
    try:
        for danger in _scan(path):
            found.setdefault(danger)
    except ERRORS:
        pass
    return list(found)


def _scan(path: Path) -> Iterator[Danger]:
    if path.is_dir():
        for name in ("config.json", "model.weights.h5"):
            if not (path / name).is_symlink():
                yield from scan(path / name)
        if (path / "saved_model.pb").exists():
            yield Danger(show(path.name), CODE, "is a TensorFlow program (a SavedModel), which can open files")
        return
    if not path.is_file():  # a pipe would wait for ever
        return
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        yield from _zip(Archive(path))
    elif start.startswith(b"\x89HDF"):
        yield from _hdf5(mapped(path), path.name)
    elif start[:2] in PICKLES:
        yield Danger(show(path.name), CODE, "is a Python pickle: loading it runs what it says")
    elif path.stat().st_size <= current().config_size:
        yield from scan_config(parse_json(path.read_bytes()))


def _zip(archive: Archive) -> Iterator[Danger]:
    for name in archive.members:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]:
            yield Danger(f"member {show(name)}", WRITE, "is a path out of the folder that it is unpacked into")
        if name.endswith((".npz", ".pkl", ".pickle")):
            yield Danger(f"member {show(name)}", CODE, "can hold pickled Python, which runs when it is loaded")
    if "config.json" in archive.members:
        yield from scan_config(parse_json(archive.read("config.json")))
    if "model.weights.h5" in archive.members:
        yield from _hdf5(archive.view("model.weights.h5"), "model.weights.h5")


def _hdf5(data: Any, label: str) -> Iterator[Danger]:
    file = File(data, current())
    config = "".join(texts(file.root, "model_config"))
    if config:
        yield from scan_config(parse_json(config))
    stack: list[tuple[str, Group]] = [("", file.root)]
    seen = {file.root.address}
    while stack:
        prefix, group = stack.pop()
        for name in group.names:
            place = f"{prefix}/{name}"
            where = f"{show(place)} in {show(label)}"
            try:
                item = group[name]
                if isinstance(item, Dataset):
                    item.check()
                elif item.address not in seen:
                    seen.add(item.address)
                    stack.append((place, item))
            except HDF5Error as error:
                if any(word in str(error) for word in ("link", "external storage", "virtual")):
                    yield Danger(where, READ, f"leads elsewhere, to other files perhaps: {error}")
