"""The fixture that makes a package found without installing it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kconvert_schemas import opset
from tests.plugins.packages import write


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A function that writes a package into a folder of its own on sys.path; all is undone after the test."""
    modules = set(sys.modules)
    monkeypatch.setattr(opset, "_loaded", dict(opset._loaded))

    def add(name: str, entry_points: str, **options: Any) -> Path:
        folder = write(tmp_path / f"site-{name}", name, entry_points, **options)
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()
        return folder

    yield add
    for module in set(sys.modules) - modules:
        del sys.modules[module]
