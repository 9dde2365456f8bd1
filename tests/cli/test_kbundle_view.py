"""`kbundle view`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.bundles import text_graph, write
from tests.cli.conftest import Run


def test_command(run: Run) -> None:
    bundle = write(Path("out"), text_graph())
    done = run("kbundle", "view", bundle, "-o", "model.html")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("model.html: ")
    written = Path("model.html").read_text(encoding="utf-8")
    assert run("kbundle", "view", bundle, "-o", "-").out == written
    assert "bagus" not in written  # vocabularies are described, not shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", "-o", "m.html"], "nothing"),
        (["out", "-o", "out"], "out"),
        (["out", "-o", "no/folder/m.html"], "cannot be written"),
        (["out"], "Missing option '-o'"),
    ],
)
def test_wrong_requests(arguments: list[str], message: str, run: Run) -> None:
    write(Path("out"), text_graph())
    done = run("kbundle", "view", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert not Path("m.html").exists()
