"""HDF5 files of every kind that the reader takes, written by h5py."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

VERSIONS = ("earliest", "v108", "v110", "latest")
Fill = Callable[[Any], None]


def written(fill: Fill, libver: str = "earliest", **options: Any) -> bytes:
    """The bytes of a file that `fill` writes."""
    buffer = io.BytesIO()
    top = "latest" if libver == "earliest" else libver
    with h5py.File(buffer, "w", libver=(libver, top), **options) as file:
        fill(file)
    return buffer.getvalue()


def numbers(file: Any) -> None:
    """Every dtype, both byte orders, all ranks."""
    for code in "bBhHiIqQefd":
        for order in "<>":
            dtype = np.dtype(code).newbyteorder(order)
            file[f"{dtype.name}{'le' if order == '<' else 'be'}"] = np.arange(-3, 9).astype(dtype).reshape(3, 4)
    file["bool"] = np.array([[True, False, True]])
    file["complex64"] = np.array([1 + 2j, -3j], np.complex64)
    file["complex128"] = np.array([1 + 2j, -3j], ">c16")
    file["opaque"] = np.array([b"ab", b"cd"], "V2")
    file["scalar"] = np.float32(-0.0)
    file["special"] = np.array([np.nan, np.inf, -np.inf, 1e-45], np.float32)
    file["rank7"] = np.arange(64, dtype=np.int16).reshape(2, 2, 1, 2, 2, 2, 2)
    for shape in ((0,), (3, 0, 2)):
        file[f"empty{len(shape)}"] = np.zeros(shape, np.float32)
    file["null"] = h5py.Empty("f")


def texts(file: Any) -> None:
    """Texts of fixed and variable size, in datasets and attributes."""
    file["fixed"] = np.array([b"a", b"bcd", b""], "S3")
    file["variable"] = np.array(["düns", "слой", ""], object)
    file["one"] = "a text"
    file["long"] = ["x" * 70_000, "y"]
    attrs = file.attrs
    attrs["fixed"] = np.bytes_(b"fixed")
    attrs["variable"] = "layer 層"
    attrs["fixed_list"] = np.array([b"dense/kernel:0", b"b"])
    attrs["variable_list"] = ["a", "bé", ""]
    attrs["empty_list"] = []
    attrs["null"] = h5py.Empty("S4")
    attrs["number"], attrs["vector"], attrs["flag"] = 3, np.arange(5.0), True
    space = h5py.h5t.C_S1.copy()
    space.set_size(8)
    space.set_strpad(h5py.h5t.STR_SPACEPAD)
    h5py.h5d.create(file.id, b"spaces", space, h5py.h5s.create(h5py.h5s.SCALAR)).write(
        h5py.h5s.create(h5py.h5s.SCALAR), h5py.h5s.create(h5py.h5s.SCALAR), np.array(b"ab      ", "S8"), space
    )


def many(links: int, attributes: int, depth: int = 3) -> Fill:
    """Groups with many members and attributes, nested."""

    def fill(file: Any) -> None:
        group = file
        for level in range(depth):
            group = group.create_group(f"level {level}")
        for i in range(links):
            group[f"a member with a longer name, number {i}"] = np.float32(i)
        for i in range(attributes):
            group.attrs[f"attribute {i}"] = np.full(3, i)

    return fill


def soft(links: int) -> Fill:
    """A group with many links that lead nowhere, which are quick to make."""

    def fill(file: Any) -> None:
        for i in range(links):
            file.id.links.create_soft(b"a link with a longer name, number %d" % i, b"x")

    return fill


def large_attributes(file: Any) -> None:
    """Attributes that stand outside of the object header, where the version of the file allows it."""
    file.attrs["config"] = "c" * 60_000
    for i in range(12):
        file.attrs[f"names{i}"] = np.array([f"{i}/{n:05}/kernel:0".encode() for n in range(300)])


def huge_attribute(file: Any) -> None:
    """An attribute of more than 64 kB, which takes the newer object headers."""
    file.attrs["names"] = np.array([f"block/{n:06}/kernel:0".encode() for n in range(20_000)])
    file.attrs["small"] = 1


ODD = np.arange(7 * 11 * 5, dtype=np.float32).reshape(7, 11, 5)


def chunked(data: np.ndarray = ODD, **options: Any) -> Fill:
    """One dataset in chunks."""

    def fill(file: Any) -> None:
        file.create_dataset("x", data=data, **options)

    return fill


LONG = np.arange(30_000, dtype=np.int32)
NOISE = np.random.default_rng(0).integers(0, 255, (90, 70)).astype(np.uint8)
CHUNKED: dict[str, Callable[[], Fill]] = {
    "single": lambda: chunked(chunks=ODD.shape),
    "single gzip": lambda: chunked(chunks=ODD.shape, compression="gzip"),
    "edges": lambda: chunked(chunks=(3, 4, 2)),
    "edges gzip shuffle": lambda: chunked(chunks=(3, 4, 2), compression="gzip", shuffle=True),
    "fletcher32": lambda: chunked(chunks=(3, 4, 2), fletcher32=True),
    "all filters": lambda: chunked(chunks=(4, 11, 5), compression="gzip", shuffle=True, fletcher32=True),
    "odd bytes": lambda: chunked(data=NOISE, chunks=(13, 7), fletcher32=True, compression="gzip"),
    "growing": lambda: chunked(chunks=(2, 11, 5), maxshape=(None, 11, 5)),
    "growing gzip": lambda: chunked(chunks=(2, 4, 5), maxshape=(None, 11, 5), compression="gzip"),
    "growing along the middle": lambda: chunked(chunks=(2, 4, 5), maxshape=(7, None, 5)),
    "room to grow": lambda: chunked(chunks=(2, 4, 5), maxshape=(9, 23, 6)),
    "room to grow gzip": lambda: chunked(chunks=(2, 4, 5), maxshape=(9, 23, 6), compression="gzip"),
    "room to grow and growing": lambda: chunked(chunks=(2, 4, 2), maxshape=(9, None, 23)),
    "growing both ways": lambda: chunked(chunks=(2, 3, 5), maxshape=(None, None, 5)),
    "growing both ways gzip": lambda: chunked(chunks=(2, 3, 5), maxshape=(None, None, 5), compression="gzip"),
    "many": lambda: chunked(data=LONG, chunks=(7,)),
    "many gzip": lambda: chunked(data=LONG, chunks=(13,), compression="gzip"),
    "many growing": lambda: chunked(data=LONG, chunks=(3,), maxshape=(None,)),
    "many growing gzip": lambda: chunked(data=LONG[:9000], chunks=(3,), maxshape=(None,), compression="gzip"),
    "many growing both ways": lambda: chunked(data=NOISE, chunks=(2, 1), maxshape=(None, None)),
}


def compact(file: Any) -> None:
    """A dataset within its object header."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((5,))
    values = np.arange(5, dtype=np.int32)
    h5py.h5d.create(file.id, b"compact", h5py.h5t.STD_I32LE, space, properties).write(space, space, values)


def early(file: Any) -> None:
    """Chunks that were placed when the dataset was made, so that newer files need no index."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((3, 4))
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    space = h5py.h5s.create_simple((7, 10))
    values = np.arange(70, dtype=np.float32).reshape(7, 10)
    h5py.h5d.create(file.id, b"early", h5py.h5t.IEEE_F32LE, space, properties).write(space, space, values)


def keras_weights(file: Any) -> None:
    """The tree that Keras 3 writes into a `.keras` file."""
    for i in range(4):
        group = file.create_group(f"layers/dense_{i}/vars")
        group.attrs["name"] = f"dense_{i}"
        group["0"] = np.random.default_rng(i).normal(size=(3, 4)).astype(np.float32)
        group["1"] = np.zeros(4, np.float32)
    file.create_group("vars")
    file.create_group("optimizer/vars")["0"] = np.int64(3)


def legacy(file: Any) -> None:
    """The tree of a Keras 2 file."""
    file.attrs["model_config"] = b'{"class_name": "Sequential"}'
    file.attrs["keras_version"] = "2.9.0"
    group = file.create_group("model_weights")
    group.attrs["layer_names"] = np.array([b"d", b"e"])
    for name in "de":
        inner = group.create_group(name)
        inner.attrs["weight_names"] = np.array([f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()])
        inner[f"{name}/kernel:0"] = np.ones((2, 3), np.float32)
        inner[f"{name}/bias:0"] = np.ones(3, np.float32)


PLAIN: dict[str, Fill] = {
    "numbers": numbers,
    "texts": texts,
    "few": many(5, 3),
    "dozens": many(40, 12),
    "large attributes": large_attributes,
    "compact": compact,
    "early": early,
    "keras": keras_weights,
    "legacy": legacy,
}
