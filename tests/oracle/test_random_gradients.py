"""Gradients of random options of each layer class beside tf.GradientTape; more of them with KCONVERT_EXAMPLES."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from tests.cases.drawn import DRAWN
from tests.cases.spec import Case
from tests.oracle import test_random_options as options
from tests.oracle.test_gradients import HALF, TOLERANCE

OTHERWISE = {
    "UnitNormalization(dtype='float32', axis=[1]) on float32[1, 1]": "of one number: only rounding",
    "UnitNormalization(dtype='float16', axis=[-2]) on float64[2, 1, 1]": "as above",
    "UpSampling2D(dtype='bfloat16', size=(3, 3), data_format='channels_last', interpolation='lanczos3'":
        "TensorFlow has no gradient for it in 16 bits",
}  # fmt: skip
"""Parts of the names of cases that are not compared, with the reason."""

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("name", DRAWN)
def test_options(name: str, tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    from tests.oracle.gradients import compare

    compared = []

    @options.SETTINGS
    @given(DRAWN[name])
    def run(case: Case) -> None:
        if any(part in case.name for part in OTHERWISE) or not options.compare(case):  # Keras refuses it, or we do
            return
        found = compare(case, tmp_path)
        tolerance = HALF if found.half else TOLERANCE
        wrong = {name: error for name, error in found.errors().items() if not error <= tolerance}
        assert not wrong, (case.name, wrong)
        compared.append(bool(found.theirs))

    run()
    assert any(compared), "no combination has a gradient"
