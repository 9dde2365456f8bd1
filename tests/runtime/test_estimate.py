"""What a run takes, told beforehand, beside what it takes."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_runtime import Model, load, parallel, plans
from kconvert_runtime import estimate as estimating
from kconvert_runtime.estimate import estimate
from kconvert_runtime.parallel import workers
from kconvert_runtime.tuned import choice
from kconvert_schemas import InputError
from tests.cli.bundles import dense, two_graph

ROOT = Path(__file__).parents[2]


def model(made: Any) -> Model:
    return Model(*made)


def test_a_product_is_counted_by_hand() -> None:
    found = estimate(model(dense()), [(10, 2)])
    assert found.multiply_adds == 10 * 2 * 3
    assert found.weights == 4 * 6
    assert found.outputs == {"y": [10, 3]}
    assert found.values >= 4 * (10 * 2 + 10 * 3)
    assert found.memory == found.weights + found.prepared + found.values


def test_several_inputs() -> None:
    found = estimate(model(two_graph()), [(4, 2), (4, 1)])
    assert found.inputs == {"a": [4, 2], "b": [4, 1]}


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"Input 'x' must have the shape \(any, 2\), got \(3, 4\)"):
        estimate(model(dense()), [(3, 4)])


@pytest.mark.parametrize("rows", [1, 32])
def test_a_network_takes_the_memory_that_was_told(tmp_path: Path, rows: int) -> None:
    """The convolutional network of the examples; what kernels work in comes on top, in each thread."""
    kconvert.convert(ROOT / "examples" / "cifar" / "cifar.keras", tmp_path / "out")
    loaded = load(tmp_path / "out")
    shape = (rows, *[n or 1 for n in loaded.inputs[0].shape[1:]])
    found = estimate(loaded, [shape])
    x = np.ones(shape, loaded.inputs[0].dtype)
    fresh = load(tmp_path / "out")
    tracemalloc.start()
    fresh(x)
    fresh(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = found.prepared + found.values
    assert 0.8 * told < peak + x.nbytes < 1.2 * told + 8.5e6 * max(workers(), 2)


def test_of_rows_that_run_in_parts_the_values_of_few_are_held_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kconvert.convert(ROOT / "examples" / "cifar" / "cifar.keras", tmp_path / "out")
    loaded = load(tmp_path / "out")
    for module in (parallel, plans, choice, estimating):
        monkeypatch.setattr(module, "workers", lambda: 2)
    for name, value in (("HANDOFF", 0.0), ("WAITING", 0.0), ("BESIDE", 0.1), ("SHORT", 0.0), ("SMALLER", 9.0)):
        monkeypatch.setattr(plans, name, value)  # as if sharing cost nothing
    shape = (64, *[n or 1 for n in loaded.inputs[0].shape[1:]])
    parts = estimate(loaded, [shape])
    shares = loaded.way_for([np.ones(shape, np.float32)])
    assert isinstance(shares, plans.Shares)
    assert [cut.stop - cut.start for cut in shares.rows] == [8] * 8
    monkeypatch.setattr(plans, "SHORT", 1e9)
    halves = estimate(load(tmp_path / "out"), [shape])
    both = 4 * (math.prod(shape) + 2 * 64 * 10)  # inputs and, twice, results
    assert halves.values - both == pytest.approx(4 * (parts.values - both), rel=0.01)
    assert parts.multiply_adds == halves.multiply_adds
