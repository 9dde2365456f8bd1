"""What is imported when: importing the runtime costs nothing, loading a model what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kconvert_runtime

NEVER = ("tempfile", "concurrent.futures", "difflib", "click", "kconvert", "kconvert_runtime.train.fit")


def imported(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, numpy; before = set(sys.modules)\n{code}\n"
         "print(*sorted(set(sys.modules) - before))"], capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_the_runtime_imports_nothing_more() -> None:
    found = imported("import kconvert_runtime")
    assert {name for name in found if name.partition(".")[0] != "importlib"} == {"kconvert_runtime"}


def test_what_a_run_needs_comes_when_it_is_named() -> None:
    found = imported("from kconvert_runtime import load")
    assert "kconvert_runtime.model" in found
    assert not found.intersection(NEVER)


def test_all_names_are_there() -> None:
    for name in kconvert_runtime.__all__:
        assert getattr(kconvert_runtime, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        kconvert_runtime.lod  # noqa: B018
