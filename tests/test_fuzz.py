"""Damaged bundles: KconvertErrors and nothing else. `python -m tests.fuzz bundle --seconds 600` tries many more."""

from __future__ import annotations

from tests.fuzz import bundle
from tests.fuzz.limits import bounded

SECONDS = 2.0


def test_damaged_bundles() -> None:
    refused = 0
    for seed in range(120):
        with bounded(SECONDS):
            refused += bundle.check(seed)
    assert 50 < refused < 120
