"""Products in pieces: what comes out, and when they are cut."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import blas, products
from kconvert_runtime.calls import at_once
from kconvert_runtime.products import Columns, arranged, multiply, piece
from kconvert_runtime.tuned.costs import SPREAD, product

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of more than 60 multiplications are cut, on any machine."""
    monkeypatch.setattr(products, "SMALL", 60)
    monkeypatch.setattr(products, "LEAST", 2)
    monkeypatch.setattr(products, "WHOLE", 4)
    monkeypatch.setattr(products, "COLUMNS", {8: 2, 3: 1})
    monkeypatch.setattr(blas, "has_small_kernels", lambda: True)


def calls_of(
    rows: Any, weights: Any, *, alone: bool = True, dtype: str = "float32", cut: bool = False
) -> tuple[Any, list[tuple[int, ...]]]:
    """The product, and the shapes of the left factors of all calls."""
    rows, weights = rows.astype(dtype), weights if weights.dtype == dtype else weights.astype(dtype)
    factor = arranged(weights) if cut else weights
    shape = (*np.broadcast_shapes(rows.shape[:-2], weights.shape[:-2]), rows.shape[-2], weights.shape[-1])
    out, shapes = np.full(shape, np.nan, dtype), []

    def do(call: Any, *arguments: Any, **options: Any) -> None:
        shapes.append(arguments[0].shape)
        call(*arguments, **options)

    multiply(do, rows, factor, out, alone=alone)  # type: ignore[arg-type]
    return out, shapes


@pytest.mark.parametrize(
    ("left", "right", "shapes"),
    [
        ((24, 3), (3, 4), [(6, 4, 3)]),
        ((23, 3), (3, 4), [(4, 5, 3), (3, 3)]),
        ((5, 3), (3, 4), [(5, 3)]),
        ((2, 12, 3), (3, 4), [(2, 3, 4, 3)]),
        ((2, 11, 3), (2, 3, 4), [(2, 2, 4, 3), (2, 3, 3)]),
        ((11, 3), (2, 3, 4), [(2, 4, 3), (3, 3)]),
        ((40, 8), (8, 5), [(40, 8)]),
    ],
    ids=str,
)
def test_pieces(left: tuple[int, ...], right: tuple[int, ...], shapes: list[tuple[int, ...]]) -> None:
    rows, weights = RNG.normal(size=left), RNG.normal(size=right).astype("float32")
    out, found = calls_of(rows, weights)
    np.testing.assert_allclose(out, rows @ weights, rtol=1e-5, atol=1e-5)
    assert found == shapes


@pytest.mark.parametrize(
    ("left", "right", "shapes"),
    [
        ((7, 3), (3, 16), [(1, 3, 2, 3), (1, 1, 3)]),
        ((8, 3), (3, 17), [(1, 4, 2, 3), (8, 3)]),
        ((20, 10), (10, 7), [(1, 10, 2, 10), (4, 5, 10)]),
        ((2, 6, 10), (2, 10, 6), [(2, 1, 3, 2, 10)]),
        ((6, 10), (2, 10, 7), [(1, 3, 2, 10), (6, 10)]),
        ((6, 3), (3, 5), [(2, 3, 3)]),
        ((6, 70), (70, 5), [(6, 70)]),
    ],
    ids=str,
)
def test_pieces_of_columns(left: tuple[int, ...], right: tuple[int, ...], shapes: list[tuple[int, ...]]) -> None:
    rows, weights = RNG.normal(size=left), RNG.normal(size=right).astype("float32")
    out, found = calls_of(rows, weights, cut=True)
    np.testing.assert_allclose(out, rows @ weights, rtol=1e-5, atol=1e-5)
    assert found == shapes


def test_one_of_several_matrices_that_were_arranged() -> None:
    weights = RNG.normal(size=(3, 10, 7)).astype("float32")
    both = arranged(weights)
    assert isinstance(both, Columns)
    rows, out = RNG.normal(size=(5, 10)).astype("float32"), np.empty((5, 7), "float32")
    multiply(at_once, rows, both[1], out, alone=True)
    np.testing.assert_allclose(out, rows @ weights[1], rtol=1e-5, atol=1e-5)


def test_which_weights_are_arranged(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = np.ones((3, 5), "float32"), np.ones((10, 7), "float32")
    assert arranged(few) is few
    apart = np.ones((3, 10), "float32")[:, :5]
    assert arranged(apart).flags.c_contiguous  # type: ignore[union-attr]
    double = many.astype("float64")
    assert arranged(double) is double
    assert isinstance(arranged(many), Columns)
    monkeypatch.setattr(blas, "has_small_kernels", lambda: False)
    assert arranged(many) is many


def test_rows_column_by_column_are_cut_too() -> None:
    rows, weights = RNG.normal(size=(3, 24)).astype("float32").T, RNG.normal(size=(3, 4)).astype("float32")
    out, shapes = calls_of(rows, weights)
    np.testing.assert_allclose(out, rows @ weights, rtol=1e-5, atol=1e-5)
    assert shapes == [(6, 4, 3)]


def test_what_is_not_cut() -> None:
    rows, weights = RNG.normal(size=(24, 3)), RNG.normal(size=(3, 4)).astype("float32")
    column_by_column = np.asfortranarray(weights)
    for found in (
        calls_of(rows, weights, alone=False),
        calls_of(rows, column_by_column),
        calls_of(rows, weights, dtype="float64"),
    ):
        np.testing.assert_allclose(found[0], rows @ weights, rtol=1e-5, atol=1e-5)
        assert found[1] == [(24, 3)]


def test_no_rows_and_no_depth() -> None:
    for left, right in (((0, 3), (3, 4)), ((24, 0), (0, 4)), ((24, 3), (3, 0))):
        out, _ = calls_of(np.ones(left), np.ones(right, "float32"))
        np.testing.assert_array_equal(out, np.zeros((left[0], right[1])))


@pytest.mark.parametrize(
    ("rows", "depth", "width", "expected"),
    [(361, 728, 64, 20), (49, 2048, 32, 12), (196, 1024, 64, 12), (10, 728, 64, 10), (360, 728, 96, 12),
     (100, 4608, 32, 6), (1000, 30_000, 64, 1000)],
)  # fmt: skip
def test_rows_of_a_piece_fit_the_kernels(
    rows: int, depth: int, width: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(blas, "has_small_kernels", lambda: True)
    assert piece(rows, depth, width, 6) == expected


def test_only_where_blas_has_kernels_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert piece(24, 3, 4) == 4
    monkeypatch.setattr(blas, "has_small_kernels", lambda: False)
    assert piece(24, 3, 4) == 24


@pytest.mark.parametrize(
    ("name", "expected"), [(b"SkylakeX", True), (b"Haswell", False), (b"", False), (None, False)]
)  # fmt: skip
def test_processors(name: bytes | None, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    functions = {} if name is None else {"get_corename": lambda: name}
    functions = {key: _Function(one) for key, one in functions.items()}
    monkeypatch.setattr(blas, "_library", lambda: functions.get)
    assert blas.has_small_kernels.__wrapped__() is expected
    monkeypatch.setattr(blas, "_library", lambda: None)
    assert blas.has_small_kernels.__wrapped__() is False


class _Function(SimpleNamespace):
    """A function of a library, whose type of result can be set."""

    def __init__(self, call: Any) -> None:
        super().__init__(call=call)

    def __call__(self) -> Any:
        return self.call()


def test_the_cost_of_what_blas_arranges_is_that_of_its_own_threads_only(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = product(24, 3, 4)
    without = replace(cut, arranging=0.0)
    assert cut.arranging > 0
    assert cut.alone(1) == without.alone(1)
    assert cut.shared(2) == without.shared(2)
    assert cut.alone(2) - without.alone(2) == pytest.approx(cut.arranging * SPREAD / 2)
    monkeypatch.setattr(blas, "has_small_kernels", lambda: False)
    assert product(24, 3, 4).arranging == 0
