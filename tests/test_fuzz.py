"""Damaged bundles: KconvertErrors and nothing else. `python -m tests.fuzz bundle|ops --seconds 600` tries many more."""

from __future__ import annotations

from random import Random

import pytest

from kconvert_schemas.opset import BUILT_IN
from tests.fuzz import bundle, corpus, ops
from tests.fuzz.limits import bounded

SECONDS = 2.0


def test_damaged_bundles() -> None:
    refused = 0
    for seed in range(120):
        with bounded(SECONDS):
            refused += bundle.check(seed)
    assert 50 < refused < 120


def test_ops_with_extreme_attributes() -> None:
    """A part of all of them."""
    every = ops.singles()
    assert {ops.cases()[index].op for index, _, _ in every} == {name for name, op in BUILT_IN.ops.items() if op.attrs}
    seeds = range(0, len(every), 23)
    refused = 0
    for seed in seeds:
        with bounded(SECONDS):
            refused += ops.check(seed)
    assert len(seeds) / 2 < refused < len(seeds)


@pytest.mark.parametrize("target", corpus.TARGETS)
def test_the_corpus(target: str) -> None:
    """Guided fuzzing has something to begin with, the same each time."""
    first, second = (next(iter(corpus.TARGETS[target]())) for _ in range(2))
    assert first == second and len(first) > 20


def test_a_bundle_of_the_corpus_comes_apart() -> None:
    graph, weights, _ = ops.written(*ops.chosen(0), Random(0))
    assert corpus.parted(corpus.joined(graph, weights)) == (graph, weights)
