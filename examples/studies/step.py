"""One step of the studies in a process of its own: python -m studies.step KIND [NAME] --out DIR [--quick].

Each step writes its results to DIR/results; one that is there already is not made again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import run

from .results import machine, write_json
from .settings import FULL, QUICK, Settings
from .variants import TWINS, Network, Texts, networks


def prepare(out: Path, settings: Settings, data: Path | None) -> None:
    """The data, and the classes of the test sets."""
    from . import data as sets
    from .results import digits

    sets.prepare(data, out, settings)
    labels = {network.task: digits(sets.load(out, network, "test")[1]) for network in networks()}
    write_json(
        out / "results" / "run.json", {"quick": settings == QUICK, "settings": asdict(settings), "labels": labels}
    )


def train(network: Network, out: Path, settings: Settings) -> dict[str, Any]:
    """A network trained, converted and compared."""
    from .comparison import compare
    from .training import train

    return {**train(network, out, settings), **compare(network, out)}


def twin(network: Network, out: Path, settings: Settings) -> dict[str, Any]:
    """A network trained by Keras and by kconvert."""
    from .twins import train

    return train(network, out, settings)


def memory(network: Texts, out: Path, settings: Settings) -> dict[str, Any]:
    """What is left of a text in a recurrent network's state."""
    from .memory import fade

    return fade(network, out)


def timed(network: Network, out: Path, settings: Settings) -> dict[str, Any]:
    """The time of a sample."""
    from .timing import measure

    return measure(network, out, settings)


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"train": train, "twin": twin, "memory": memory, "time": timed}


def names(kind: str) -> list[str]:
    """The networks that a kind of step is made for."""
    if kind == "twin":
        return [network.name for network in TWINS]
    if kind == "memory":
        return ["lstm-64", "rnn-64"]
    return [network.name for network in networks()]


def result_path(out: Path, kind: str, name: str) -> Path:
    """The result's file: lstm-64.json for a training, KIND-lstm-64.json for anything else."""
    return out / "results" / (f"{name}.json" if kind == "train" else f"{kind}-{name}.json")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("data", *STEPS))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    settings = QUICK if arguments.quick else FULL
    if arguments.kind == "data":
        prepare(arguments.out, settings, arguments.data)
        return
    known = {network.name: network for network in (*networks(), *TWINS)}
    for name in arguments.names:
        path = result_path(arguments.out, arguments.kind, name)
        if not path.is_file():
            result = STEPS[arguments.kind](known[name], arguments.out, settings)
            write_json(path, {"network": asdict(known[name]), **result, "machine": machine()})


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run(main)
