"""`krun`: every kind of input and output."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_schemas import TensorType
from tests.cli.bundles import dense, identity_graph, text_graph, two_graph, write
from tests.cli.conftest import Run
from tests.helpers import KERNEL

X = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
Y = np.maximum(X @ KERNEL, 0)


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def result(run: Run, bundle: Path, *arguments: object, **options: Any) -> Any:
    """What krun writes to an .npz file, by name."""
    done = run("krun", bundle, *arguments, "-o", "result.npz", **options)
    assert (done.code, done.out) == (0, ""), done
    with np.load("result.npz") as file:
        return dict(file)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.npy", npy(X)),
        ("x.npy", npy(X.astype(np.float64))),
        ("x.npy", npy(np.asfortranarray(X))),
        ("x.npy", npy(X.astype(">f4"))),
        ("x.npz", npz(x=X)),
        ("x.npz", npz(anything=X)),
        ("x.txt", b"1 -2\n0.5 3\n"),
        ("x.txt", b"1, -2\r\n\r\n0.5,3"),
        ("x.csv", b"1,-2\n0.5,3\n"),
        ("x.csv", b"\xef\xbb\xbfwidth,height\n1,-2\n0.5,3\n"),
        ("x.csv", b"id,x.0,x.1,label\n7,1,-2,a\n8,0.5,3,b\n"),
        ("x.json", b"[[1, -2], [0.5, 3]]"),
        ("x.json", b'{"x": [[1, -2], [0.5, 3]]}'),
        ("-", npy(X)),
        ("-", npz(x=X)),
        ("-", b"1 -2\n0.5 3\n"),
        ("-", b'{"x": [[1, -2], [0.5, 3]]}'),
    ],
)
def test_every_kind_of_file(run: Run, name: str, content: bytes) -> None:
    if name != "-":
        Path(name).write_bytes(content)
    found = result(run, write(Path("out"), dense()), name, stdin=content if name == "-" else b"")
    np.testing.assert_allclose(found["y"], Y)


def test_a_single_sample_becomes_a_batch_and_that_is_said(run: Run) -> None:
    bundle = write(Path("out"), dense())
    np.save("x.npy", X[1])
    done = run("krun", bundle, "x.npy")
    assert done.code == 0
    assert "note: 'x.npy' is taken for one sample of input 'x', a batch of 1" in done.err
    assert done.out == "2  5.5  9\n"
    Path("x.txt").write_text("0.5\n3\n")
    assert run("krun", bundle, "x.txt").out == done.out


def test_rows_hold_all_numbers_of_a_sample(run: Run) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((None, 2, 3), "float32")))
    Path("x.csv").write_text("1,2,3,4,5,6\n")
    assert result(run, bundle, "x.csv")["y"].tolist() == [[[1, 2, 3], [4, 5, 6]]]
    Path("x.txt").write_text("1 2 3\n4 5 6\n")
    assert result(run, bundle, "x.txt")["y"].shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("dtype", "text", "expected"),
    [
        ("int64", "9007199254740993", 9007199254740993),
        ("uint64", "18446744073709551615", 18446744073709551615),
        ("int32", "-7", -7),
        ("int32", "3.0", 3),
        ("bool", "true", True),
        ("float64", "1e300", 1e300),
        ("float32", "nan", np.nan),
        ("float32", "-inf", -np.inf),
    ],
)
def test_numbers_are_exact(run: Run, dtype: str, text: str, expected: Any) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((None, 1), dtype)))
    for name in ("x.txt", "x.csv"):
        Path(name).write_text(f"{text}\n")
        found = result(run, bundle, name)["y"]
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, [[expected]])


def test_several_inputs(run: Run) -> None:
    bundle = write(Path("out"), two_graph())
    a, b = X, np.array([[1.0], [2.0]], np.float32)
    np.save("a.npy", a)
    np.save("b.npy", b)
    Path("all.npz").write_bytes(npz(a=a, b=b, labels=b))
    Path("plain.npz").write_bytes(npz(arr_0=a, arr_1=b))
    Path("all.json").write_text(json.dumps({"b": b.tolist(), "a": a.tolist()}))
    Path("all.csv").write_text("b,a.0,a.1\n1,1,-2\n2,0.5,3\n")
    stdin = Path("all.json").read_bytes()
    for files in (
        ["a.npy", "b.npy"], ["a=a.npy", "b=b.npy"], ["b=b.npy", "a.npy"], ["b=all.csv", "a=all.json"],
        ["all.npz"], ["plain.npz"], ["all.json"], ["all.csv"], ["-"],
    ):  # fmt: skip
        found = result(run, bundle, *files, stdin=stdin)
        np.testing.assert_allclose(found["difference"], a - b)
        np.testing.assert_allclose(found["kept"], a)
    done = run("krun", bundle, "all.npz")
    assert "note: 'all.npz' also holds 'labels', which is not used" in done.err
    assert done.out.splitlines()[:2] == ["difference: float32[2, 2], smallest -3, mean -0.875, largest 1", "   0  -3"]


def test_texts(run: Run) -> None:
    bundle = write(Path("out"), text_graph())
    Path("texts.txt").write_text("bagus\nburuk\n\nbiasa\n")
    Path("texts.csv").write_text('id,text\n1,bagus\n2,"buruk, kata ""ibu"""\n')
    Path("labels.txt").write_text("good\nso so\nbad\n")
    assert result(run, bundle, "texts.txt")["label"].argmax(axis=1).tolist() == [0, 2, 0, 0]
    assert result(run, bundle, "-", stdin=b"buruk")["label"].argmax(axis=1).tolist() == [2]
    done = run("krun", bundle, "texts.csv", "--top", "2", "--labels", "labels.txt")
    assert done.code == 0
    assert done.out == (
        'bagus\n  good   0.8668\n  so so  0.1173\nburuk, kata "ibu"\n  good   0.3333\n  so so  0.3333\n'
    )
    assert run("krun", bundle, "texts.txt", "--labels", "labels.txt").out.splitlines()[:2] == [
        "bagus",
        "  good   0.8668",
    ]
    assert run("krun", bundle, "texts.txt", "--top", 9).out.splitlines()[:4] == [
        "bagus", "  0  0.8668", "  1  0.1173", "  2  0.0159",
    ]  # fmt: skip


def test_top_and_output_together(run: Run) -> None:
    bundle = write(Path("out"), text_graph())
    Path("labels.txt").write_text("good\nso so\nbad")
    done = run("krun", bundle, "-", "--labels", "labels.txt", "-o", "y.csv", stdin=b"bagus")
    assert done.out == "bagus\n  good   0.8668\n"
    assert Path("y.csv").read_text().splitlines()[0] == "good,so so,bad"


@pytest.mark.parametrize("axes", ["last", "first", "none"])
def test_pictures(run: Run, axes: str) -> None:
    image = pytest.importorskip("PIL.Image")
    shape = {"last": (None, 5, 6, 3), "first": (None, 3, 5, 6), "none": (None, 5, 6)}[axes]
    bundle = write(Path("out"), identity_graph(TensorType(shape, "float32")))
    pixels = np.arange(90, dtype=np.uint8).reshape(5, 6, 3) * 2
    image.fromarray(pixels).save("a.png")
    image.fromarray(255 - pixels).save("b.bmp")
    found = result(run, bundle, "a.png", "b.bmp")["y"]
    if axes == "none":
        assert found.shape == (2, 5, 6)
    else:
        expected = np.stack([pixels, 255 - pixels]).astype(np.float32)
        np.testing.assert_array_equal(found, expected if axes == "last" else expected.transpose(0, 3, 1, 2))


def test_ranked_pictures_are_named(run: Run) -> None:
    image = pytest.importorskip("PIL.Image")
    bundle = write(Path("out"), identity_graph(TensorType((None, 2, 2), "float32")))
    image.new("L", (2, 2), 9).save("a.png")
    done = run("krun", bundle, "a.png", "--top", "1")
    assert (
        "--top and --labels need an output with one row of numbers for each sample; 'y' has the shape" in done.complaint
    )


@pytest.mark.parametrize("rows", [0, 1, 7])
@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("options", [(), ("--tap", "dense"), ("--plain",)])
def test_batches_agree(run: Run, rows: int, size: int, options: tuple[str, ...]) -> None:
    bundle = write(Path("out"), dense())
    x = np.linspace(-1, 1, rows * 2, dtype=np.float32).reshape(rows, 2)
    np.save("x.npy", x)
    found = result(run, bundle, "x.npy", "--batch-size", size, *options)
    np.testing.assert_allclose(found["y"], np.maximum(x @ KERNEL, 0), atol=1e-6)
    if "--tap" in options:
        np.testing.assert_array_equal(found["tap/dense"], found["y"])


def test_output_files(run: Run) -> None:
    bundle = write(Path("out"), dense())
    np.save("x.npy", X)
    for name in ("y.npy", "y.npz", "y.json", "y.csv"):
        assert run("krun", bundle, "x.npy", "-o", name).code == 0
    np.testing.assert_array_equal(np.load("y.npy"), Y)
    assert json.loads(Path("y.json").read_text()) == Y.tolist()
    assert Path("y.csv").read_text() == "y.0,y.1,y.2\n" + "".join(",".join(map(str, row)) + "\n" for row in Y)
    assert sorted(path.name for path in Path().iterdir()) == ["out", "x.npy", "y.csv", "y.json", "y.npy", "y.npz"]


def test_numbers_in_files_are_short_and_exact(run: Run) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((None, 4), "float32")))
    x = np.array([[0.1, np.nan, -np.inf, 1e-30]], np.float32)
    np.save("x.npy", x)
    run("krun", bundle, "x.npy", "-o", "y.json")
    assert Path("y.json").read_text() == '[[0.1, "NaN", "-Infinity", 1e-30]]\n'
    run("krun", bundle, "x.npy", "-o", "y.csv")
    assert Path("y.csv").read_text().splitlines()[1] == "0.1,nan,-inf,1e-30"
    for name in ("y.json", "y.csv"):
        np.testing.assert_array_equal(result(run, bundle, name)["y"], x)


def test_strings_in_and_out(run: Run) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((None, 2), "string")))
    Path("x.csv").write_text('x.0,x.1\nä,"b, ""c"""\n\x1b[31m,d\n')
    assert result(run, bundle, "x.csv")["y"].tolist() == [["ä", 'b, "c"'], ["\x1b[31m", "d"]]
    for name in ("y.json", "y.npy"):
        assert run("krun", bundle, "x.csv", "-o", name).code == 0
        assert result(run, bundle, name)["y"].tolist() == [["ä", 'b, "c"'], ["\x1b[31m", "d"]]
    assert run("krun", bundle, "x.csv").out == 'ä  b, "c"\n\\x1b[31m  d\n'


def test_large_arrays_are_summarised(run: Run) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((None, 40, 40), "float32")))
    x = np.ones((3, 40, 40), np.float32)
    x[0, 0, 0] = np.nan
    np.save("x.npy", x)
    done = run("krun", bundle, "x.npy")
    assert done.out.startswith("y: float32[3, 40, 40], smallest 1, mean 1, largest 1, 1 not finite\n")
    assert len(done.out) < 1500


def test_no_rows(run: Run) -> None:
    bundle = write(Path("out"), dense())
    np.save("x.npy", np.ones((0, 2)))
    assert (run("krun", bundle, "x.npy").out, run("krun", bundle, "x.npy", "--top", 2).out) == ("", "")
    for name, expected in (("y.csv", "y.0,y.1,y.2\n"), ("y.json", "[]\n")):
        assert run("krun", bundle, "x.npy", "-o", name).code == 0
        assert Path(name).read_text() == expected


def test_a_fixed_batch_is_run_whole(run: Run) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((4, 2), "float32")))
    np.save("x.npy", np.ones((4, 2)))
    assert result(run, bundle, "x.npy", "--batch-size", 1)["y"].shape == (4, 2)


def test_progress(run: Run) -> None:
    bundle = write(Path("out"), dense())
    np.save("x.npy", np.zeros((100, 2)))
    assert run("krun", bundle, "x.npy").err == ""
    done = run("krun", bundle, "x.npy", "--progress", "--batch-size", 1)
    assert done.err.splitlines() == [f"{n} of 100 rows" for n in range(10, 101, 10)]


def test_profile(run: Run, tmp_path: Path) -> None:
    bundle = write(tmp_path / "out", dense())
    done = run("krun", bundle, "-", "--profile", stdin=b"1 2\n3 4\n")
    assert "matmul+relu" in done.out
    assert json.loads(run("krun", bundle, "-", "--profile", "--json", stdin=b"1 2\n").out)["calls"]
    refused = run("krun", bundle, "-", "--json", stdin=b"1 2\n")
    assert refused.code == 2
    assert "--json goes with --profile" in refused.err
    refused = run("krun", bundle, "-", "--profile", "-o", str(tmp_path / "y.npy"), "--top", 1, stdin=b"1 2\n")
    assert "--output, --top cannot be used with --profile" in refused.complaint
    assert not (tmp_path / "y.npy").exists()


def test_an_array_written_batch_by_batch_is_the_file_that_numpy_writes(run: Run, tmp_path: Path) -> None:
    bundle = write(tmp_path / "out", dense())
    x = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    np.save("x.npy", x)
    for batch_size in (1, 33, 100, 1000):
        done = run("krun", bundle, "x.npy", "-o", "y.npy", "--batch-size", batch_size)
        assert (done.code, done.out) == (0, ""), done
        y = np.load("y.npy")
        np.testing.assert_allclose(y, np.maximum(x @ KERNEL, 0), rtol=1e-5, atol=1e-6)
        assert Path("y.npy").read_bytes() == npy(y)


def test_an_error_in_the_middle_leaves_the_file_as_it_was(run: Run, tmp_path: Path) -> None:
    bundle = write(tmp_path / "out", identity_graph(TensorType((None, 2), "int32")))
    x = np.zeros((100, 2))
    x[70] = 0.5
    np.save("x.npy", x)
    Path("y.npy").write_bytes(b"as it was")
    done = run("krun", bundle, "x.npy", "-o", "y.npy", "--batch-size", 10)
    assert done.code == 2
    assert "whole numbers" in done.err
    assert Path("y.npy").read_bytes() == b"as it was"
    assert [path.name for path in Path().iterdir() if path.name.endswith(".tmp")] == []
