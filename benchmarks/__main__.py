"""Measure, or write the page: `python -m benchmarks [speed|training|startup|growth|report]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import pages
from . import startup as startups
from .engines import ENGINES
from .growth import SERIES
from .networks import NETWORKS
from .results import Results
from .training import TASKS

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
    parser.add_argument(
        "what", nargs="?", default="speed", choices=["speed", "training", "startup", "growth", "report"]
    )
    parser.add_argument("--models", type=_words, default=list(NETWORKS), metavar="A,B", help=", ".join(NETWORKS))
    parser.add_argument("--batch", type=_words, default=["1", "32"], metavar="N,M", help="rows a call; default 1,32")
    parser.add_argument("--peers", type=_words, metavar="A,B", help=", ".join(list(ENGINES)[1:]),
                        default=[name for name in ENGINES if name not in ("kconvert", "plain", "xla")])  # fmt: skip
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
            measured = list(dict.fromkeys(["kconvert", *wanted]))
            found = _process("rounds", options.cache, network, batch, ",".join(measured), options.rounds)
            found = found or {name: {"failed": "the process was ended"} for name in measured}
            results.put("speed", key, {**known, **found})
            for name, one in found.items():
                print(f"  {_line(name, one)}", flush=True)


def training(options: argparse.Namespace, results: Results) -> None:
    """Measure a step of training beside Keras'."""
    for name in (name for name in TASKS if name in options.models):
        if options.again or results.get("training", name) is None:
            found = _process("training", options.cache, name, options.rounds)
            print(TASKS[name].title, found, flush=True)
            if found:
                results.put("training", name, found)


def _process(module: str, *arguments: object) -> Any:
    """Run a module of this package in a process of its own, and return what it writes; its errors, where it fails."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments), file.name]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        text = file.read()
    if done.returncode or not text:
        sys.stderr.write(done.stderr.decode(errors="replace")[-4000:])
        return None
    return json.loads(text)


def _line(name: str, one: dict[str, Any]) -> str:
    if "failed" in one:
        return f"{name:10} fails: {one['failed']}"
    error = "" if one["error"] is None else f"  error {one['error']:.1e}"
    ratio = "x {:7.2f}  ({:.2f} to {:.2f})".format(*one["ratio"]) if "ratio" in one else ""
    return f"{name:10} {one['ms']:10.3f} ms  {ratio}{error}"


def startup(options: argparse.Namespace, results: Results) -> None:
    """Measure whole processes."""
    commands = startups.imports()
    for network in ("mlp", "resnet50", "vgg16"):
        commands.update(startups.runs(options.cache, network) if network in options.models else {})
    for name, found in startups.measure(commands, options.rounds).items():
        results.put("startup", name, found)
        print(f"{name:45} {found['seconds']:7.3f} s  {found['megabytes']:6.0f} MB", flush=True)


def growth(options: argparse.Namespace, results: Results) -> None:
    """Measure how time grows with rows and steps."""
    for network in (name for name in SERIES if name in options.models):
        if options.again or results.get("growth", network) is None:
            found = _process("growth", options.cache, network, options.rounds)
            print(network, found, flush=True)
            if found:
                results.put("growth", network, found)


def report(options: argparse.Namespace, results: Results) -> None:
    """Write the page and its plot."""
    for path, text in pages.pages(Results(options.json or RESULTS).data).items():
        path.write_text(text)
        print(path.relative_to(ROOT))


def main(arguments: list[str]) -> int:
    """Run the command."""
    options = _options(arguments)
    results = Results(options.json)
    {"speed": speed, "training": training, "startup": startup, "growth": growth, "report": report}[options.what](
        options, results
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
