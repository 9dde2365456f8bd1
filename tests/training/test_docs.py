"""The code of docs/training.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from kconvert_runtime import load
from kconvert_runtime.train import save
from tests.training.test_fit import line, network

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = line()
    np.save("x.npy", x)
    np.save("y.npy", y)
    save(network(), tmp_path / "model")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})
    assert not np.array_equal(load("tuned")(x)[0], load("model")(x)[0])
