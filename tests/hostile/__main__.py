"""`python -m tests.hostile models|bundles FOLDER`: convert each file, or run each bundle, within the limits.

Writes a line of JSON for each: exit code, what was said, seconds of processor time, megabytes at most in use so far.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kconvert.cli.convert import main as kconvert
from kconvert_runtime.cli import main as krun

MEMORY = 2 << 30
LARGE = 1 << 20


def convert(file: Path) -> int:
    return kconvert([str(file), str(file.parent.parent / "out")])


def run(bundle: Path) -> int:
    graph = bundle / "graph.json"
    pictures = graph.stat().st_size < LARGE and b"8, 8, 1" in graph.read_bytes()
    return krun([str(bundle), str(bundle.parent.parent / ("image.npy" if pictures else "input.npy"))])


def outcome(program: Callable[[Path], int], path: Path) -> dict[str, object]:
    said, before = io.StringIO(), time.process_time()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = program(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"name": path.stem, "code": code, "said": said.getvalue(), "seconds": time.process_time() - before,
            "peak": peak}  # fmt: skip


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for path in sorted(Path(sys.argv[2]).iterdir()):
        print(json.dumps(outcome(convert if sys.argv[1] == "models" else run, path)), flush=True)
