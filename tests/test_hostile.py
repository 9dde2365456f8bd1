"""Hostile model files and bundles are refused: exit code 2, one paragraph, nothing written, soon, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hostile import bundles as well_known
from tests.hostile.configs import CONFIGS
from tests.hostile.costs import COSTS
from tests.hostile.requests import REQUESTS
from tests.hostile.settings import SETTINGS
from tests.hostile.weights import WEIGHTS
from tests.hostile.zips import ZIPS

pytest.importorskip("resource", reason="this system cannot limit the memory of a process")

MODELS = {
    f"{group} {name}": case
    for group, cases in (("zip", ZIPS), ("config", CONFIGS), ("settings", SETTINGS), ("weights", WEIGHTS))
    for name, case in cases.items()
}
BUNDLES = well_known.BUNDLES | {f"run {name}": case for name, case in COSTS.items()}
DANGERS = {
    **{f"settings {name}": "opens files reads the file '/etc/passwd' as its vocabulary"
       for name in ("vocabulary in a file", "numbers in a file", "text vocabulary in a file")},
    "settings vocabulary elsewhere": "opens files fetches 'http://localhost:1/x' as its vocabulary",
    "settings weights of words in a file": "opens files reads the file '/etc/passwd' as its idf_weights",
    "settings bytecode": "runs code holds Python bytecode",
    "settings program in a folder": "runs code loads the TensorFlow program in the folder '/etc'",
    "settings pickled module": "runs code holds a PyTorch module as a pickle",
    "settings pickled functions": "runs code holds JAX functions as a pickle",
    "settings function for an activation": "imports modules names 'system' of the module 'os'",
    "settings function of the system": "imports modules names 'system' of the module 'os'",
    "weights soft link": "opens files leads elsewhere", "weights external link": "opens files leads elsewhere",
    "weights virtual": "takes its values from other datasets",
    "weights external storage": "takes its data from another file",
    "zip outside": "writes files is a path out of the folder", "zip pickled": "runs code can hold pickled Python",
}  # fmt: skip
"""What a dry run says that loading a file with Keras would do."""
SECONDS, MEGABYTES, LETTERS, LINES = 20, 2048, 4000, 30


def outcomes(kind: str, folder: Path) -> dict[str, dict[str, Any]]:
    """What became of each entry of a folder: all of them in one process that may take 2 GB."""
    before = sorted(entry.name for entry in folder.parent.iterdir())
    command = [sys.executable, "-m", "tests.hostile", kind, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    assert sorted(entry.name for entry in folder.parent.iterdir()) == before
    return {entry["name"]: entry for entry in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "files"
    folder.mkdir()
    for name, (make, _) in MODELS.items():
        make(folder / f"{name}.keras")
    return folder


@pytest.fixture(scope="module")
def models(files: Path) -> dict[str, dict[str, Any]]:
    return outcomes("models", files)


@pytest.fixture(scope="module")
def scanned(files: Path) -> dict[str, dict[str, Any]]:
    return outcomes("dry", files)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile") / "bundles"
    folder.mkdir()
    for name, (make, _) in BUNDLES.items():
        make(folder / name)
    np.save(folder.parent / "input.npy", np.ones((1, 2), np.float32))
    np.save(folder.parent / "image.npy", np.ones((1, 8, 8, 1), np.float32))
    return outcomes("bundles", folder)


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile") / "requests"
    for name, (make, _, _) in REQUESTS.items():
        (folder / name).mkdir(parents=True)
        make(folder / name)
    before = {path for path in folder.rglob("*") if "out" not in path.parts}
    found = outcomes("requests", folder)
    assert {path for path in folder.rglob("*") if "out" not in path.parts} == before
    return found


@pytest.mark.parametrize("name", REQUESTS)
def test_request_is_refused(name: str, requests: dict[str, dict[str, Any]]) -> None:
    _, (program, *_), words = REQUESTS[name]
    require_refused(requests[name], program, words)
    assert not requests[name]["written"]


@pytest.mark.parametrize("name", MODELS)
def test_model_is_refused(name: str, models: dict[str, dict[str, Any]]) -> None:
    require_refused(models[name], "kconvert", MODELS[name][1])


@pytest.mark.parametrize("name", MODELS)
def test_a_dry_run_says_what_keras_would_do(name: str, scanned: dict[str, dict[str, Any]]) -> None:
    """Nothing is loaded to find out, so that a dry run is as safe as a conversion."""
    require_refused(scanned[name], "kconvert", "")
    found = scanned[name]["written"]
    dangers = json.loads(found)["if_keras_loaded_this_file"] if found else []
    said = "; ".join(f"{danger['kind']} {danger['what']}" for danger in dangers)
    assert DANGERS.get(name, "") in said
    assert bool(dangers) == (name in DANGERS), said


def test_every_danger_is_of_a_file() -> None:
    assert DANGERS.keys() <= MODELS.keys()


@pytest.mark.parametrize("name", BUNDLES)
def test_bundle_is_refused(name: str, bundles: dict[str, dict[str, Any]]) -> None:
    require_refused(bundles[name], "krun", BUNDLES[name][1])


def require_refused(found: dict[str, Any], program: str, words: str) -> None:
    assert found["code"] == 2, found
    assert words in found["said"]
    assert found["said"].startswith(f"{program}: error: "), found
    assert len(found["said"]) < LETTERS and found["said"].count("\n") < LINES
    assert found["said"].replace("\n", "").isprintable()
    assert found["seconds"] < SECONDS
    assert found["peak"] < MEGABYTES
