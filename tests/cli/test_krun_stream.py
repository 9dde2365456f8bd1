"""`krun --stream`: rows in, rows out, each at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from kconvert_runtime import load
from tests.cli.conftest import Run
from tests.stream import models

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(1).normal(size=(1, 4, 4)).astype(np.float32)
ROWS = [",".join(map(str, row)) for row in X[0]]
KRUN = [sys.executable, "-c", "import sys; from kconvert_runtime.cli import main; sys.exit(main())"]


def numbers(text: str) -> np.ndarray:
    return np.array([[float(cell) for cell in line.split(",")] for line in text.splitlines()])


def test_each_row_is_answered_before_the_next_comes(tmp_path: Path) -> None:
    bundle = models.write(tmp_path / "model", models.tagger())
    expected = load(bundle)(X)[0]
    command = [*KRUN, str(bundle), "--stream", "--state", str(tmp_path / "state.npz")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for row, y in zip(ROWS, expected, strict=True):
            process.stdin.write(f"{row}\n")
            process.stdin.flush()
            np.testing.assert_allclose(numbers(process.stdout.readline())[0], y, atol=1e-6)
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_the_state_is_kept(run: Run) -> None:
    bundle = models.write(Path("model"), models.tagger())
    expected = load(bundle)(X)[0]
    found = [run("krun", bundle, "--stream", "--state", "s.npz", stdin=f"{row}\n".encode()).out for row in ROWS]
    np.testing.assert_allclose(numbers("".join(found)), expected, atol=1e-6)


def test_forms_of_rows(run: Run) -> None:
    bundle = models.write(Path("model"), models.tagger())
    expected = load(bundle)(X)[0]
    rows = [ROWS[0], ROWS[1].replace(",", "  "), json.dumps(X[0, 2].tolist()), json.dumps({"x": X[0, 3].tolist()})]
    done = run("krun", bundle, "--stream", stdin="\r\n\n".join(rows).encode())
    assert done.code == 0
    lines = done.out.splitlines()
    np.testing.assert_allclose(numbers("\n".join(lines[:2])), expected[:2], atol=1e-6)
    np.testing.assert_allclose([json.loads(line) for line in lines[2:]], expected[2:], atol=1e-6)


def test_inputs_that_stay(run: Run) -> None:
    bundle = models.write(Path("model"), models.translator())
    np.save("source.npy", X)
    done = run("krun", bundle, "source=source.npy", "--stream", stdin="\n".join(ROWS).encode())
    np.testing.assert_allclose(numbers(done.out), load(bundle)(X, X)[0], atol=1e-6)
    assert "source" in run("krun", bundle, "--stream", stdin=b"").complaint


def test_what_is_wrong_is_said_with_its_line(run: Run) -> None:
    bundle = models.write(Path("model"), models.tagger())
    for row, said in (
        ("1,2", "must have the shape (any, 4), got (1, 2)"), ("a,b,c,d", "'a'"), ("[1,2", "not valid JSON"),
        ("[[1,2,3,4],[1,2,3,4]]", "a row is one step of one sequence"), ("\xff", "not"), ('{"y": 1}', "inputs"),
    ):  # fmt: skip
        done = run("krun", bundle, "--stream", "--state", "s.npz", stdin=f"{ROWS[0]}\n{row}\n".encode("latin-1"))
        assert done.code == 2, row
        assert "line 2 of stdin" in done.err, done.err
        assert said in done.err, done.err
        assert len(done.out.splitlines()) == 1
    bundle = models.write(Path("other"), models.bidirectional())
    assert "runs backwards" in run("krun", bundle, "--stream").complaint
    assert "--state goes with --stream" in run("krun", bundle, "x.npy", "--state", "s.npz").complaint
    assert "--output, --top cannot be used with --stream" in run(
        "krun", bundle, "--stream", "--top", 1, "-o", "x.npy"
    ).complaint  # fmt: skip


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    bundle = models.write(tmp_path / "model", models.tagger())
    reading, writing = os.pipe()
    with subprocess.Popen([*KRUN, str(bundle), "--stream"], stdin=subprocess.PIPE, stdout=writing,
                          stderr=subprocess.PIPE, cwd=ROOT) as process:  # fmt: skip
        os.close(writing)
        os.close(reading)
        _, said = process.communicate("\n".join(ROWS).encode())
    assert (process.returncode, said) == (141, b"")


def test_the_command_of_the_page(run: Run) -> None:
    (command,) = re.findall(r"```sh\n(.*?)\n```", (ROOT / "docs" / "streaming.md").read_text())
    assert command == "krun model/ --stream --state state.npz < rows.txt > answers.txt"
    models.write(Path("model"), models.tagger())
    assert run("krun", "model/", "--stream", "--state", "state.npz", stdin="\n".join(ROWS).encode()).code == 0
