"""Every case gives what Keras gave when the golden files were written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import golden_files
from tests.cases import CASES
from tests.cases.spec import Case
from tests.compare import check_in_memory

ALL = [pytest.param(family, case, id=case.name) for family, cases in CASES.items() for case in cases]


def test_there_are_cases() -> None:
    assert ALL


@pytest.mark.parametrize("family", CASES)
def test_names_are_unique(family: str) -> None:
    slugs = [case.slug for case in CASES[family]]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize(("family", "case"), ALL)
def test_golden(family: str, case: Case, tmp_path: Path) -> None:
    file, expected = golden_files.read(case, family, tmp_path)
    check_in_memory(case, file, case.arrays(), expected)
