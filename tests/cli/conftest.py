"""Running the commands as people do: what they print, what they complain about, and how they end."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kconvert.cli import bundle, convert
from kconvert_runtime import cli

MAINS = {"krun": cli.main, "kconvert": convert.main, "kbundle": bundle.main}


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The error, which must be one paragraph without a traceback, and the only thing said."""
        assert self.code == 2, self
        assert "Traceback" not in self.err
        assert "internal error" not in self.err
        assert "\n\n" not in self.err
        assert self.err.count("error: ") == 1
        assert self.out == ""
        return self.err


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in an empty folder: run("krun", "out", "x.npy", stdin=b"...")."""
    monkeypatch.chdir(tmp_path)

    def start(program: str, *arguments: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = MAINS[program]([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return start
