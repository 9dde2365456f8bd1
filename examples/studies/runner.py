"""Steps in processes of their own, several at a time, with their progress shown."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from common import DataError

EXAMPLES = Path(__file__).parents[1]


@dataclass(frozen=True)
class Job:
    """A call of studies.step, and its name for people."""

    name: str
    arguments: Sequence[str]


def run_all(jobs: Sequence[Job], out: Path, at_once: int) -> None:
    """Run the jobs, `at_once` at a time, the cores shared between them; the first that fails ends them all."""
    threads = max(1, (os.cpu_count() or 1) // at_once)
    (out / "logs").mkdir(parents=True, exist_ok=True)
    running: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(at_once) as pool:
        futures = {pool.submit(_run, job, out, threads, running): job for job in jobs}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                print(f"[{done}/{len(jobs)}] {futures[future].name}: {future.result():.0f} s", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise


def _run(job: Job, out: Path, threads: int, running: list[subprocess.Popen[str]]) -> float:
    """Run one job, show its lines, and return its seconds; what it says on stderr goes to a file in `out`/logs."""
    start, log = time.monotonic(), out / "logs" / f"{job.name.replace(' ', '-')}.txt"
    command = [sys.executable, "-m", "studies.step", *job.arguments]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=EXAMPLES, env=_environment(threads), text=True, stdout=subprocess.PIPE, stderr=errors
        )
        running.append(process)
        for line in process.stdout or ():
            print(f"    {line.rstrip()}", flush=True)
        code = process.wait()
    if code:
        said = log.read_text(encoding="utf-8").strip().splitlines()
        raise DataError(f"{job.name} ended with code {code}: {said[-1] if said else 'no message'} (all of it: {log})")
    return time.monotonic() - start


def _environment(threads: int) -> dict[str, str]:
    """As many threads for TensorFlow and NumPy as the job may use, and none of TensorFlow's notes."""
    count = str(threads)
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": count,
            "TF_NUM_INTEROP_THREADS": count, "OPENBLAS_NUM_THREADS": count}  # fmt: skip
