"""Kernels chosen by measuring: the fastest is taken, sites that are alike are measured once, results stay."""

from __future__ import annotations

from time import sleep
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.steps import Call
from kconvert_runtime.tuned.candidates import CANDIDATES, Candidate
from kconvert_runtime.tuned.choice import choose
from kconvert_runtime.tuned.costs import Cost
from kconvert_runtime.tuned.measure import Measured
from kconvert_runtime.tuned.site import Site
from kconvert_schemas import Node, TensorType
from tests.helpers import F, make_graph

RNG = np.random.default_rng(17)


def test_the_fastest_is_taken_whatever_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def way(name: str, pause: float) -> Candidate:
        def build(site: Site) -> Call:
            built.append(name)
            return lambda do, y, x: (do(sleep, pause), do(np.copyto, y, x))

        return Candidate("test::a", name, lambda site: Cost(products=1e-9), build)

    monkeypatch.setitem(CANDIDATES, "test::a", [way("slow", 0.004), way("fast", 0.0)])
    type_ = TensorType((4, 4), "float32")
    site = Site(Node("test::a", "a", "", ("x",), ("y",), {}), (type_,), (type_,), (None,), 1)
    choices, _ = choose([site, site], Measured())
    assert [one.candidate.name for one in choices] == ["fast", "fast"]
    assert 0 < choices[0].seconds < 0.004
    once = len(built)
    assert once <= 8  # two ways, BLAS on its threads and on one, one thread of ours and all
    choose([site], measured := Measured())
    choose([site], measured)
    assert len(built) == 2 * once


@pytest.mark.parametrize("rows", [1, 3])
def test_results_are_those_of_the_plain_graph(rows: int) -> None:
    weights = {"kernel": RNG.normal(size=(3, 3, 4, 8)).astype(F), "bias": RNG.normal(size=8).astype(F),
               "lookup": RNG.normal(size=(5, 4)).astype(F)}  # fmt: skip
    attrs: dict[str, Any] = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1,
                             "data_format": "channels_last"}  # fmt: skip
    nodes = [
        Node("take", "t", "", ("lookup", "i"), ("t",), {"axis": 0}),
        Node("conv", "c", "", ("t", "kernel"), ("c",), attrs),
        Node("add", "b", "", ("c", "bias"), ("b",), {}),
        Node("relu", "y", "", ("b",), ("y",), {}),
    ]
    graph = make_graph({"i": TensorType((None, 6, 6), "int32")}, nodes, ["y"], weights)
    indices = RNG.integers(0, 5, (rows, 6, 6)).astype("int32")
    (plain,), (measured,) = (Model(graph, weights, optimize=how)(indices) for how in (False, "measure"))
    np.testing.assert_allclose(measured, plain, rtol=1e-4, atol=1e-5)


def test_other_words_are_refused() -> None:
    with pytest.raises(ValueError, match="optimize is True, False or 'measure', not 'fast'"):
        Model(make_graph({}, [], [], {}), {}, optimize="fast")  # type: ignore[arg-type]
