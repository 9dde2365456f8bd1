"""Constant weights are arranged once for all plans of a model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kconvert_runtime import Model, blas
from kconvert_runtime.products import Columns
from kconvert_runtime.tuned import measure
from kconvert_runtime.tuned.candidates import candidates
from kconvert_runtime.tuned.site import Site, column_blocks
from kconvert_runtime.tuned.weights import factors
from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType
from tests.helpers import make_graph

WEIGHTS = np.random.default_rng(0).normal(size=(600, 200)).astype("float32")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "has_small_kernels", lambda: True)


def site(rows: int = 50, constant: bool = True) -> Site:
    shapes = (rows, 600), WEIGHTS.shape, (rows, 200)
    *inputs, output = (TensorType(shape, "float32") for shape in shapes)
    node = Node("matmul", "m", "", ("x", "weights"), ("y",), {})
    return Site(node, tuple(inputs), (output,), (None, WEIGHTS if constant else None), 2, alone=True)


def made(one: Site, calls: list[Array], **options: object) -> Columns | Array:
    """The weights of all columns; adds to `calls` what they were made of."""

    def make(given: Array) -> Array:
        calls.append(given)
        return given

    return factors(one, "rows", make, **options)([WEIGHTS, WEIGHTS], slice(None))  # type: ignore[arg-type]


def test_two_plans_have_the_same() -> None:
    first, calls = site(), list[Array]()
    second = replace(site(20), kept=first.kept)
    assert isinstance(made(first, calls), Columns)
    assert made(second, calls) is made(first, calls)
    assert len(calls) == 1


def test_each_part_of_the_columns_is_arranged() -> None:
    one, calls = site(), list[Array]()
    blocks = column_blocks(one.shape, 2)
    ready = factors(one, "rows", lambda given: calls.append(given) or given, blocks)  # type: ignore[func-returns-value]
    parts = [ready([], block[-1]) for block in blocks]
    assert [part.even.shape for part in parts if isinstance(part, Columns)] == [(1, 600, 64)] * 2
    assert len(calls) == 1


def test_not_for_one_row_nor_beside_threads_of_blas_nor_for_weights_that_change() -> None:
    for one in (site(1), replace(site(), alone=False), site(constant=False)):
        assert np.shares_memory(made(one, []), WEIGHTS)  # type: ignore[arg-type]


def test_what_is_only_measured_is_not_kept() -> None:
    one = site()
    for way, cost in candidates(one):
        assert measure.Measured()(one, way, cost, True) > 0
    assert not one.kept


def test_the_same_weights_in_two_equations() -> None:
    rng = np.random.default_rng(1)
    weights = {"w": rng.normal(size=(6, 6, 40)).astype("float32")}
    first = Node("einsum", "first", "", ("x", "w"), ("a",), {"equation": "abc,cde->abde"})
    second = Node("einsum", "second", "", ("z", "w"), ("b",), {"equation": "abcd,cde->abe"})
    types = {"x": TensorType((None, 5, 6), "float32"), "z": TensorType((None, 5, 6, 6), "float32")}
    graph = make_graph(types, [first, second], ["a", "b"], weights)
    inputs = {"x": rng.normal(size=(9, 5, 6)).astype("float32"), "z": rng.normal(size=(9, 5, 6, 6)).astype("float32")}
    for found, expected in zip(
        Model(graph, weights)(inputs), Model(graph, weights, optimize=False)(inputs), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
