"""Damaged files: an HDF5Error and nothing else. `python -m tests.fuzz hdf5 --seconds 600` tries many more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kconvert.hdf5 import File, HDF5Error
from kconvert.hdf5.source import Source
from kconvert.limits import Limits
from tests.fuzz import hdf5, model
from tests.fuzz.limits import bounded
from tests.hdf5 import files
from tests.hdf5.files import written

SECONDS = 2.0


def test_damaged_files() -> None:
    noticed = 0
    for seed in range(1200):
        with bounded(SECONDS):
            noticed += hdf5.check(seed)
    assert noticed > 600


def test_damaged_models() -> None:
    refused = 0
    for seed in range(150):
        with bounded(SECONDS):
            refused += model.check(seed)
    assert refused > 75


@pytest.mark.parametrize("version", files.VERSIONS)
def test_every_length(version: str) -> None:
    """A file that is cut short anywhere is noticed."""
    data = written(files.keras_weights, version)
    for size in range(0, len(data) - 1, 97):
        with pytest.raises(HDF5Error):
            File(data[:size])


@pytest.mark.parametrize("version", ["v108", "latest"])
def test_every_bit_of_the_headers(version: str) -> None:
    """The newer headers have checksums: no flipped bit changes what is read without being noticed."""

    def fill(file: Any) -> None:
        file["layers/dense/vars/0"] = np.ones(2, np.float32)

    data = written(fill, version)
    want = everything(data)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        try:
            found = everything(bytes(damaged))
        except HDF5Error:
            continue
        assert found.keys() == want.keys(), at
        same = all(found[name].shape == want[name].shape for name in want)
        assert same and all(found[name].dtype == want[name].dtype for name in want), at


def everything(data: bytes) -> dict[str, np.ndarray]:
    """All arrays of a file by address."""
    found: dict[str, np.ndarray] = {}
    stack: list[tuple[str, Any]] = [("", File(data).root)]
    while stack:
        place, item = stack.pop()
        if hasattr(item, "names"):
            stack += [(f"{place}/{name}", item[name]) for name in item.names]
        else:
            found[place] = item.read()
    return found


def test_an_empty_array_with_an_endless_axis() -> None:
    data = written(lambda f: f.create_dataset("x", (0, 1 << 61), "f4", maxshape=(None, 1 << 61), chunks=(1, 1)))
    with pytest.raises(HDF5Error, match="impossible"):
        File(data).root["x"].read()  # type: ignore[union-attr]


def test_the_budget_for_headers() -> None:
    data = written(files.many(200, 0, 1))
    with pytest.raises(HDF5Error, match="limit hdf5_metadata"):
        everything_within(data, Limits(hdf5_metadata=10_000))


def everything_within(data: bytes, limits: Limits) -> None:
    group: Any = File(data, limits).root["level 0"]
    for name in group.names:
        group[name]


def test_checksums() -> None:
    source = Source(memoryview(b""), Limits())
    block = b"HDF5 has checksums, lookup3"
    from kconvert.hdf5.checksum import lookup3

    assert source.agrees(memoryview(block + lookup3(block).to_bytes(4, "little")))
    assert not source.agrees(memoryview(block + bytes(4)))
    assert lookup3(b"") == 0xDEADBEEF
    assert lookup3(b"Four score and seven years ago") == 0x17770551
