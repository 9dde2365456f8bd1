"""Recurrent layers whose inputs are looked up in a table: the table is projected once, if that pays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.kernels.recurrent import projection
from kconvert_runtime.tuned import loops
from kconvert_schemas import InputError, Node, TensorType
from tests.helpers import F, make_graph

RNG = np.random.default_rng(11)
UNITS, GATES = 4, {"lstm": 4, "gru": 3, "simple_rnn": 1}


def models(
    op: str, ways: tuple[bool, ...] = (False,), *, also: tuple[Node, ...] = (), axis: int = 0, mask: bool = False
) -> tuple[Model, Model]:
    """A table of 9 entries of 5 numbers, and a layer in one direction or both on what is looked up in it."""
    weights: dict[str, Any] = {"table": RNG.normal(size=(9, 5)).astype(F)}
    nodes = [Node("take", "embed", "Embedding", ("table", "x"), ("e",), {"axis": axis}), *also]
    inputs = {"x": TensorType((None, None), "int32")}
    if mask:
        inputs["m"] = TensorType((None, None), "bool")
    outputs = [value for node in also for value in node.outputs]
    for i, backwards in enumerate(ways):
        shapes = (5, GATES[op] * UNITS), (UNITS, GATES[op] * UNITS)
        names = [f"w{i}", f"u{i}", f"b{i}"]
        shape = (2, GATES[op] * UNITS) if op == "gru" else (GATES[op] * UNITS,)
        for name, size in zip(names, (*shapes, shape), strict=True):
            weights[name] = RNG.normal(size=size).astype(F)
        ends = tuple(f"{name}{i}" for name in ("all", "last", "h", *(["c"] if op == "lstm" else [])))
        nodes.append(
            Node(op, f"layer{i}", "", ("e", *names, *(["m"] if mask else [])), ends, {"go_backwards": backwards})
        )
        outputs += ends
    graph = make_graph(inputs, nodes, outputs, weights)
    return Model(graph, weights), Model(graph, weights, optimize=False)


def kernels(model: Model) -> list[str]:
    plan = list(model._plans._kept.values())[-1]
    return [step.kernel for step in plan.steps]


def check(model: Model, plain: Model, batch: int, time: int, mask: bool = False) -> None:
    for _ in range(2):
        given: dict[str, Any] = {"x": RNG.integers(-9, 9, size=(batch, time)).astype(np.int32)}
        if mask:
            given["m"] = RNG.random((batch, time)) < 0.7
        for found, expected in zip(model(given), plain(given), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", sorted(GATES))
@pytest.mark.parametrize("ways", [(False,), (True,), (False, True)], ids=str)
@pytest.mark.parametrize("mask", [False, True])
def test_the_table_is_projected(op: str, ways: tuple[bool, ...], mask: bool) -> None:
    model, plain = models(op, ways, mask=mask)
    for batch, time in ((1, 7), (3, 7), (3, 1), (1, 1)):
        check(model, plain, batch, time, mask)
        names = kernels(model)
        assert names[0] == "numbers"
        assert [name.endswith("of a table") for name in names[1:]] == [True]


def test_several_blocks_are_looked_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "BLOCK", 1)
    model, plain = models("lstm", (False, True))
    for _ in range(20):
        check(model, plain, 3, 60)


def test_plans_share_the_table() -> None:
    model, plain = models("lstm", (False, True))
    for time in (3, 5, 8):
        check(model, plain, 2, time)
    assert len(model._plans._arrays) == 1


@pytest.mark.parametrize(
    ("change", "also"),
    [
        ({"LARGEST": 9 * 4 * UNITS - 1}, ()),
        ({"OFTEN": 0}, ()),
        ({}, (Node("relu", "r", "", ("e",), ("r",), {}),)),
    ],
    ids=["too large", "too seldom", "read elsewhere"],
)
def test_the_table_is_left(change: dict[str, int], also: tuple[Node, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in change.items():
        monkeypatch.setattr(loops, name, value)
    model, plain = models("lstm", also=also)
    check(model, plain, 2, 6)
    assert not any(name.endswith("of a table") for name in kernels(model))


def test_numbers_outside_name_the_embedding() -> None:
    model, plain = models("gru")
    check(model, plain, 2, 4)
    for bad in (9, -10):
        messages = []
        for one in (model, plain):
            with pytest.raises(InputError) as caught:
                one(np.array([[0, 1, 2, bad]] * 2, np.int32))
            messages.append(str(caught.value))
        assert messages[0] == messages[1]
        assert "'Embedding'" in messages[0]
    check(model, plain, 2, 4)
