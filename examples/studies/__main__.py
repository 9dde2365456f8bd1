"""Run the studies: python -m studies [--data DIR] [--quick], from the folder examples.

Train every network with Keras, convert it, run it with kconvert, compare, and write the report. Interrupted, the same
command goes on where it stopped. --report makes the report again from the stored results, without training.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from common import DataError, run

from . import report
from .results import read_json
from .runner import Job, run_all
from .settings import FULL, QUICK, Settings
from .step import STEPS, names, result_path

HERE = Path(__file__).parent


def main() -> None:
    arguments = parse()
    out = arguments.out or HERE / "out" / ("quick" if arguments.quick else "full")
    if not arguments.report:
        settings = QUICK if arguments.quick else FULL
        require_same(out, settings)
        train_all(arguments, out.resolve())
    if not (out / "results" / "run.json").is_file():
        raise DataError(f"{out} holds no results; --out names the folder of a run")
    report.write(out)
    print(f"{out / 'report.html'}\n{out / 'report.md'}")


def train_all(arguments: argparse.Namespace, out: Path) -> None:
    """Every step whose result is missing, each in a process of its own; times last, with the machine to themselves."""
    common = ["--out", str(out), *(["--quick"] if arguments.quick else [])]
    data = ["--data", str(arguments.data.resolve())] if arguments.data else []
    if not (out / "results" / "run.json").is_file():
        run_all([Job("data", ["data", *data, *common])], out, 1)
    missing = {kind: [name for name in names(kind) if not result_path(out, kind, name).is_file()] for kind in STEPS}
    for kinds in (("train", "twin"), ("memory",)):
        jobs = [Job(f"{kind} {name}", [kind, name, *common]) for kind in kinds for name in missing[kind]]
        run_all(jobs, out, arguments.jobs)
    if missing["time"]:
        run_all([Job("times", ["time", *missing["time"], *common])], out, 1)


def require_same(out: Path, settings: Settings) -> None:
    """Refuse to mix results of the quick and the full run, or of another version's settings."""
    path = out / "results" / "run.json"
    if path.is_file() and read_json(path)["settings"] != json.loads(json.dumps(asdict(settings))):
        raise DataError(f"{out} holds results of a run with other settings; choose another folder with --out")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m studies", description="Train, convert, run and compare the studies."
    )
    parser.add_argument("--data", type=Path, help="folder with cifar10/ and nusax/ (default: download both)")
    parser.add_argument("--out", type=Path, help="folder to work in (default: out/ beside this program)")
    parser.add_argument("--quick", action="store_true", help="few rows and epochs: minutes instead of half an hour")
    parser.add_argument("--report", action="store_true", help="only make the report, from the results in --out")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="trainings at a time")
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        parser.error(f"argument --jobs: must be at least 1, got {arguments.jobs}")
    return arguments


if __name__ == "__main__":
    try:
        run(main)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
