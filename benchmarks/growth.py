"""How the time of a call grows with the rows of a batch and with time steps, beside `tf.function`."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .engines import ENGINES
from .networks import NETWORKS
from .rounds import calls_in_turn, take_turns

BATCHES = (1, 4, 16, 64, 256)
STEPS = (25, 100, 400, 1600)
SERIES = {"cnn": "rows", "mobilenetv2": "rows", "bilstm": "steps", "gru": "steps"}
MOST = {"mobilenetv2": 64}


def measure(folder: Path, network: str, rounds: int) -> dict[str, Any]:
    """Return {"by": what grows, "sizes": [...], engine: milliseconds by size}."""
    found: dict[str, Any] = {"by": SERIES[network], "sizes": [], "kconvert": [], "tf": []}
    for size, x in _inputs(network):
        runs = {name: ENGINES[name][1](folder, network, x) for name in ("kconvert", "tf")}
        calls = {name: calls_in_turn(run, x) for name, run in runs.items()}
        times = take_turns(runs, x, calls, rounds)
        found["sizes"].append(size)
        for name, taken in times.items():
            found[name].append(statistics.median(taken) * 1e3)
    return found


def _inputs(network: str) -> Iterator[tuple[int, np.ndarray]]:
    one = NETWORKS[network]
    if SERIES[network] == "rows":
        for rows in BATCHES:
            if rows <= MOST.get(network, rows):
                yield rows, one.rows(rows)
        return
    for steps in STEPS:
        repeats = -(-steps // one.shape[0])
        yield steps, np.concatenate([one.rows(1, seed) for seed in range(repeats)], axis=1)[:, :steps]


if __name__ == "__main__":
    folder_, network_, rounds_, output = sys.argv[1:]
    Path(output).write_text(json.dumps(measure(Path(folder_), network_, int(rounds_))))
