"""A large weight that is updated block by block is as one that is updated whole."""

from __future__ import annotations

import numpy as np
import pytest

from kconvert_runtime import blas
from kconvert_runtime.gradients.rows import RowsGradient
from kconvert_runtime.train.optimizers import OPTIMIZERS, base, make_optimizer


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("name", [name for name, kind in OPTIMIZERS.items() if kind.elementwise])
def test_blocks(name: str, rows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(41, 5)).astype("float32")
    places, values = rng.integers(0, 41, 60), rng.normal(size=(60, 5)).astype("float32")
    found = []
    for block in (1 << 20, 17):
        monkeypatch.setattr(base, "BLOCK", block)
        optimizer, weights = make_optimizer(name), {"w": w.copy()}
        for _ in range(3):
            g = RowsGradient(places, values, 41)
            with blas.single_threaded():
                optimizer.apply(weights, {"w": g if rows else g.sum()})
        found.append(weights["w"])
    np.testing.assert_array_equal(*found)
    assert not np.array_equal(found[0], w)
