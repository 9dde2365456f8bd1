"""A plan goes the way that the cost model expects to be the faster, and shares what is worth it."""

from __future__ import annotations

import numpy as np
import pytest

from kconvert_runtime.tuned import choice
from kconvert_runtime.tuned.candidates import CANDIDATES, Candidate
from kconvert_runtime.tuned.choice import CLEARLY, choose
from kconvert_runtime.tuned.costs import CROWDED, MEETING, SPREAD, Cost, product
from kconvert_runtime.tuned.site import Site
from kconvert_schemas import Node, TensorType


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "workers", lambda: 2)


def site(op: str, *costs: Cost) -> Site:
    """A site of an op of which there are ways of these costs."""
    type_ = TensorType((4, 4), "float32")
    CANDIDATES[op] = [Candidate(op, f"way{i}", lambda _, cost=cost: cost, lambda _: np.add)
                      for i, cost in enumerate(costs)]  # fmt: skip
    return Site(Node(op, op, "", ("x",), ("y",), {}), (type_,), (type_,), (None,), 1)


@pytest.fixture(autouse=True)
def other_ops(monkeypatch: pytest.MonkeyPatch) -> None:
    for op in ("test::a", "test::b"):
        monkeypatch.setitem(CANDIDATES, op, [])


def chosen(*sites: Site) -> tuple[list[tuple[str, int]], bool]:
    choices, shared = choose(sites)
    return [(one.candidate.name, one.site.threads) for one in choices], shared


def test_products_are_left_to_the_threads_of_blas() -> None:
    assert chosen(site("test::a", Cost(products=5e-4, rest=MEETING))) == ([("way0", 1)], False)


def test_much_work_beside_products_is_shared() -> None:
    assert chosen(site("test::a", Cost(products=1.0, rest=1.0))) == ([("way0", 2)], True)


@pytest.mark.parametrize("more", [-0.01, 0.01])
def test_sharing_must_be_clearly_faster(more: float) -> None:
    sites = [site("test::a", Cost(products=1.0))]
    assert choose(sites, lambda site, candidate, cost, shared: CLEARLY + more if shared else 1.0)[1] is (more < 0)


def test_what_is_small_is_not_shared() -> None:
    assert chosen(site("test::a", Cost(rest=MEETING / 2))) == ([("way0", 1)], False)


def test_the_cheapest_way_is_taken() -> None:
    assert chosen(site("test::a", Cost(rest=3e-5), Cost(rest=1e-5), Cost(rest=2e-5))) == ([("way1", 1)], False)


def test_beside_products_other_work_is_shared_if_it_is_long() -> None:
    one = site("test::a", Cost(products=3e-4))
    other = site("test::b", Cost(rest=1e-3))
    assert chosen(*[one] * 9, other) == ([("way0", 1)] * 9 + [("way0", 2)], False)


def test_weights_are_read_once_by_blas_and_by_each_thread_of_ours() -> None:
    few, many = product(7, 9000, 512), product(7000, 9000, 512)
    assert few.packing > few.products
    assert few.shared(2) - few.alone(2) == pytest.approx(few.packing * (1 - SPREAD / 2), rel=0.1)
    assert many.shared(2) < 1.01 * (CROWDED * many.products / 2 + many.packing + MEETING)
