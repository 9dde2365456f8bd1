"""What can be generated is generated, and fresh."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tests.helpers import needs_docstrings

ROOT = Path(__file__).parents[1]


@needs_docstrings
def test_generated_pages_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    pages = generate.pages()
    assert len(pages) >= 3
    for path, text in pages.items():
        assert path.read_text() == text, f"{path.name} is out of date: run python docs/generate.py"
