"""Gradients of weights and inputs beside tf.GradientTape, for a part of the cases of every family."""

from __future__ import annotations

from pathlib import Path

import pytest

from kconvert_runtime import KconvertError
from tests.cases import CASES
from tests.cases.spec import Case

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

TOLERANCE = 1e-4
EVERY = {"recurrent": 2, "convolution": 2, "pooling": 2, "attention": 3, "wrappers": 3, "normalization": 3}
OTHERS = 5
"""One case in so many is compared."""
LEFT_OUT = {
    "quantization": "its weights are whole numbers, and its scales are not trained",
    "text": "texts have no gradient",
    "lookup": "texts and whole numbers have no gradient",
    "images": "most of its cases only act in training, or round to whole colours",
    "operations_images": "TensorFlow's gradient of its image transforms is that of the inverse transform",
    "networks_images": "they consist of layers that are compared by themselves, and take long",
    "categorical": "categories have no gradient",
}
NO_GRADIENT = ("svd", "unique", "view", "lookup")
"""Ops on the way of which no gradient is promised (kconvert_runtime/gradients/find.py says why)."""

OTHERWISE = {
    "cholesky(": "only the lower triangle is read; TensorFlow spreads the gradient over both, as for symmetric changes",
    "fft_length=5": "TensorFlow's own gradient fails where the transform is shorter than the axis",
}
"""Parts of the names of cases whose gradients are not those of TensorFlow."""

ALL = [
    pytest.param(case, id=f"{family}: {case.name}")
    for family, cases in CASES.items()
    if family not in LEFT_OUT
    for case in cases[:: EVERY.get(family, OTHERS)]
    if not any(part in case.name for part in OTHERWISE)
]


@pytest.mark.parametrize("case", ALL)
def test_case(case: Case, tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    from tests.oracle.gradients import errors, pairs, worth_it

    if not worth_it(case):
        return
    try:
        compared = pairs(case, tmp_path)
    except KconvertError as error:
        assert any(f"the op '{op}' has no gradient" in str(error) for op in NO_GRADIENT), str(error)
        return
    wrong = {name: error for name, error in errors(compared).items() if not error <= TOLERANCE}
    assert not wrong, wrong


def test_most_cases_are_compared(tmp_path: Path) -> None:
    """So that a comparison that finds nothing to compare shows."""
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    from tests.oracle.gradients import pairs

    for family in ("recurrent", "convolution", "pooling", "normalization"):
        found = [pairs(case, tmp_path) for case in CASES[family][:4]]
        assert sum(map(bool, found)) >= 3, family
