"""Long inputs: batches read ahead and written behind, from and to files larger than the memory they may take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model, load
from kconvert_schemas import InputError, TensorType
from tests.cli.bundles import dense, identity_graph, two_graph, write

X = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load(write(tmp_path / "bundle", dense()))


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    np.save(tmp_path / "x.npy", X)
    return np.load(tmp_path / "x.npy", mmap_mode="r")


@pytest.mark.parametrize("batch_size", [1, 7, 500, 999, 1000, 5000])
def test_mapped_inputs_give_what_a_call_gives(model: Model, mapped: Any, batch_size: int) -> None:
    seen: list[tuple[int, int]] = []
    y = model.predict(mapped, batch_size=batch_size, progress=lambda *both: seen.append(both))
    np.testing.assert_allclose(y, model(X), rtol=1e-6)
    assert seen[-1] == (1000, 1000)
    assert len(seen) == -(-1000 // batch_size)


@pytest.mark.parametrize("batch_size", [7, 1000])
def test_results_are_written_into_a_given_array(model: Model, mapped: Any, tmp_path: Path, batch_size: int) -> None:
    out = np.lib.format.open_memmap(tmp_path / "y.npy", "w+", np.float32, (1000, 3))
    assert model.predict(mapped, batch_size=batch_size, out=out) is out
    out.flush()
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(X), rtol=1e-6)


def test_an_array_of_another_shape_or_dtype_is_refused(model: Model) -> None:
    for out in (np.empty((1000, 2), np.float32), np.empty((999, 3), np.float32), np.empty((1000, 3))):
        with pytest.raises(InputError, match=r"out for y must be float32\[1000, 3\], got"):
            model.predict(X, out=out)


def test_several_outputs_take_their_structure(tmp_path: Path) -> None:
    model = load(write(tmp_path / "two", two_graph()))
    out = {"difference": np.empty((1000, 2), np.float32), "kept": np.empty((1000, 2), np.float32)}
    model.predict(X, X[:, :1], batch_size=30, out=out)
    np.testing.assert_array_equal(out["difference"], X - X[:, :1])
    np.testing.assert_array_equal(out["kept"], X)


def test_numbers_of_another_dtype_are_converted_batch_by_batch(model: Model, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X.astype(np.float64))
    y = model.predict(np.load(tmp_path / "x.npy", mmap_mode="r"), batch_size=64)
    np.testing.assert_allclose(y, model(X), rtol=1e-6)


def test_a_shape_that_does_not_fit_is_said_of_the_whole_input(model: Model) -> None:
    with pytest.raises(InputError, match=r"shape \(any, 2\), got \(1000, 3\)"):
        model.predict(np.zeros((1000, 3), np.float32), batch_size=10)


def test_an_error_while_writing_comes_out(model: Model, mapped: Any) -> None:
    class Full:
        def put(self, *_: Any) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        model.stream_to(Full(), (mapped,), 100)


LIMITED = """
import sys
from kconvert_runtime.cli import main
code = main(sys.argv[1:])
with open("/proc/self/status") as file:
    print(code, next(line for line in file if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory held from Linux' /proc")
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_files_larger_than_the_memory_krun_takes(tmp_path: Path, dtype: str) -> None:
    """240 MB go in and 240 MB or more come out; NumPy and Python alone hold 30 MB."""
    bundle = write(tmp_path / "bundle", identity_graph(TensorType((None, 250, 100), "float32")))
    rows = 240_000_000 // (25_000 * np.dtype(dtype).itemsize)
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype, (rows, 250, 100))
    x[:] = (np.arange(rows) % 251)[:, None, None]
    del x
    arguments = [bundle, tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--no-progress"]
    done = subprocess.run([sys.executable, "-c", LIMITED, *map(str, arguments)], capture_output=True, text=True)
    code, kilobytes = done.stdout.split()
    assert code == "0", done.stderr
    assert int(kilobytes) < 90_000
    y = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert (y.shape, y.dtype) == ((rows, 250, 100), np.float32)
    np.testing.assert_array_equal(y[:, 3, 5], (np.arange(rows) % 251).astype(np.float32))
