"""`krun` on wrong input: one paragraph, exit code 2, and nothing written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_schemas import TensorType
from tests.cli.bundles import dense, identity_graph, text_graph, two_graph, write
from tests.cli.conftest import Run
from tests.cli.test_krun import npy, npz

HEADER = b"\x93NUMPY\x01\x00"


def header(text: str, data: bytes = b"") -> bytes:
    return HEADER + len(text).to_bytes(2, "little") + text.encode() + data


def damaged_zip() -> bytes:
    data = bytearray(npz(x=np.ones((50, 2))))
    data[60:70] = bytes(10)
    return bytes(data)


def swollen() -> bytes:
    """An .npz that says it unpacks to almost 4 GB."""
    data = bytearray(npz(x=np.ones((50, 2))))
    size = data.index(b"PK\x01\x02") + 24
    data[size : size + 4] = (4_000_000_000).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"", "'x.npy' is not a .npy file: it begins with b''"),
        ("x.npy", b"1 2 3", "'x.npy' is not a .npy file: it begins with b'1 2 3'"),
        ("x.npy", HEADER, "'x.npy' is not a .npy array, or is damaged at its beginning"),
        ("x.npy", header("{'descr'"), "damaged .npy header"),
        ("x.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 2)}\n"), "takes 8,000,"),
        ("x.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}\n"), "a size is negative"),
        ("x.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (%s, 2)}\n" % (10**30)), "takes 8,000,"),
        ("x.npy", header("(" * 5000), "damaged .npy header"),
        ("x.npy", npy(np.ones((3, 2)))[:-1], "'x.npy' is damaged: float64[3, 2] takes 48 bytes, the file holds 47"),
        ("x.npy", npy(np.ones((3, 2))) + npy(np.ones(1)), "'x.npy' is damaged"),
        ("x.npy", npy(np.zeros((1, 2), [("a", "f4")])), "holds values of the dtype [('a', '<f4')]"),
        ("x.npy", npy(np.zeros((1, 2), "M8[s]")), "holds values of the dtype datetime64[s]"),
        ("x.npy", npy(np.ones((3, 4))), "'x.npy': Input 'x' must have the shape (any, 2), got (3, 4)"),
        ("x.npy", npy(np.ones((1, 3, 2))), "must have the shape (any, 2), got (1, 3, 2)"),
        ("x.npy", npy(np.ones((3, 2), complex)), "'x.npy': Input 'x' takes float32, got complex128"),
        ("x.npy", npy(np.array([["a", "b"]])), "'x.npy': Input 'x' takes float32, got <U1"),
        ("x.npy", npy(np.full((1, 2), 1e300)), "'x.npy': Input 'x' takes float32; numbers from 1e+300 to"),
        ("x.npz", b"PK\x03\x04 and no more", "'x.npz' is a damaged .npz file"),
        ("x.npz", damaged_zip(), "'x.npz' is a damaged .npz file"),
        ("x.npz", npz(), "'x.npz' holds nothing; expected arrays named 'x'"),
        ("x.npz", npz(a=np.ones(2), b=np.ones(2)), "'x.npz' holds 'a', 'b'; expected arrays named 'x'"),
        ("x.csv", b"", "'x.csv' is empty"),
        ("x.csv", b"\n\n", "'x.csv' is empty"),
        ("x.csv", b"a,b\n", "'x.csv' holds no rows"),
        ("x.csv", b"1,2\n3\n", "'x.csv': line 2 has 1 values, the first line has 2"),
        ("x.csv", b"1,2\n3,four\n", "'x.csv': 'four' in line 2 is not a number; input 'x' takes float32"),
        ("x.csv", b"1,oops\n3,4\n", "'x.csv': 'oops' in line 1 is not a number"),
        ("x.csv", b"1;2\n3;4\n", "'x.csv'"),
        ("x.csv", b'1,"2\n3,4\n', "'x.csv' is not proper CSV: line 2: unexpected end of data"),
        ("x.csv", b"1_0,2\n", "'1_0' in line 1 is not a number"),
        ("x.csv", b"1,2,3\n", "must have the shape (any, 2), got (1, 3)"),
        ("x.txt", b" \n\t\n", "'x.txt' is empty"),
        ("x.txt", b"1 2\n\n3\n", "'x.txt': line 3 has 1 values, the first line has 2"),
        ("x.txt", b"1 \xff\n", "'x.txt' is not UTF-8 text: byte 0xff in line 1"),
        ("x.txt", "1 2".encode("utf-16"), "'x.txt' is UTF-16 text; save it as UTF-8"),
        ("x.txt", b"1 2j\n", "'2j' in line 1 is not a number"),
        ("x.txt", b"1e999 1\n1 1e39\n", "numbers from 1.0 to inf do not fit"),
        ("x.json", b"[[1, 2]", "'x.json' is not valid JSON"),
        ("x.json", b"[" * 100_000, "'x.json' is not valid JSON"),
        ("x.json", b"[[1, 2], [3]]", "'x.json'"),
        ("x.json", b'[[1, "two"]]', "'x.json': input 'x' takes float32, the file holds '\"two\"'"),
        ("x.json", b"[[1, null]]", "'x.json': input 'x' takes float32, the file holds 'null'"),
        ("x.json", b'{"y": [[1, 2]]}', "'x.json' holds 'y'; expected an object with the inputs 'x'"),
        ("x.json", b"[]", "must have the shape (any, 2), got (0)"),
        ("x.png", b"\x89PNG\r\n\x1a\n", "is a picture; input 'x' is float32[?, 2], which holds no pictures"),
        ("x.dat", b"1 2", "'x.dat' is of a kind that is not read. Expected .npy, .npz, .csv, .json, .txt or an image"),
    ],
)  # fmt: skip
def test_wrong_files(run: Run, name: str, content: bytes, message: str) -> None:
    bundle = write(Path("out"), dense())
    Path(name).write_bytes(content)
    assert message in run("krun", bundle, name, "-o", "y.npy").complaint
    assert not Path("y.npy").exists()


def test_nothing_is_unpickled(run: Run) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, ("trapped",)

    bundle = write(Path("out"), dense())
    np.save("x.npy", np.array([Trap()], object), allow_pickle=True)
    np.savez("x.npz", x=np.array([Trap()], object))
    for name in ("x.npy", "x.npz"):
        assert "Python objects, which are never unpickled" in run("krun", bundle, name).complaint
    assert not Path("trapped").exists()


def test_no_size_is_believed(run: Run) -> None:
    bundle = write(Path("out"), dense())
    Path("x.npz").write_bytes(swollen())
    assert "takes 4,000,000,000 bytes when unpacked" in run("krun", bundle, "x.npz").complaint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'INPUT...'. The model takes a float32[?, 2], b float32[?, 1]. See `krun --help`."),
        (["a.npy"], "'a.npy' holds one array; 2 inputs are wanted: 'a', 'b'. Give a file for each (NAME=FILE), or"),
        (["a.npy", "b.npy", "a.npy"], "2 inputs: 'a' float32[?, 2], 'b' float32[?, 1]; 3 files were given"),
        (["a=a.npy"], "2 inputs: 'a' float32[?, 2], 'b' float32[?, 1]; 1 file was given"),
        (["a=a.npy", "c=b.npy"], "There is no input 'c'; the inputs are 'a' float32[?, 2], 'b' float32[?, 1]"),
        (["a=a.npy", "a=b.npy", "b.npy"], "Input 'a' is given 2 files; only pictures are joined to a batch"),
        (["b.npy", "a.npy"], "'b.npy': Input 'a' must have the shape (any, 2), got (3, 1)"),
        (["a.npy", "one.npy"], "All inputs must have the same number of rows; 'a' has 3, 'b' has 1"),
        (["a.npy", "none.npy"], "There is no file 'none.npy'"),
        (["a.npy", "out"], "'out' is a folder; expected a file with input for the model"),
        (["-", "-"], "stdin ('-') can be read for one input only"),
        (["x.txt"], "'x.txt' holds one input; 2 are wanted"),
        (["x.csv"], "'x.csv' has the columns 'a', 'label'; expected columns named 'a', 'b' in its first line"),
        (["x.json"], "'x.json' holds one value; expected an object with the inputs 'a', 'b'"),
        (["a.npy", "b.npy", "--tap", "mines"], "There is no layer 'mines' to tap. Did you mean 'minus'?"),
        (["a.npy", "b.npy", "-o", "y.npy"], "'y.npy': a .npy file holds one array, there are 2"),
        (["a.npy", "b.npy", "-o", "y.txt"], "results are written as .npy, .npz, .csv, .json"),
        (["a.npy", "b.npy", "-o", "nowhere/y.npz"], "'nowhere/y.npz' cannot be written: there is no folder 'nowhere'"),
        (["a.npy", "b.npy", "-o", "folder.npz"], "'folder.npz' is a folder; name a file"),
        (["a.npy", "b.npy", "--top", "0"], "Invalid value for '--top': 0 is not in the range x>=1"),
        (["a.npy", "b.npy", "--batch-size", "many"], "Invalid value for '--batch-size': 'many' is not a valid integer"),
        (["a.npy", "b.npy", "--frobnicate"], "No such option"),
        (["a.npy", "b.npy", "--labels", "labels.txt"], "'labels.txt' holds 3 labels, one a line"),
        (["a.npy", "b.npy", "--labels", "none.txt"], "There is no file 'none.txt'"),
        (["a.npy", "b.npy", "--labels", "empty.txt"], "'empty.txt' is empty"),
    ],
)  # fmt: skip
def test_wrong_requests(run: Run, arguments: list[str], message: str) -> None:
    bundle = write(Path("out"), two_graph())
    np.save("a.npy", np.ones((3, 2)))
    np.save("b.npy", np.ones((3, 1)))
    np.save("one.npy", np.ones((1, 1)))
    Path("x.txt").write_text("1 2\n")
    Path("x.csv").write_text("a,label\n1,2\n")
    Path("x.json").write_text("[1, 2]")
    Path("labels.txt").write_text("a\nb\nc\n")
    Path("empty.txt").write_text("")
    Path("folder.npz").mkdir()
    before = sorted(Path().rglob("*"))
    assert message in run("krun", bundle, *arguments).complaint
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("dtype", "text", "message"),
    [
        ("int32", "2147483648", "takes int32; numbers from 2147483648 to 2147483648 do not fit"),
        ("int8", "1e10", "takes int8; numbers from 10000000000.0 to"),
        ("uint8", "-1", "takes uint8; numbers from -1 to -1 do not fit"),
        ("int64", "1" * 400, "holds a whole number that does not fit int64"),
        ("int32", "1.5", "takes whole numbers (int32), got fractions"),
        ("int32", "nan", "takes int32"),
        ("bool", "2", "takes bool; numbers from 2 to 2 do not fit"),
        ("bool", "maybe", "'maybe' in line 1 is not a number; input 'x' takes bool"),
        ("float16", "1e5", "takes float16; numbers from 100000.0 to 100000.0 do not fit"),
    ],
)
def test_numbers_that_do_not_fit(run: Run, dtype: str, text: str, message: str) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((None, 1), dtype)))
    assert message in run("krun", bundle, "-", stdin=text.encode()).complaint


def test_texts(run: Run) -> None:
    bundle = write(Path("out"), text_graph())
    Path("x.csv").write_text("id,sentence\n1,bagus\n")
    Path("x.json").write_text("[1, 2]")
    Path("x.npy").write_bytes(npy(np.ones((2, 1))))
    Path("wild.npy").write_bytes(npy(np.array(["a"]))[:-4] + b"\xff\xff\xff\xff")
    assert "'wild.npy' holds strings that are not Unicode" in run("krun", bundle, "wild.npy").complaint
    Path("latin.npy").write_bytes(npy(np.array([b"\xff"])))
    assert (
        "'x.csv' has the columns 'id', 'sentence'; expected columns named 'text'"
        in run("krun", bundle, "x.csv").complaint
    )
    assert "'x.json': input 'text' takes strings, the file holds '1'" in run("krun", bundle, "x.json").complaint
    assert "'x.npy': Input 'text' takes strings, got float" in run("krun", bundle, "x.npy").complaint
    assert "'latin.npy'" in run("krun", bundle, "latin.npy").complaint
    assert "stdin is empty" in run("krun", bundle, "-").complaint
    assert "stdin is not UTF-8 text" in run("krun", bundle, "-", stdin=b"\xff\xfa").complaint


def test_pictures(run: Run) -> None:
    image = pytest.importorskip("PIL.Image")
    bundle = write(Path("out"), identity_graph(TensorType((None, 8, 6, 3), "float32")))
    image.new("RGB", (8, 6)).save("turned.png")
    image.new("I;16", (6, 8)).save("deep.png")
    noise = np.random.default_rng(0).integers(0, 256, (8, 6, 3)).astype(np.uint8)
    image.fromarray(noise).save("good.png")
    Path("cut.png").write_bytes(Path("good.png").read_bytes()[:90])
    Path("text.png").write_text("1 2 3")
    Path("script.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 8\n")
    for name, message in [
        ("turned.png", "'turned.png' is 8 x 6 pixels (width x height); input 'x' takes 6 x 8"),
        ("deep.png", "'deep.png' has pixels of the kind 'I"),
        ("cut.png", "'cut.png' is not a picture that can be read"),
        ("text.png", "'text.png' is not a picture that can be read"),
        ("script.png", "'script.png' is not a picture that can be read"),
    ]:
        assert message in run("krun", bundle, "good.png", name).complaint


def test_tables_do_not_hold_everything(run: Run) -> None:
    bundle = write(Path("out"), identity_graph(TensorType((None, 2, 2), "float32")))
    np.save("x.npy", np.ones((1, 2, 2)))
    message = "'y.csv': CSV holds one table, but 'y' has the shape (1, 2, 2). Write .npy, .npz or .json."
    assert message in run("krun", bundle, "x.npy", "-o", "y.csv").complaint
    assert sorted(path.name for path in Path().iterdir()) == ["out", "x.npy"]


@pytest.mark.parametrize("damage", ["file", "empty", "no weights", "not json", "future", "cut", "other weights"])
def test_damaged_bundles(run: Run, damage: str) -> None:
    np.save("x.npy", np.ones((1, 2)))
    out = Path("out")
    if damage == "file":
        out.write_text("a file")
    elif damage == "empty":
        out.mkdir()
    else:
        write(out, dense())
        graph, weights = out / "graph.json", out / "weights.npz"
        if damage == "no weights":
            weights.unlink()
        elif damage == "not json":
            graph.write_bytes(b"{\xff")
        elif damage == "future":
            graph.write_text(json.dumps({**json.loads(graph.read_text()), "version": 9}))
        elif damage == "cut":
            weights.write_bytes(weights.read_bytes()[:-40])
        else:
            np.savez(weights, kernel=np.ones((2, 3)))
    assert run("krun", out, "x.npy").complaint


def test_names_from_outside_are_escaped(run: Run) -> None:
    bundle = write(Path("out"), dense())
    name = "\x1b[31mred\n[bold]x"
    assert "'\\x1b[31mred\\n[bold]x'" in run("krun", bundle, name).complaint
    assert "\x1b" not in run("krun", name, "x.npy").complaint
    assert "\x1b" not in run("krun", bundle, f"--{name}").complaint


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a file that cannot be read")
def test_unreadable_files(run: Run) -> None:
    bundle = write(Path("out"), dense())
    np.save("x.npy", np.ones((1, 2)))
    Path("x.npy").chmod(0)
    assert "'x.npy': Permission denied" in run("krun", bundle, "x.npy").complaint
