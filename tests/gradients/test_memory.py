"""What gradients keep in memory: one array for each layer on the way forward, and few at a time on the way back."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.gradients import shared
from kconvert_runtime.gradients.walk import Walk
from kconvert_runtime.plan import types_of
from kconvert_runtime.train.optimizers import SGD, Adam
from kconvert_schemas import Node, TensorType
from tests.helpers import make_graph

DEPTH = 24
SHAPE = (4, 24, 24, 16)
ONE = 4 * int(np.prod(SHAPE))
"""Bytes of the output of one layer."""


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread has scratch memory of its own, and gets it when it first happens to get work."""
    monkeypatch.setattr(shared, "workers", lambda: 1)


def peak(call: Callable[[], object]) -> int:
    """Return the most bytes that a call holds at once, after one that leaves its scratch memory behind."""
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def deep(layer: Callable[[int, str, str], list[Node]], weights: dict[str, Any]) -> Model:
    """DEPTH layers one on the other, and the mean of the last."""
    nodes = [node for i in range(DEPTH) for node in layer(i, f"x{i}" if i else "x", f"x{i + 1}")]
    nodes.append(Node("mean", "mean", "", (f"x{DEPTH}",), ("y",), {"axes": [1, 2, 3], "keepdims": False}))
    return Model(make_graph({"x": TensorType((None, *SHAPE[1:]), "float32")}, nodes, ["y"], weights), weights)


def convolution(i: int, x: str, y: str) -> list[Node]:
    attrs = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1]}
    return [
        Node("conv", f"c{i}", "", (x, f"k{i}"), (f"c{i}",), attrs),
        Node("add", f"a{i}", "", (f"c{i}", f"b{i}"), (f"a{i}",), {}), Node("relu", f"r{i}", "", (f"a{i}",), (y,), {}),
    ]  # fmt: skip


def scaled(i: int, x: str, y: str) -> list[Node]:
    """tanh of a sum, turned around twice: only what tanh gives is looked at on the way back."""
    axes = {"axes": [0, 2, 1, 3]}
    return [
        Node("add", f"a{i}", "", (x, "b"), (f"a{i}",), {}),
        Node("transpose", f"s{i}", "", (f"a{i}",), (f"s{i}",), axes),
        Node("transpose", f"u{i}", "", (f"s{i}",), (f"u{i}",), axes), Node("tanh", f"t{i}", "", (f"u{i}",), (y,), {}),
    ]  # fmt: skip


def kernels() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    weights = {f"k{i}": rng.normal(size=(3, 3, 16, 16)).astype("float32") / 12 for i in range(DEPTH)}
    return {**weights, **{f"b{i}": np.zeros(16, "float32") for i in range(DEPTH)}}


@pytest.mark.parametrize(
    ("layer", "weights"), [(convolution, kernels()), (scaled, {"b": np.ones(16, "float32")})], ids=["conv", "tanh"]
)
def test_a_layer_keeps_one_array(layer: Any, weights: dict[str, Any]) -> None:
    model, x = deep(layer, weights), np.zeros(SHAPE, "float32")
    assert DEPTH * ONE < peak(lambda: model.gradients(x)) < (DEPTH + 8) * ONE


def test_what_was_walked_back_is_let_go() -> None:
    """Right after each node: the arrays of both ways together are never more than those of one."""
    model, x = deep(convolution, kernels()), np.zeros(SHAPE, "float32")
    walk = Walk(model.graph.nodes, types_of(model.graph), model.weights, ["y"], [*model.weights])
    run, (y,) = walk.forward({"x": x})
    assert len(run.backs) == DEPTH
    walk.back(run, [np.ones_like(y)])
    assert not run.backs
    assert run.values.keys() <= {"x", "y"}


@pytest.mark.parametrize("optimizer", [SGD(), Adam()])
def test_the_gradient_of_a_table_is_rows(optimizer: Any) -> None:
    """A table that few rows are read of: neither its gradient nor an update is ever as large as the table."""
    table = np.zeros((200_000, 32), "float32")
    nodes = [
        Node("take", "take", "", ("table", "i"), ("rows",), {"axis": 0}),
        Node("exp", "e", "", ("rows",), ("y",), {}),
    ]
    graph = make_graph({"i": TensorType((None,), "int32")}, nodes, ["y"], {"table": table})
    walk = Walk(graph.nodes, types_of(graph), {"table": table}, ["y"], ["table"])
    weights = {"table": table.copy()}
    ids = np.array([5, 7, 5, 199_999], "int32")

    def step() -> None:
        run, (y,) = walk.forward({"i": ids})
        optimizer.apply(weights, walk.back(run, [np.ones_like(y)]))

    assert peak(step) < table.nbytes / 8
    moved = np.flatnonzero(np.any(weights["table"] != 0, axis=1)).tolist()
    assert moved == [5, 7, 199_999]
