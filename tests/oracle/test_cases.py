"""Every case, built afresh with Keras and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import CASES
from tests.cases.spec import Case
from tests.compare import check_file

pytestmark = pytest.mark.oracle

ALL = [pytest.param(case, id=f"{family}: {case.name}") for family, cases in CASES.items() for case in cases]


@pytest.mark.filterwarnings("ignore")  # Keras and TensorFlow warn about themselves
@pytest.mark.parametrize("case", ALL)
def test_case(case: Case, tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    from tests.keras_models import save_case

    file = tmp_path / "model.keras"
    expected = save_case(case, file)
    check_file(case, file, case.arrays(), expected, tmp_path / "bundle")
