"""Paired rounds: the engines take turns, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .artifacts import Unavailable
from .engines import ENGINES, Run
from .networks import NETWORKS

BLOCK = 0.05
"""Seconds that one turn of an engine should take: as many calls as fit, at least one."""
PAUSE = 0.13
"""Seconds between two turns. Threads that wait for work spin for a while (NumPy's OpenBLAS' for about 100 ms):
without a pause they would take a core from the engine that comes next."""
PATIENCE = 20.0
"""Seconds that one call may take to be repeated at all."""
SLOW = 3
"""Rounds for engines of which one call takes more than a second."""


def measure(folder: Path, network: str, batch: int, names: list[str], rounds: int) -> dict[str, Any]:
    """Return, by engine, {"ms", "ratio", "error"} or {"failed": reason}.

    ratio: how many times as long as the first engine's a call takes: median and quartiles over the rounds. error: the
    largest difference from Keras' answer (the first engine's where Keras is not measured), relative to the largest
    magnitude of the answer.
    """
    x = NETWORKS[network].rows(batch)
    runs: dict[str, Run] = {}
    found: dict[str, Any] = {}
    answers: dict[str, np.ndarray] = {}
    calls: dict[str, int] = {}
    for name in names:
        try:
            runs[name] = ENGINES[name][1](folder, network, x)
            answers[name] = _first(runs[name], x)
            calls[name] = calls_in_turn(runs[name], x)
        except Exception as error:
            runs.pop(name, None)
            found[name] = {"failed": _reason(error).replace(f"{folder}/", "")}
    times = take_turns(runs, x, calls, rounds)
    expected = next((answers[name] for name in ("tf", "predict", *names) if name in times), None)
    for name, taken in times.items():
        found[name] = {"ms": statistics.median(taken) * 1e3, "error": _error(answers[name], expected)}
        if names[0] in times:
            found[name]["ratio"] = quartiles([a / b for a, b in zip(taken, times[names[0]], strict=False)])
    return found


def quartiles(ratios: list[float]) -> list[float]:
    """Return the median and both quartiles."""
    low, median, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    return [float(median), float(low), float(high)]


def _first(run: Run, x: np.ndarray) -> np.ndarray:
    """Return the answer; Unavailable where one row says that all of them would take too long."""
    if len(x) > 1:
        try:
            run(x[:1])  # the first call may compile and plan
            start = time.perf_counter()
            run(x[:1])
        except Exception:  # it was made for this number of rows
            return np.array(run(x))
        seconds = (time.perf_counter() - start) * len(x)
        if seconds > PATIENCE * 4:
            raise Unavailable(f"one call would take about {seconds:.0f} s")
    return np.array(run(x))


def calls_in_turn(run: Run, x: np.ndarray) -> int:
    """Return how many calls one turn takes; Unavailable where a call takes too long to be repeated."""
    run(x)  # the first call may compile and plan
    start = time.perf_counter()
    run(x)
    seconds = time.perf_counter() - start
    if seconds > PATIENCE:
        raise Unavailable(f"one call takes {seconds:.0f} s")
    return max(int(BLOCK / max(seconds, 1e-6)), 1)


def take_turns(runs: Mapping[str, Run], x: np.ndarray, calls: Mapping[str, int], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of one call of each engine in each round: the median within its turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(rounds):
        for name, run in runs.items():
            slow = bool(times[name]) and times[name][0] > 1.0
            if slow and round_ >= SLOW:
                continue
            time.sleep(PAUSE)
            if not slow:
                run(x)  # the caches are another engine's
            times[name].append(_turn(run, x, calls[name]))
    return times


def _turn(run: Run, x: np.ndarray, calls: int) -> float:
    taken = []
    for _ in range(calls):
        start = time.perf_counter()
        run(x)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _error(found: np.ndarray, expected: np.ndarray | None) -> float | None:
    if expected is None or found.shape != expected.shape:
        return None
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = (lines or [type(error).__name__])[0][:200]
    return text if isinstance(error, Unavailable) else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    folder_, network_, batch_, names_, rounds_, output = sys.argv[1:]
    Path(output).write_text(json.dumps(measure(Path(folder_), network_, int(batch_), names_.split(","), int(rounds_))))
