"""Plans for batches: rows are shared by the cores where they are apart, and only there."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model, parallel, place, plans
from kconvert_runtime.execute import execute
from kconvert_runtime.place import lent
from kconvert_runtime.plans import Shares
from kconvert_runtime.steps import Plan
from kconvert_runtime.stream.analysis import rows_apart
from kconvert_runtime.tuned import choice
from kconvert_schemas import Body, Graph, Node, TensorType
from kconvert_schemas.errors import InputError
from tests.helpers import F, make_graph

RNG = np.random.default_rng(23)
CONV = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1, "data_format": "channels_last"}
WEIGHTS = {"k": RNG.normal(size=(3, 3, 4, 8)).astype(F), "bias": RNG.normal(size=8).astype(F),
           "row": RNG.normal(size=(1, 9, 9, 8)).astype(F)}  # fmt: skip


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (parallel, plans, choice):
        monkeypatch.setattr(module, "workers", lambda: 2)
    monkeypatch.setattr(plans, "HANDOFF", 0.0)  # as if these were large
    monkeypatch.setattr(plans, "BESIDE", 0.5)
    monkeypatch.setattr(plans, "WAITING", 0.0)


def node(op: str, y: str, *inputs: str, **attrs: Any) -> Node:
    return Node(op, y, "", inputs, (y,), attrs)


def graph(*nodes: Node, outputs: tuple[str, ...] = ("y",), rows: int | None = None) -> Graph:
    first = [node("conv", "c", "x", "k", **CONV), node("add", "b", "c", "bias")]
    return make_graph({"x": TensorType((rows, 9, 9, 4), F)}, [*first, *nodes], list(outputs), WEIGHTS)


APART = {
    "element by element": graph(node("relu", "y", "b")),
    "a constant for all rows": graph(node("add", "y", "b", "row")),
    "the places are reduced": graph(node("mean", "y", "b", axes=[1, 2], keepdims=False)),
    "flat": graph(node("reshape", "y", "b", shape=["x.0", 648])),
    "two outputs": graph(node("relu", "y", "b"), outputs=("y", "c")),
}
TOGETHER = {
    "the rows are reduced": graph(node("mean", "y", "b", axes=[0], keepdims=True)),
    "the rows are summed up": graph(node("cumsum", "y", "b", axis=0)),
    "the order is turned": graph(node("flip", "y", "b", axes=[0])),
    "rows beside rows": graph(node("concatenate", "y", "b", "b", axis=0)),
    "another size for all": graph(node("reshape", "y", "b", shape=[-1, 8])),
    "an output of the weights alone": graph(node("relu", "y", "b"), node("negative", "z", "row"), outputs=("y", "z")),
    "so many rows": graph(node("relu", "y", "b"), rows=4),
}


@pytest.mark.parametrize("one", APART.values(), ids=list(APART))
@pytest.mark.parametrize("rows", [2, 4, 5])
def test_rows_that_are_apart_are_shared(one: Graph, rows: int) -> None:
    assert rows_apart(one)
    model = Model(one, WEIGHTS)
    x = RNG.normal(size=(rows, 9, 9, 4)).astype(F)
    assert isinstance(model._plans.get((x.shape,)), Shares)
    for mine, plain in zip(model(x), Model(one, WEIGHTS, optimize=False)(x), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-5)
    assert model.plan_for([x]).slots  # a plan for all rows at once can still be had


@pytest.mark.parametrize(
    ("rows", "sizes"), [(15, {7, 8}), (31, {15, 16}), (32, {8}), (47, {11, 12}), (49, {8, 9})], ids=str
)
def test_of_many_rows_a_core_runs_few_at_a_time(rows: int, sizes: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "SHORT", 0.0)  # as if these were large
    monkeypatch.setattr(plans, "SMALLER", 9.0)
    model = Model(APART["flat"], WEIGHTS)
    shares = model._plans.get(((rows, 9, 9, 4),))
    assert isinstance(shares, Shares)
    assert {cut.stop - cut.start for cut in shares.rows} == sizes
    x = RNG.normal(size=(rows, 9, 9, 4)).astype(F)
    np.testing.assert_allclose(model(x)[0], Model(APART["flat"], WEIGHTS, optimize=False)(x)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "value"), [("SHORT", 1.0), ("SMALLER", 0.5)])
def test_not_where_that_takes_longer(name: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"SHORT": 0.0, "SMALLER": 9.0, name: value}
    for setting, number in settings.items():
        monkeypatch.setattr(plans, setting, number)
    shares = Model(APART["flat"], WEIGHTS)._plans.get(((64, 9, 9, 4),))
    assert isinstance(shares, Shares)
    assert [cut.stop - cut.start for cut in shares.rows] == [32, 32]


@pytest.mark.parametrize("one", TOGETHER.values(), ids=list(TOGETHER))
def test_other_rows_are_run_together(one: Graph) -> None:
    assert not rows_apart(one)
    model = Model(one, WEIGHTS)
    x = RNG.normal(size=(4, 9, 9, 4)).astype(F)
    assert not isinstance(model._plans.get((x.shape,)), Shares)
    for mine, plain in zip(model(x), Model(one, WEIGHTS, optimize=False)(x), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-5)


def test_a_loop_whose_step_may_mix_rows_is_not_shared() -> None:
    body = Body(("t",), ("m",), (node("softmax", "m", "t", axes=[0]),), dict.fromkeys("tm", TensorType((None, 4), F)))
    scan = Node("scan", "s", "", ("x",), ("s", "last"), {"body": body})
    assert not rows_apart(make_graph({"x": TensorType((None, 5, 4), F)}, [scan], ["s"], {}))


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_not_shared(rows: int) -> None:
    model = Model(APART["flat"], WEIGHTS)
    assert not isinstance(model._plans.get(((rows, 9, 9, 4),)), Shares)
    assert model(np.zeros((rows, 9, 9, 4), F))[0].shape == (rows, 648)


def test_what_is_not_faster_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "HANDOFF", 1.0)
    assert not isinstance(Model(APART["flat"], WEIGHTS)._plans.get(((4, 9, 9, 4),)), Shares)


@pytest.mark.parametrize("row", [0, 7])
def test_errors_come_out_of_either_share(row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(plan: Plan, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        if np.isnan(arrays[0]).any():
            raise InputError("not a number")
        return execute(plan, arrays)

    monkeypatch.setattr("kconvert_runtime.model.execute", run)
    model = Model(APART["flat"], WEIGHTS)
    x = np.zeros((8, 9, 9, 4), F)
    assert model(x)[0].shape == (8, 648)
    x[row] = np.nan
    with pytest.raises(InputError, match="not a number"):
        model(x)


def test_a_model_can_be_pickled_before_it_runs() -> None:
    model = pickle.loads(pickle.dumps(Model(APART["flat"], WEIGHTS)))
    assert model(np.zeros((4, 9, 9, 4), F))[0].shape == (4, 648)


def test_places_are_used_again_by_any_thread() -> None:
    model = Model(graph(node("relu", "y", "b")), WEIGHTS)
    x = np.ones((1, 9, 9, 4), F)
    model(x)
    (first,) = model._plans.get((x.shape,)).idle.values()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(model, x).result()
    assert list(model._plans.get((x.shape,)).idle.values()) == [first]


def test_a_place_whose_memory_another_model_works_in_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_workspaces", set())
    one, other = (Model(graph(node("relu", "y", "b")), WEIGHTS) for _ in range(2))
    x = np.ones((1, 9, 9, 4), F)
    one(x)
    plan = one._plans.get((x.shape,))
    (first,) = plan.idle.values()
    with lent(other._plans.get((x.shape,))) as busy:
        assert busy.workspace is first.workspace
        one(x)
        assert next(iter(plan.idle.values())) is first
        assert len(plan.idle) == 2
    one(x)
    assert len(plan.idle) == 2
