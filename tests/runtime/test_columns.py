"""Products that threads share by columns: each reads a part of the weights, whatever follows the product."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from kconvert_runtime import Model, blas, parallel
from kconvert_runtime.tuned import candidates, conv, costs, matmul, pointwise, winograd
from kconvert_runtime.tuned.costs import Cost
from kconvert_runtime.tuned.site import Site, column_blocks, rows_and_columns
from kconvert_schemas import Node, TensorType
from tests.helpers import F, make_graph

RNG = np.random.default_rng(8)


@pytest.fixture(autouse=True)
def by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two cores, with every product by columns, though these are too small for it to pay."""
    monkeypatch.setattr(blas, "threads", lambda: 2)
    parallel._helpers.cache_clear()
    monkeypatch.setattr(costs, "MEETING", 0.0)
    monkeypatch.setattr(costs, "CROWDED", 1e-3)
    for module in (conv, matmul, pointwise, winograd):
        monkeypatch.setattr(module, "across", lambda *arguments: Cost())


def dense_model(*tails: str) -> tuple[Model, Model]:
    """x w, then each of `tails`: an op, and an operand of its own for those that take two."""
    operands = {"row": (10,), "number": (), "residual": (6, 10), "column": (6, 1), "one row": (1, 10)}
    weights = {"w": RNG.normal(size=(7, 10)).astype(F)}
    nodes, value = [Node("matmul", "p", "", ("x", "w"), ("p",), {})], "p"
    for i, tail in enumerate(tails):
        op, _, operand = tail.partition(" ")
        if operand:
            weights[f"t{i}"] = RNG.normal(size=operands[operand]).astype(F)
        nodes.append(Node(op, f"y{i}", "", (value, f"t{i}") if operand else (value,), (f"y{i}",), {}))
        value = f"y{i}"
    graph = make_graph({"x": TensorType((None, 7), F)}, nodes, [value], weights)
    return Model(graph, weights), Model(graph, weights, optimize=False)


def kernels(model: Model) -> list[str]:
    (plan,) = model._plans._kept.values()
    return [step.kernel for step in plan.steps]


@pytest.mark.parametrize(
    "tails",
    [("add row", "relu"), ("multiply number", "add residual"), ("add column", "tanh", "multiply residual"),
     ("add one row",), ("gelu",), ()],
    ids=str,
)  # fmt: skip
def test_whatever_follows_a_product(tails: tuple[str, ...]) -> None:
    model, plain = dense_model(*tails)
    for _ in range(2):
        x = RNG.normal(size=(6, 7)).astype(F)
        np.testing.assert_allclose(model(x), plain(x), rtol=1e-5, atol=1e-5)
    assert kernels(model) == ["columns"]


@pytest.mark.parametrize(
    ("kernel", "module", "name"),
    [((1, 1, 4, 9), pointwise, "pointwise"), ((3, 3, 4, 9), conv, "im2col"), ((3, 3, 4, 9), winograd, "winograd2")],
)  # fmt: skip
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_convolutions_with_residuals(
    kernel: tuple[int, ...], module: ModuleType, name: str, padding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in {conv, pointwise, winograd} - {module}:
        monkeypatch.setattr(other, "across", lambda *arguments: Cost(1.0))
    weights = {"k": RNG.normal(size=kernel).astype(F), "b": RNG.normal(size=9).astype(F)}
    attrs = {"strides": [1, 1], "padding": padding, "dilation_rate": [1, 1], "groups": 1,
             "data_format": "channels_last"}  # fmt: skip
    places = 5 if padding == "same" else 6 - kernel[0]
    nodes = [
        Node("conv", "c", "", ("x", "k"), ("c",), attrs),
        Node("add", "a", "", ("c", "b"), ("a",), {}),
        Node("add", "s", "", ("a", "r"), ("s",), {}),
        Node("relu", "y", "", ("s",), ("y",), {}),
    ]
    inputs = {"x": TensorType((None, 5, 5, 4), F), "r": TensorType((None, places, places, 9), F)}
    graph = make_graph(inputs, nodes, ["y"], weights)
    model, plain = Model(graph, weights), Model(graph, weights, optimize=False)
    for _ in range(2):
        given = {name: RNG.normal(size=(2, *type_.shape[1:])).astype(F) for name, type_ in inputs.items()}
        np.testing.assert_allclose(model(given), plain(given), rtol=1e-4, atol=1e-4)
    assert kernels(model) == [f"{name} by filters"]


def test_more_threads_than_columns() -> None:
    blocks = column_blocks((4, 2), 3)
    assert [rows_and_columns(block, (4, 2)) for block in blocks] == [((slice(0, 4),), slice(i, i + 1)) for i in (0, 1)]
    assert rows_and_columns((slice(1, 3),), (4, 2)) == ((slice(1, 3),), slice(None))


def test_many_rows_are_shared_by_rows() -> None:
    weights = np.zeros((8, 8), F)
    types = tuple(TensorType(shape, F) for shape in ((costs.FEW + 1, 8), (8, 8), (costs.FEW + 1, 8)))
    site = Site(Node("matmul", "m", "", ("x", "w"), ("y",), {}), types[:2], types[2:], (None, weights), 2)
    assert [one.name for one, _ in candidates.candidates(site)] == ["rows"]
