"""What Keras 3 writes when a file is named .h5: one case of each layer class."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import CASES
from tests.cases.spec import Case
from tests.compare import check_file

pytestmark = pytest.mark.oracle

FIRST = {
    case.name.partition("(")[0]: case
    for family in CASES.values()
    for case in family
    if "(" in case.name and case.name[0].isupper() and case.step is None
}


@pytest.mark.filterwarnings("ignore")  # Keras and TensorFlow warn about themselves, and about the format
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in FIRST.items()])
def test_hdf5(case: Case, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    from tests.keras_models import outputs_of, save_case

    file = tmp_path / "model.h5"
    try:
        expected = save_case(case, file)
        outputs_of(keras.models.load_model(file, compile=False), case)
    except Exception as error:
        pytest.skip(f"Keras does not read back its own file: {type(error).__name__}")
    check_file(case, file, case.arrays(), expected, tmp_path / "bundle")
