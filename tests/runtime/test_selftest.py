"""`krun --selftest`: what Keras gave, checked without Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_schemas import BundleError, BundleNotFound, TensorType
from kconvert_schemas.bundle import is_bundle
from kconvert_schemas.npz import write_npz
from kconvert_schemas.selftest import SelfTest, default_tolerance, read_selftest, write_selftest
from tests.cli.bundles import dense, identity_graph, text_graph, write
from tests.cli.conftest import Run, run

X = np.array([[1, -1], [0.5, 2]], np.float32)
__all__ = ["run"]


def recorded(folder: Path, made: Any, inputs: dict[str, np.ndarray], **outputs: np.ndarray) -> Path:
    write(folder, made)
    write_selftest(folder, made[0], SelfTest(inputs, outputs, 1e-4))
    return folder


def dense_test(folder: Path, off: float = 0) -> Path:
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
    return recorded(folder, dense(), {"x": X}, y=np.maximum(X @ kernel, 0) + np.float32(off))


def test_it_holds(run: Run) -> None:
    out = dense_test(Path("out"))
    done = run("krun", out, "--selftest")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("out: 1 output agrees with Keras; largest error 0.0e+00")
    assert is_bundle(out)
    assert run("krun", out, "--selftest", "--plain").code == 0


def test_it_does_not_hold(run: Run) -> None:
    done = run("krun", dense_test(Path("out"), off=0.5), "--selftest")
    assert done.code == 1
    assert done.out.startswith("out: output 'y' differs from Keras: error ")
    assert done.out.rstrip().endswith("allowed 1e-04")


@pytest.mark.parametrize("more", [(), ("x.npy",)])
def test_there_is_none_or_too_much(run: Run, more: tuple[str, ...]) -> None:
    out = write(Path("out"), dense())
    complaint = run("krun", out, "--selftest", *more).complaint
    assert ("--selftest takes no INPUT" if more else "'out' holds no self-test. `kbundle verify out") in complaint


def test_strings(run: Run) -> None:
    words = np.array([["bagus"], ["lain"]], object)
    raised = np.exp(np.array([[2, 0, -2], [0, 0, 0]], np.float32))
    label = raised / raised.sum(1, keepdims=True)
    assert run("krun", recorded(Path("out"), text_graph(), {"text": words}, label=label), "--selftest").code == 0


@pytest.mark.parametrize("dtype", ["bool", "int64", "bfloat16", "float16", "float64", "complex64", "string"])
@pytest.mark.parametrize("shape", [(2, 3), (0, 3)])
def test_every_dtype_comes_back(tmp_path: Path, dtype: str, shape: tuple[int, int]) -> None:
    graph, weights = identity_graph(TensorType((None, 3), dtype))
    array = np.arange(shape[0] * 3).reshape(shape)
    held = array.astype(str).astype(object) if dtype == "string" else array.astype(dtype.replace("bfloat16", "float32"))
    folder = recorded(tmp_path / "out", (graph, weights), {"x": held}, y=held)
    test = read_selftest(folder, graph)
    for found in (test.inputs["x"], test.outputs["y"]):
        assert found.shape == shape
        assert found.dtype == held.dtype
        assert found.tolist() == held.tolist()


def test_tolerances() -> None:
    assert default_tolerance(dense()[0]) == 1e-4
    assert default_tolerance(identity_graph(TensorType((None,), "bfloat16"))[0]) == 1e-2


GOOD = {
    "tolerance": np.float64(1e-4), "in/x": X, "in_shape/x": np.array([2, 2]),
    "out/y": np.zeros((2, 3), np.float32), "out_shape/y": np.array([2, 3]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in/x": None}, "must hold 'in/x' and its shape"),
        ({"in_shape/x": None}, "must hold 'in/x' and its shape"),
        ({"out_shape/y": np.array([2.0, 3.0])}, "must hold 'out/y' and its shape"),
        ({"out_shape/y": np.array([-2, 3])}, "has the shape"),
        ({"in_shape/x": np.array([2, 5])}, r"has the shape \(2, 5\), graph.json says float32\[\?, 2\]"),
        ({"in_shape/x": np.array([3, 2])}, "selftest.npz: 'in/x' holds"),
        ({"in/x": X.astype(np.float64)}, "selftest.npz: 'in/x' holds"),
        ({"tolerance": np.float64("nan")}, "'tolerance'"),
        ({"tolerance": None}, "'tolerance'"),
        ({"other": X}, "holds 'other', which is no input or output"),
    ],
)
def test_damage_is_named(run: Run, change: dict[str, Any], message: str) -> None:
    out = write(Path("out"), dense())
    members = {name: np.asarray(array) for name, array in {**GOOD, **change}.items() if array is not None}
    with (out / "selftest.npz").open("wb") as file:
        write_npz(file, members.items())
    with pytest.raises(BundleError, match=message):
        read_selftest(out, dense()[0])
    assert run("krun", out, "--selftest").complaint


def test_no_zip(tmp_path: Path) -> None:
    out = write(tmp_path / "out", dense())
    (out / "selftest.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(BundleError, match=r"selftest.npz is not a readable zip"):
        read_selftest(out, dense()[0])
    (out / "selftest.npz").unlink()
    with pytest.raises(BundleNotFound):
        read_selftest(out, dense()[0])
