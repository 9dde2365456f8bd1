"""Hostile weights: links, other files, cycles, lies about sizes."""

from __future__ import annotations

import io
import json
import zipfile
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
    "legacy bomb": (legacy(model_config=" " * (20 << 20)), "limit config_size"),
    "legacy deep": (legacy(model_config="[" * 100_000), "not valid JSON"),
    "legacy number": (legacy(model_config=3), "config"),
    "legacy halved": (halved, "cut short"),
}
