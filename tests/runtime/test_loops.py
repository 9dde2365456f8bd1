"""Recurrent layers: their products in pieces, what their loops cost, and which batches are shared by rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model, blas, parallel, plans, products
from kconvert_runtime.calls import Recording
from kconvert_runtime.kernels.recurrent import CELLS, projection
from kconvert_runtime.kernels.recurrent.cells import stacked
from kconvert_runtime.kernels.recurrent.sequences import fill_cell
from kconvert_runtime.plans import Shares
from kconvert_runtime.scratch import Workspace
from kconvert_runtime.tuned import choice, specialise
from kconvert_runtime.tuned.loops import LoopCost, cost_of
from kconvert_schemas import Node, TensorType
from tests.helpers import F, make_graph

GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}


def layer(
    op: str, units: int, ways: tuple[bool, ...], *, masked: bool = False, read: slice = slice(None), **attrs: Any
) -> tuple[Any, dict[str, Any]]:
    """A recurrent layer of 5 features in one direction or both, and those of all its outputs that are `read`."""
    rng = np.random.default_rng(3)
    weights: dict[str, Any] = {}
    nodes, outputs = [], []
    width = GATES[op] * units
    for i, backwards in enumerate(ways):
        names = [f"w{i}", f"u{i}", f"b{i}"]
        reset_after = op == "gru" and attrs.get("reset_after", True)
        for name, size in zip(
            names, ((5, width), (units, width), (2, width) if reset_after else (width,)), strict=True
        ):
            weights[name] = (rng.normal(size=size) / math.sqrt(units)).astype(F)
        ends = tuple(f"{name}{i}" for name in ("all", "last", "h", *(["c"] if op == "lstm" else [])))
        inputs = ("x", *names, "m") if masked else ("x", *names)
        nodes.append(Node(op, f"layer{i}", "", inputs, ends, {"go_backwards": backwards, **attrs}))
        outputs += ends
    types = {"x": TensorType((None, None, 5), F), **({"m": TensorType((None, None), "bool")} if masked else {})}
    return make_graph(types, nodes, outputs[read], weights), weights


@pytest.mark.parametrize(
    ("op", "attrs"), [("lstm", {}), ("gru", {}), ("gru", {"reset_after": False}), ("simple_rnn", {})], ids=str
)
@pytest.mark.parametrize("ways", [(False,), (True,), (False, True)], ids=str)
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_in_pieces(
    op: str, attrs: dict[str, Any], ways: tuple[bool, ...], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, weights = layer(op, 7, ways, **attrs)
    x = np.random.default_rng(5).normal(size=(batch, 6, 5)).astype(F)
    monkeypatch.setattr(blas, "has_small_kernels", lambda: False)
    expected = Model(graph, weights, optimize=False)(x)
    monkeypatch.setattr(blas, "has_small_kernels", lambda: True)
    for name, value in (("SMALL", 60), ("LEAST", 1), ("WHOLE", 1000), ("COLUMNS", {4: 2, 3: 1})):
        monkeypatch.setattr(products, name, value)
    assert products.columns(7, 7) == 4
    for optimize in (True, False):
        model = Model(graph, weights, optimize=optimize)
        for _ in range(2):
            for found, right in zip(model(x), expected, strict=True):
                np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


def test_another_core_projects_while_one_runs_the_steps() -> None:
    cost = LoopCost(steps=10, stepping=3.0, projecting=2.0)
    assert (cost.seconds(1), cost.seconds(2)) == (5.0, 3.0)


def test_what_a_loop_costs() -> None:
    graph, _ = layer("lstm", 64, (False, True))
    types = {name: weight.type for name, weight in graph.weights.items()}
    one, both, longer, wider = (
        cost_of(graph.nodes[:count], {**types, "x": TensorType((batch, steps, 5), F)}, looked_up=False)
        for count, batch, steps in ((1, 32, 10), (2, 32, 10), (1, 32, 20), (1, 64, 10))
    )
    assert longer.steps == 2 * one.steps == 20
    assert longer.stepping == pytest.approx(2 * one.stepping)
    assert both.projecting == pytest.approx(2 * one.projecting)
    assert one.stepping < wider.stepping < 2 * one.stepping
    assert one.stepping < both.stepping < 2 * one.stepping
    assert not cost_of(graph.nodes[:1], {**types, "x": TensorType((32, 10, 5), F)}, looked_up=True).projecting


@pytest.mark.parametrize(("units", "batch", "shared"), [(256, 64, True), (4, 64, False), (256, 1, False)], ids=str)
def test_batches_are_shared_where_steps_are_long(
    units: int, batch: int, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (parallel, plans, choice, specialise):
        monkeypatch.setattr(module, "workers", lambda: 2)
    graph, weights = layer("lstm", units, (False,))
    model = Model(graph, weights)
    x = np.random.default_rng(5).normal(size=(batch, 4, 5)).astype(F)
    way = model._plans.get((x.shape,))
    assert isinstance(way, Shares) is shared
    for plan in way.plans if isinstance(way, Shares) else ():
        assert plan.parallel
        assert plan.cores == 1  # others run beside it
    for found, right in zip(model(x), Model(graph, weights, optimize=False)(x), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("op", sorted(GATES))
@pytest.mark.parametrize("ways", [(False,), (True,), (False, True)], ids=str)
@pytest.mark.parametrize("read", [slice(None), slice(1, None), slice(0, None, 2)], ids=str)
@pytest.mark.parametrize(("masked", "zero"), [(False, False), (True, False), (True, True)], ids=str)
def test_blocks_of_steps(
    op: str, ways: tuple[bool, ...], read: slice, masked: bool, zero: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    graph, weights = layer(op, 3, ways, masked=masked, read=read, zero_output_for_mask=zero)
    plain, model = Model(graph, weights, optimize=False), Model(graph, weights)
    given: list[dict[str, Any]] = []
    for batch, time in ((1, 23), (2, 23), (2, 1), (3, 12), (3, 12)):
        mask = {"m": rng.random((batch, time)) < 0.6} if masked else {}
        given.append({"x": rng.normal(size=(batch, time, 5)).astype(F), **mask})
    expected = [plain(inputs) for inputs in given]
    monkeypatch.setattr(projection, "STEPS", 3)
    for one in (model, plain):
        for inputs, right in zip(given, expected, strict=True):
            for found, value in zip(one(inputs), right, strict=True):
                np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", sorted(GATES))
@pytest.mark.parametrize("masked", [False, True])
def test_long_sequences_take_few_more_calls_down(op: str, masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "STEPS", 10)
    graph, weights = layer(op, 3, (False, True))
    sides = [[weights[str(name)] for name in node.inputs[1:4]] for node in graph.nodes]
    outputs = len(graph.nodes[0].outputs)

    def count(time: int) -> int:
        shapes = [(2, time, 3), *[(2, 3)] * (outputs - 1)] * 2
        arrays = [np.empty(shape, F) for shape in shapes]
        recording = Recording(Workspace())
        fill_cell(recording, CELLS[op](*stacked(sides))(2), arrays, np.zeros((2, time, 5), F),
                  np.ones((2, time), bool) if masked else None, [None] * (outputs - 2), backwards=(False, True),
                  zero_output_for_mask=False)  # fmt: skip
        return recording.count

    assert count(800) - count(400) == count(1200) - count(800) <= 40 * 16
