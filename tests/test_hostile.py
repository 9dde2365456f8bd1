"""Hostile model files are refused: exit code 2, one paragraph, nothing written, soon and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.configs import CONFIGS
from tests.hostile.weights import WEIGHTS
from tests.hostile.zips import ZIPS

pytest.importorskip("resource", reason="this system cannot limit the memory of a process")

CASES = {
    f"{group} {name}": case
    for group, cases in (("zip", ZIPS), ("config", CONFIGS), ("weights", WEIGHTS))
    for name, case in cases.items()
}
SECONDS, MEGABYTES, LETTERS, LINES = 20, 2048, 4000, 30


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each file: all converted by one process that may take 2 GB."""
    folder = tmp_path_factory.mktemp("hostile") / "files"
    folder.mkdir()
    for name, (make, _) in CASES.items():
        make(folder / f"{name}.keras")
    command = [sys.executable, "-m", "tests.hostile", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    assert [entry.name for entry in folder.parent.iterdir()] == ["files"]
    return {entry["name"]: entry for entry in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", CASES)
def test_is_refused(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    found = outcomes[name]
    assert found["code"] == 2, found
    assert CASES[name][1] in found["said"]
    assert found["said"].startswith("kconvert: error: ")
    assert len(found["said"]) < LETTERS and found["said"].count("\n") < LINES
    assert found["said"].replace("\n", "").isprintable()
    assert found["seconds"] < SECONDS
    assert found["peak"] < MEGABYTES
