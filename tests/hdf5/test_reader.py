"""What h5py writes is read as h5py reads it: names, attributes, shapes, dtypes and every bit of the values."""

from __future__ import annotations

import io
from typing import Any

import h5py
import numpy as np
import pytest

from kconvert.hdf5 import Dataset, File, Group, HDF5Error
from tests.hdf5 import files
from tests.hdf5.files import CHUNKED, PLAIN, VERSIONS, written

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "order tracked": {"track_order": True},
    "user block": {"userblock_size": 1024},
}


def normal(value: Any) -> np.ndarray | None:
    """A value of h5py as the reader gives it."""
    if isinstance(value, h5py.Empty):
        return None
    array = np.asarray(value)
    if array.dtype.kind in "SOU":
        texts = np.empty(array.size, object)
        texts[:] = [x.decode() if isinstance(x, bytes) else x for x in array.reshape(-1).tolist()]
        return texts.reshape(array.shape)
    return array.astype(array.dtype.newbyteorder("="))


def assert_same(mine: np.ndarray | None, theirs: Any, where: str) -> None:
    expected = normal(theirs)
    if expected is None or mine is None:
        assert mine is expected, where
        return
    assert (mine.shape, mine.dtype) == (expected.shape, expected.dtype), where
    if mine.dtype == object:
        assert mine.tolist() == expected.tolist(), where
    else:
        assert mine.tobytes() == expected.tobytes(), where


def assert_equal(mine: Group, theirs: Any, where: str = "") -> None:
    """Compare two trees."""
    assert mine.names == sorted(theirs.keys()), where
    assert mine.attribute_names == sorted(theirs.attrs.keys()), where
    for name in theirs.attrs:
        assert_same(mine.attribute(name), theirs.attrs[name], f"{where}@{name}")
    for name, item in theirs.items():
        found = mine[name]
        if isinstance(item, h5py.Group):
            assert isinstance(found, Group)
            assert_equal(found, item, f"{where}/{name}")
        else:
            assert isinstance(found, Dataset)
            assert_same(found.read() if found.shape is not None else None, item[()], f"{where}/{name}")


def compare(data: bytes) -> None:
    with h5py.File(io.BytesIO(data), "r") as theirs:
        assert_equal(File(data).root, theirs)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_plain(version: str, options: str) -> None:
    for fill in PLAIN.values():
        compare(written(fill, version, **OPTIONS[options]))


@pytest.mark.parametrize("version", VERSIONS)
def test_chunks(version: str) -> None:
    for make in CHUNKED.values():
        compare(written(make(), version))


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_many(version: str) -> None:
    compare(written(files.many(1500, 1100, 1), version))


def test_deep_heap() -> None:
    """So many links that the heap of names has tables below its tables."""
    data = written(files.soft(30_000), "latest")
    with h5py.File(io.BytesIO(data), "r") as theirs:
        assert File(data).root.names == sorted(theirs.keys())


def test_huge_attribute() -> None:
    compare(written(files.huge_attribute, "latest"))


@pytest.mark.parametrize("code", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_small_floats(code: str) -> None:
    """Floats that NumPy lacks are given as their bits."""
    bits = {"bfloat16": (16, 15, 7, 8, 7, 127), "float8_e4m3fn": (8, 7, 3, 4, 3, 7), "float8_e5m2": (8, 7, 2, 5, 2, 15)}
    precision, sign, exponent, exponent_size, fraction_size, bias = bits[code]
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(sign, exponent, exponent_size, 0, fraction_size)
    kind.set_ebias(bias)
    kind.set_precision(precision)
    kind.set_size(precision // 8)
    values = np.arange(6, dtype=f"u{precision // 8}") * 17

    def fill(file: Any) -> None:
        space = h5py.h5s.create_simple((6,))
        h5py.h5d.create(file.id, b"x", kind, space).write(space, space, values, mtype=kind)

    dataset = File(written(fill)).root["x"]
    assert isinstance(dataset, Dataset)
    assert dataset.type.name == code
    np.testing.assert_array_equal(dataset.read(), values)


def test_values_are_views_of_the_file() -> None:
    data = np.frombuffer(written(files.keras_weights), np.uint8)
    vars_ = File(data.data).root["layers"]
    for name in ("dense_0", "vars", "0"):
        assert isinstance(vars_, Group)
        vars_ = vars_[name]
    assert isinstance(vars_, Dataset)
    assert np.shares_memory(vars_.read(), data)
    assert not vars_.read().flags.writeable


REFUSED = {
    "soft or external link": lambda f: f.__setitem__("x", h5py.SoftLink("/y")),
    "external link": lambda f: f.__setitem__("x", h5py.ExternalLink("other.h5", "/y")),
    "another file": lambda f: f.create_dataset("x", (2,), "f4", external=[("raw.bin", 0, 8)]),
    "virtual dataset": lambda f: f.create_virtual_dataset("x", virtual_layout()),
    "committed": lambda f: (f.__setitem__("t", np.dtype("f4")), f.create_dataset("x", (2,), f["t"]), None)[-1],
    "is a compound": lambda f: f.__setitem__("x", np.zeros(2, [("a", "f4"), ("b", "i4")])),
    "type reference": lambda f: f.create_dataset("x", data=f.ref, dtype=h5py.ref_dtype),
    "type array": lambda f: f.create_dataset("x", (2,), np.dtype(("f4", (3,)))),
    "list of variable length": lambda f: f.create_dataset("x", (2,), h5py.vlen_dtype(np.float32)),
    "filter lzf": lambda f: f.create_dataset("x", data=np.zeros(99), compression="lzf"),
    "filter scaleoffset": lambda f: f.create_dataset("x", data=np.zeros(99, "i4"), scaleoffset=3),
    "never written": lambda f: f.create_dataset("x", (2,), "f4"),
    "chunks were never written": lambda f: f.create_dataset("x", (4, 4), "f4", chunks=(2, 2)).__setitem__((0, 0), 1),
    "more bytes than the file": lambda f: f.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 20,)),
    "expansion": lambda f: f.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip"),
}


def virtual_layout() -> Any:
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (2,))
    return layout


@pytest.mark.parametrize("version", ["earliest", "latest"])
@pytest.mark.parametrize("reason", REFUSED)
def test_refused_by_name(reason: str, version: str) -> None:
    root = File(written(REFUSED[reason], version)).root
    with pytest.raises(HDF5Error, match=reason):
        root["x"].read()  # type: ignore[union-attr]


def test_a_file_cut_short() -> None:
    for version in VERSIONS:
        data = written(files.keras_weights, version)
        with pytest.raises(HDF5Error, match="cut short"):
            File(data[: len(data) // 2])


def test_a_file_that_is_being_written(tmp_path: Any) -> None:
    with h5py.File(tmp_path / "x.h5", "w", libver="v110") as file:
        files.keras_weights(file)
        file.flush()
        with pytest.raises(HDF5Error, match="half written"):
            File((tmp_path / "x.h5").read_bytes())


def test_names_are_not_paths() -> None:
    root = File(written(files.keras_weights)).root
    for name in ("layers/dense_0", "/", ".", "", "/layers"):
        assert name not in root
        with pytest.raises(HDF5Error, match="there is no"):
            root[name]
