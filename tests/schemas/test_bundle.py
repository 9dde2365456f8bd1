"""The folder on disk: whole or not at all, mapped, deterministic, never unpickled."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kconvert_schemas import BundleError, BundleNotFound, OutputError, TensorType, read_bundle, write_bundle
from kconvert_schemas.npz import ALIGNMENT, from_storage, read_npz, to_storage, write_npz
from tests.helpers import KERNEL, dense_graph


def write(folder: Path) -> Path:
    write_bundle(folder, dense_graph(), lambda name: KERNEL)
    return folder


def test_round_trip_is_mapped_and_read_only(tmp_path: Path) -> None:
    _, weights = read_bundle(write(tmp_path / "out"))
    kernel = weights["dense/kernel"]
    np.testing.assert_array_equal(kernel, KERNEL)
    assert not kernel.flags.writeable
    with np.load(tmp_path / "out" / "weights.npz") as plain:
        np.testing.assert_array_equal(plain["dense/kernel"], KERNEL)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a"), write(tmp_path / "b")
    for name in ("graph.json", "weights.npz"):
        assert (a / name).read_bytes() == (b / name).read_bytes()


def test_data_is_aligned(tmp_path: Path) -> None:
    arrays = [
        ("a", np.ones(3, np.float32)),
        ("b/c", np.ones((2, 5))),
        ("d", np.zeros((0, 3), np.int8)),
        ("e", np.array(7)),
    ]
    path = tmp_path / "w.npz"
    with path.open("wb") as file:
        write_npz(file, arrays)
    mapped = read_npz(path)
    for name, array in arrays:
        np.testing.assert_array_equal(mapped[name], array)
    starts = {name: array.__array_interface__["data"][0] % ALIGNMENT for name, array in mapped.items() if array.size}
    assert set(starts.values()) == {0}


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("bfloat16", np.array([1.0, -2.5, np.inf, 3.140625], np.float32)),
        ("string", np.array(["", "a\nb", "küß", "\x00", '"'], object)),
        ("float16", np.array([[1.5, -0.0]], np.float16)),
        ("bool", np.array([True, False])),
        ("int64", np.array(-(2**62))),
        ("complex64", np.array([1 + 2j], np.complex64)),
    ],
)
def test_every_dtype_survives_storage(dtype: str, values: np.ndarray) -> None:
    stored = to_storage(values, dtype)
    assert stored.dtype.kind != "O"
    np.testing.assert_array_equal(from_storage(stored, TensorType(values.shape, dtype), "w"), values)


def test_an_existing_bundle_is_replaced(tmp_path: Path) -> None:
    out = write(tmp_path / "out")
    (out / "graph.json").write_text("{}")
    write(out)
    read_bundle(out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear")
    with pytest.raises(OutputError, match="left alone"):
        write(tmp_path / "mine")
    assert (tmp_path / "mine" / "diary.txt").read_text() == "dear"


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        write(tmp_path / "no" / "out")


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    def fail(name: str) -> np.ndarray:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_bundle(tmp_path / "out", dense_graph(), fail)
    assert list(tmp_path.iterdir()) == []


def test_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match="Make one with"):
        read_bundle(tmp_path)


def _npz(write_member: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("dense/kernel.npy", write_member)
    return buffer.getvalue()


def _npy(array: np.ndarray, pickled: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=pickled)
    return buffer.getvalue()


HOSTILE = {
    "not a readable zip": b"PK\x03\x04 truncated",
    "must be stored": _npz(_npy(KERNEL), zipfile.ZIP_DEFLATED),
    "not a plain .npy": _npz(_npy(np.array([{"a": 1}], object), pickled=True)),
    "declares": _npz(_npy(KERNEL).replace(b"(2, 3)", b"(9, 9)")),
    "graph.json says": _npz(_npy(KERNEL.T.copy())),
    "do not name the same weights": _npz(b"").replace(b"dense/kernel", b"dense/kernex"),
}


@pytest.mark.parametrize("message", HOSTILE)
def test_hostile_weights_are_refused(message: str, tmp_path: Path) -> None:
    out = write(tmp_path / "out")
    (out / "weights.npz").write_bytes(HOSTILE[message])
    with pytest.raises(BundleError) as caught:
        read_bundle(out)
    if message != "do not name the same weights":
        assert message in str(caught.value)


def test_weights_are_verified_on_demand(tmp_path: Path) -> None:
    out = write(tmp_path / "out")
    graph, _ = read_bundle(out, verify=True)
    assert graph.weights_sha256 == hashlib.sha256((out / "weights.npz").read_bytes()).hexdigest()
    data = bytearray((out / "weights.npz").read_bytes())
    data[data.index(KERNEL.tobytes()) + 3] ^= 1
    (out / "weights.npz").write_bytes(data)
    read_bundle(out)
    with pytest.raises(BundleError, match="SHA-256 differs"):
        read_bundle(out, verify=True)
    text = (out / "graph.json").read_text()
    (out / "graph.json").write_text(text.replace(f',\n "weights_sha256": "{graph.weights_sha256}"', ""))
    assert not read_bundle(out)[0].weights_sha256
    with pytest.raises(BundleError, match=r"checksum of 'dense/kernel\.npy' differs"):
        read_bundle(out, verify=True)


def test_a_header_is_parsed_in_linear_time(tmp_path: Path) -> None:
    out = write(tmp_path / "out")
    header = _npy(KERNEL)
    data = header[:10] + header[10:128].replace(b"(2, 3)", b"1" * 30 + b"x")[:118] + header[128:]
    (out / "weights.npz").write_bytes(_npz(data))
    with pytest.raises(BundleError, match=r"not a plain \.npy"):
        read_bundle(out)
