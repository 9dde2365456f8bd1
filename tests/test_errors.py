"""The measured errors that the pages show are those of all cases, and within the tolerances."""

from __future__ import annotations

import pytest

from kconvert.plugins import load_registry
from tests import errors
from tests.cases import CASES
from tests.rounding import rounded_up

LIMITS = {"float32": 1e-5, "float64": 1e-5, "16 bit": 1e-2}


def test_every_class_with_a_case_was_measured() -> None:
    handlers = load_registry(points=())[0].handlers
    named = {f"keras.layers.{case.name.partition('(')[0]}" for cases in CASES.values() for case in cases}
    missing = (named & handlers.keys()) - errors.largest("classes").keys()
    assert not missing, "run python -m tests.errors and python docs/generate.py"


def test_errors_are_within_the_tolerances() -> None:
    wide = {
        (name, width): error
        for name, row in errors.largest("classes").items()
        for width, error in row.items()
        if float(error) > LIMITS[width]
    }
    assert not wide


@pytest.mark.parametrize(
    ("error", "written"),
    [(0.0, "0"), (2.4e-7, "3e-7"), (1e-5, "2e-5"), (5.1e-6, "1e-5"), (0.9, "1e0"), (1.0, "1e0"), (float("inf"), "inf")],
)
def test_rounded_up(error: float, written: str) -> None:
    """1e-5 is a little more than that in binary."""
    assert rounded_up(error) == written
    assert float(written) >= error
