"""`python -m tests.hostile FOLDER`: convert each file of a folder within the limits, one after the other.

Writes a line of JSON for each: exit code, what was said, seconds of processor time, megabytes at most in use so far.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from pathlib import Path

from kconvert.cli.convert import main

MEMORY = 2 << 30


def convert(file: Path) -> dict[str, object]:
    said, before = io.StringIO(), time.process_time()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main([str(file), str(file.parent.parent / "out")])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"name": file.stem, "code": code, "said": said.getvalue(), "seconds": time.process_time() - before,
            "peak": peak}  # fmt: skip


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for path in sorted(Path(sys.argv[1]).iterdir()):
        print(json.dumps(convert(path)), flush=True)
