"""Measure, or write the page: `python -m benchmarks [speed|startup|growth|report]`."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .engines import ENGINES
from .networks import NETWORKS
from .results import Results

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results.json"
EXAMPLES = """examples:
  python -m benchmarks --models cnn,resnet50 --peers tf          quick ratios, nothing kept
  python -m benchmarks --json benchmarks/results.json            all of it; run again to go on after an interruption
  python -m benchmarks report                                    docs/performance.md from benchmarks/results.json
"""


def _words(text: str) -> list[str]:
    return text.split(",")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("what", nargs="?", default="speed", choices=["speed", "startup", "growth", "report"])
    parser.add_argument("--models", type=_words, default=list(NETWORKS), metavar="A,B", help=", ".join(NETWORKS))
    parser.add_argument("--batch", type=_words, default=["1", "32"], metavar="N,M", help="rows a call; default 1,32")
    parser.add_argument("--peers", type=_words, metavar="A,B", help=", ".join(list(ENGINES)[1:]),
                        default=[name for name in ENGINES if name not in ("kconvert", "plain")])  # fmt: skip
    parser.add_argument("--rounds", type=int, default=15, help="turns of each engine; default 15")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep results there, and skip what it has")
    parser.add_argument("--again", action="store_true", help="measure also what FILE has")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "benchmarks", help="where model files are kept")
    options = parser.parse_args(arguments)
    for given, known in ((options.models, NETWORKS), (options.peers, ENGINES)):
        if unknown := [name for name in given if name not in known]:
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return options


def speed(options: argparse.Namespace, results: Results) -> None:
    """Measure every model and batch in a process of its own."""
    names = ["kconvert", *(peer for peer in options.peers if peer != "kconvert")]
    for network in options.models:
        for batch in options.batch:
            key = f"{network}/{batch}"
            known = results.get("speed", key) or {}
            wanted = names if options.again else [name for name in names if name not in known]
            if not wanted:
                continue
            print(f"{NETWORKS[network].title}, batch {batch}", flush=True)
            found = _process(options, network, batch, list(dict.fromkeys(["kconvert", *wanted])))
            results.put("speed", key, {**known, **found})
            for name, one in found.items():
                print(f"  {_line(name, one, found['kconvert'])}", flush=True)


def _process(options: argparse.Namespace, network: str, batch: str, names: list[str]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        command = [sys.executable, "-m", "benchmarks.rounds", options.cache, network, batch, ",".join(names),
                   options.rounds, file.name]  # fmt: skip
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        text = file.read()
    if done.returncode or not text:
        sys.stderr.write(done.stderr.decode(errors="replace")[-4000:])
        return {name: {"failed": f"the process ended with {done.returncode}"} for name in names}
    return json.loads(text)


def _line(name: str, one: dict[str, Any], ours: dict[str, Any]) -> str:
    if "failed" in one:
        return f"{name:10} fails: {one['failed']}"
    error = "" if one["error"] is None else f"  error {one['error']:.1e}"
    return f"{name:10} {one['ms']:10.3f} ms  {_ratio(one, ours)}{error}"


def _ratio(one: dict[str, Any], ours: dict[str, Any]) -> str:
    """Return how many times longer an engine takes than kconvert, the median of all rounds."""
    if "failed" in ours:
        return ""
    ratio = statistics.median(a / b for a, b in zip(one["times"], ours["times"], strict=False))
    return f"x {ratio:6.2f}"


def main(arguments: list[str]) -> int:
    """Run the command."""
    options = _options(arguments)
    results = Results(options.json)
    if options.what == "speed":
        speed(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
