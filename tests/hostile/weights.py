"""Hostile weights: links, other files, cycles, lies about sizes."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.hostile.configs import GOOD

PLACE = "layers/dense/vars"


def weights(fill: Callable[[Any], object]) -> Callable[[Path], None]:
    """Write a `.keras` file whose weights `fill` writes."""

    def write(path: Path) -> None:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            fill(file)
        pack(path, buffer.getvalue())

    return write


def pack(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(GOOD))
        archive.writestr("metadata.json", '{"keras_version": "3.15.0"}')
        archive.writestr("model.weights.h5", data)


def lying(path: Path) -> None:
    """The kernel says that it is a thousand times as long as it is."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file[f"{PLACE}/0"] = np.ones((3, 7919), np.float32)
    data = buffer.getvalue().replace((7919).to_bytes(8, "little"), (7_919_000).to_bytes(8, "little"))
    pack(path, data)


def cycle(file: Any) -> None:
    group = file.create_group("layers/dense")
    group["again"] = file["layers"]


def shared(file: Any) -> None:
    """Groups that hold each other twice: 2 ** 20 paths."""
    inner = file.create_group("x")
    for i in range(20):
        outer = file.create_group(f"y{i}")
        outer["a"] = outer["b"] = inner
        inner = outer


def deep(file: Any) -> None:
    group = file
    for _ in range(200):
        group = group.create_group("layers")


def many_times(file: Any) -> None:
    """One array under a thousand names: a bundle a thousand times as large as the file."""
    file["a"] = np.ones(100_000, np.float32)
    for i in range(1000):
        file[f"{PLACE}/{i}"] = file["a"]


def legacy(**attributes: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.attrs.update(attributes)
            file.create_group("model_weights")

    return write


def halved(path: Path) -> None:
    legacy(model_config=json.dumps(GOOD))(path)
    path.write_bytes(path.read_bytes()[:700])


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (2, 3))
    file.create_virtual_dataset(f"{PLACE}/0", layout)


def unknown_filter(file: Any) -> None:
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((2, 3))
    settings.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (1,))
    space = h5py.h5s.create_simple((2, 3))
    h5py.h5d.create(file.require_group(PLACE).id, b"0", h5py.h5t.IEEE_F32LE, space, settings)


def odd_floats(file: Any) -> None:
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(31, 20, 11, 0, 20)
    kind.set_ebias(1023)
    h5py.h5d.create(file.require_group(PLACE).id, b"0", kind, h5py.h5s.create_simple((2, 3)))


def chunk_bomb_of_zeros(file: Any) -> None:
    """Half a megabyte that becomes 700."""
    made = file.create_dataset(f"{PLACE}/0", (1 << 26, 3), "f4", chunks=(1 << 20, 3), compression="gzip")
    chunk = zlib.compress(bytes(12 << 20), 9)
    for i in range(60):
        made.id.write_direct_chunk((i << 20, 0), chunk)


def one(kind: Any, shape: tuple[int, ...] = (2, 3)) -> Callable[[Path], None]:
    """A kernel of another type."""
    return weights(lambda f: f.create_dataset(f"{PLACE}/0", shape, kind))


WEIGHTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "soft link": (weights(lambda f: f.__setitem__(f"{PLACE}/0", h5py.SoftLink("/x"))), "soft or external link"),
    "external link": (
        weights(lambda f: f.__setitem__("layers", h5py.ExternalLink("/etc/passwd", "/"))),
        "soft or external link",
    ),
    "external storage": (
        weights(lambda f: f.create_dataset(f"{PLACE}/0", (2, 3), "f4", external=[("/etc/passwd", 0, 24)])),
        "another file",
    ),
    "lying": (lying, "needs 95028000 bytes, 95028 are stored"),
    "shape bomb": (weights(lambda f: f.create_dataset(f"{PLACE}/0", (1 << 40, 3), "f4")), "cannot be read"),
    "chunk bomb": (
        weights(lambda f: f.create_dataset(f"{PLACE}/0", (1 << 40, 3), "f4", chunks=(9, 3), compression="gzip")),
        "limit hdf5_expansion",
    ),
    "cycle": (weights(cycle), "two links lead to"),
    "shared": (weights(shared), "two links lead to"),
    "deep": (weights(deep), "limit hdf5_depth"),
    "many times": (weights(many_times), "larger than the file"),
    "empty": (lambda path: pack(path, b""), "no HDF5 signature"),
    "nothing": (weights(lambda f: None), "cannot be converted"),
    "texts": (weights(lambda f: f.__setitem__(f"{PLACE}/0", ["a"])), "has the shape (1,) in the file"),
    "compound": (weights(lambda f: f.__setitem__(f"{PLACE}/0", np.zeros(2, [("a", "f4"), ("b", "f4")]))), "compound"),
    "virtual": (weights(virtual), "a virtual dataset"),
    "unknown filter": (weights(unknown_filter), "cannot be read"),
    "lzf": (weights(lambda f: f.create_dataset(f"{PLACE}/0", (2, 3), "f4", compression="lzf")), "cannot be read"),
    "odd floats": (weights(odd_floats), "unusual layout"),
    "long floats": (one("f16"), "unusual layout"),
    "complex numbers": (weights(lambda f: f.__setitem__(f"{PLACE}/0", np.ones((2, 3), "c8"))), "stored as complex64"),
    "lists": (one(h5py.vlen_dtype("f4")), "list of variable length"),
    "references": (one(h5py.ref_dtype), "reference"),
    "arrays in an array": (one(np.dtype("(3,)f4"), (2,)), "array"),
    "opaque": (one(np.dtype("V7")), "opaque"),
    "nothing in it": (weights(lambda f: f.create_dataset(f"{PLACE}/0", data=h5py.Empty("f4"))), "it holds nothing"),
    "many axes": (weights(lambda f: f.__setitem__(f"{PLACE}/0", np.ones((1,) * 32, "f4"))), "shape"),
    "zeros without end": (weights(chunk_bomb_of_zeros), ""),
    "many groups": (weights(lambda f: [f.create_group(f"{PLACE}/{i}") for i in range(3000)]), "cannot be converted"),
    "legacy names outside": (
        legacy(model_config=json.dumps(GOOD), layer_names=np.array([b"../../x"])),
        "the file holds no",
    ),
    "legacy bomb": (legacy(model_config=" " * (20 << 20)), "limit config_size"),
    "legacy deep": (legacy(model_config="[" * 100_000), "not valid JSON"),
    "legacy number": (legacy(model_config=3), "config"),
    "legacy halved": (halved, "cut short"),
}
