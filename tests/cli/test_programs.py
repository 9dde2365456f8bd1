"""The commands as programs of their own: exit codes, streams, pipes, and what they import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.bundles import dense, write
from tests.helpers import dense_file

PROGRAMS = {"krun": "kconvert_runtime.cli", "kconvert": "kconvert.cli.convert", "kbundle": "kconvert.cli.bundle"}


def command(program: str, *arguments: object) -> list[str]:
    start = f"import sys; from {PROGRAMS[program]} import main; sys.exit(main())"
    return [sys.executable, "-c", start, *map(str, arguments)]


def call(program: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(program, *arguments), capture_output=True, **options)  # type: ignore[call-overload,no-any-return]


def test_from_model_file_to_result(tmp_path: Path) -> None:
    file = dense_file(tmp_path / "m.keras")
    done = call("kconvert", file, tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Next        krun " in done.stdout
    done = call("krun", tmp_path / "out", "-", input=b"1 2\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"0  3  6\n", b"")
    assert call("kbundle", "info", tmp_path / "out").returncode == 0
    done = call("krun", tmp_path / "none", "-", input=b"1 2\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"krun: error: There is no kconvert bundle at ")


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_version(program: str) -> None:
    assert call(program, "--help").stdout.startswith(f"Usage: {program} ".encode())
    assert call(program, "--version").stdout.startswith(f"{program} 0.".encode())


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX pipes")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((50_000, 2)))
    bundle = write(tmp_path / "out", dense())
    with subprocess.Popen(
        command("krun", bundle, tmp_path / "x.npy"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    bundle = write(tmp_path / "out", dense())
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("krun", bundle, "-"), input=b"1 2\n", stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"krun: error: ")
    assert b"Traceback" not in done.stderr


def test_characters_that_stdout_cannot_show(tmp_path: Path) -> None:
    bundle = write(tmp_path / "out", dense())
    (tmp_path / "labels.txt").write_text("düns\nb\nc\n", encoding="utf-8")
    done = call(
        "krun",
        bundle,
        "-",
        "--top",
        3,
        "--labels",
        tmp_path / "labels.txt",
        input=b"1 2",
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"d\\xfcns" in done.stdout


def test_krun_imports_little(tmp_path: Path) -> None:
    bundle = write(tmp_path / "out", dense())
    script = (
        "import sys; from kconvert_runtime.cli import main; main(); print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, bundle, "-"], input=b"1 2\n", capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.decode().split()}
    strangers = loaded - set(sys.stdlib_module_names) - {"numpy", "click", "kconvert_runtime", "kconvert_schemas"}
    assert {name for name in strangers if not name.startswith(("_", "sitecustomize", "mypyc", "cython"))} == set()
    assert not loaded & {"rich", "h5py", "pluggy", "PIL", "kconvert", "kconvert_plugins"}
