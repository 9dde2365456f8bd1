"""Model files that strangers committed to public repositories, Keras 2.0 to 3.15, with reference outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_schemas import KconvertError
from tests.compare import flatten, relative_error

WILD = Path(__file__).parents[3] / "shared" / "data" / "wild"
INDEX: list[dict[str, Any]] = json.loads((WILD / "index.json").read_text()) if WILD.is_dir() else []
needs_data = pytest.mark.skipif(
    not INDEX, reason="the model files are not part of the project; they are not on this machine"
)


def stored(entry: dict[str, Any], kind: str) -> list[np.ndarray]:
    with np.load(WILD / entry["ref"]) as file:
        names = sorted((n for n in file.files if n.startswith(f"{kind}_")), key=lambda n: int(n.split("_")[1]))
        return [file[name] for name in names]


@needs_data
@pytest.mark.parametrize("entry", [e for e in INDEX if e["expect"] == "convert"], ids=lambda e: e["id"])
def test_converts_and_agrees(entry: dict[str, Any], tmp_path: Path) -> None:
    kconvert.convert(WILD / entry["file"], tmp_path / "out")
    outputs = flatten(kconvert.load(tmp_path / "out")(*stored(entry, "in")))
    expected = stored(entry, "out")
    assert len(outputs) == len(expected)
    for mine, theirs in zip(outputs, expected, strict=True):
        assert mine.shape == theirs.shape
        if theirs.dtype.kind in "US":
            assert mine.astype(str).tolist() == theirs.astype(str).tolist()
        else:
            assert relative_error(mine, theirs) < 1e-4


@needs_data
@pytest.mark.parametrize("entry", [e for e in INDEX if e["expect"] != "convert"], ids=lambda e: e["id"])
def test_is_refused_with_its_reason(entry: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(KconvertError) as caught:
        kconvert.convert(WILD / entry["file"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    custom = [name for name in entry["custom_classes"] if name]
    assert not custom or any(name in str(caught.value) for name in custom)
