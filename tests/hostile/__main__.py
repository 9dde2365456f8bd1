"""`python -m tests.hostile models|dry|bundles|requests FOLDER`: run a command on each entry, within the limits.

Writes a line of JSON for each: exit code, what was said, seconds of processor time, megabytes at most in use so far.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kconvert.cli.bundle import main as kbundle
from kconvert.cli.convert import main as kconvert
from kconvert_runtime.cli import main as krun
from tests.hostile.requests import REQUESTS

MEMORY = 2 << 30
LARGE = 1 << 20


def convert(file: Path) -> int:
    return kconvert([str(file), str(file.parent.parent / "out")])


def dry(file: Path) -> int:
    return kconvert([str(file), "--dry-run", "--json"])


def request(folder: Path) -> int:
    """Run the command of a request in its folder; nothing comes from stdin."""
    program, *arguments = REQUESTS[folder.name][1]
    os.chdir(folder)
    with Path(os.devnull).open() as nothing:
        sys.stdin = nothing
        return {"kconvert": kconvert, "krun": krun, "kbundle": kbundle}[program](arguments)


def run(bundle: Path) -> int:
    graph = bundle / "graph.json"
    pictures = graph.stat().st_size < LARGE and b"8, 8, 1" in graph.read_bytes()
    return krun([str(bundle), str(bundle.parent.parent / ("image.npy" if pictures else "input.npy"))])


COMMANDS: dict[str, Callable[[Path], int]] = {"models": convert, "dry": dry, "bundles": run, "requests": request}


def outcome(program: Callable[[Path], int], path: Path) -> dict[str, object]:
    said, written, before = io.StringIO(), io.StringIO(), time.process_time()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(written):
        code = program(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"name": path.name if path.is_dir() else path.stem, "code": code, "said": said.getvalue(),
            "written": written.getvalue()[:LARGE], "seconds": time.process_time() - before, "peak": peak}  # fmt: skip


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for path in sorted(Path(sys.argv[2]).resolve().iterdir()):
        print(json.dumps(outcome(COMMANDS[sys.argv[1]], path)), flush=True)
