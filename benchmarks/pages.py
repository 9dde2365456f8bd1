"""Results -> docs/performance.md and its plot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .engines import ENGINES
from .networks import NETWORKS
from .plot import dots
from .training import TASKS

DOCS = Path(__file__).parents[1] / "docs"
PEERS = [name for name in ENGINES if name not in ("kconvert", "plain", "xla")]
INTRODUCTION = """<!-- Written by `python -m benchmarks report` from benchmarks/results.json. -->
# Performance

Networks with random weights, float32, all engines with {threads} threads, in one process for each row of the tables, in
which the engines take turns; before each turn the threads of the last one come to rest. Times are medians over the
rounds. In brackets: how many times as long as kconvert an engine takes, the median of the ratios within the rounds;
above 1 kconvert is faster. The machine is a virtual one, whose host has other guests, which the ratios bear better than
the times. The error is that of kconvert's answer compared with Keras', relative to its largest magnitude.

Measured on: {machine}.
Where the environment variable `OPENBLAS_CORETYPE` asks for the kernels of an older processor, NumPy's matrix products
take up to twice as long on this one.

`python -m benchmarks --json FILE` measures, `python -m benchmarks report --json FILE` writes this page."""


def pages(data: Mapping[str, Any]) -> dict[Path, str]:
    """Return the page and the plot, by path."""
    speed = data.get("speed", {})
    machine = ", ".join(f"{name} {value}" for name, value in data.get("machine", {}).items())
    parts = [INTRODUCTION.format(machine=machine, threads=2), "", "![How many times as long](performance.svg)"]
    batches = sorted({key.partition("/")[2] for key in speed}, key=int)
    for batch in batches:
        parts += ["", f"## {batch} {'row' if batch == '1' else 'rows'} a call (ms)", "", *_speed(speed, batch)]
    parts += ["", *_training(data.get("training", {}))]
    parts += ["", *_startup(data.get("startup", {})), *_growth(data.get("growth", {}))]
    missing = [f"{one.title} ({batch})" for name, one in NETWORKS.items() for batch in batches
               if f"{name}/{batch}" not in speed]  # fmt: skip
    parts += [f"Not measured yet, by rows a call: {', '.join(missing)}."] if missing else []
    found = {batch: _ratios(speed, batch) for batch in batches}
    return {DOCS / "performance.md": "\n".join(parts).rstrip() + "\n", DOCS / "performance.svg": dots(found, _titles())}


def _titles() -> dict[str, str]:
    return {name: ENGINES[name][0].replace("`", "") for name in PEERS}


def _ratios(speed: Mapping[str, Any], batch: str) -> dict[str, dict[str, float]]:
    """Return ratios by the title of the network, then by engine."""
    return {
        one.title: {peer: row[peer]["ratio"][0] for peer in PEERS if "ratio" in row.get(peer, {})}
        for name, one in NETWORKS.items()
        if (row := speed.get(f"{name}/{batch}"))
    }


def _speed(speed: Mapping[str, Any], batch: str) -> Iterator[str]:
    notes: list[str] = []
    yield from _row(["network", "kconvert", *(ENGINES[peer][0] for peer in PEERS), "error"])
    yield from _row(["---"] * (len(PEERS) + 3))
    for name, one in NETWORKS.items():
        if row := speed.get(f"{name}/{batch}"):
            ours = row["kconvert"]
            error = "" if ours.get("error") is None else f"{ours['error']:.0e}"
            yield from _row([one.title, *(_cell(row.get(e), notes) for e in ("kconvert", *PEERS)), error])
    ratios = _ratios(speed, batch).values()
    means = [_mean([row[peer] for row in ratios if peer in row]) for peer in PEERS]
    yield from _row(["**geometric mean**", "", *means, ""])
    yield ""
    yield from (f"{number}. {note}" for number, note in enumerate(notes, 1))


def _row(cells: list[str]) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"


def _cell(one: Mapping[str, Any] | None, notes: list[str]) -> str:
    if one is None:
        return ""
    if "failed" in one:
        reason = str(one["failed"]).replace("|", "/")
        if reason not in notes:
            notes.append(reason)
        return f"fails ({notes.index(reason) + 1})"
    ratio = one.get("ratio", [1.0])[0]
    return _number(one["ms"]) + ("" if ratio == 1.0 else f" ({_number(ratio)})")


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}" if value >= 10 or value < 0.1 else f"{value:.2f}"


def _mean(ratios: list[float]) -> str:
    if not ratios:
        return ""
    return f"**{_number(math.exp(sum(map(math.log, ratios)) / len(ratios)))}** of {len(ratios)}"


def _training(found: Mapping[str, Any]) -> Iterator[str]:
    if not found:
        return
    yield "## One step of training (ms)"
    yield ""
    yield "Forward, loss, gradients and Adam beside Keras' `train_on_batch`; the loss is that of the third step."
    yield ""
    yield from _row(["network", "kconvert", "Keras", "loss", "Keras' loss"])
    yield from _row(["---"] * 5)
    for name, task in TASKS.items():
        if one := found.get(name):
            ours, keras = one["kconvert"], one["keras"]
            losses = (f"{engine['losses'][-1]:.5f}" for engine in (ours, keras))
            yield from _row([task.title, _number(ours["ms"]), _cell(keras, []), *losses])


def _startup(found: Mapping[str, Any]) -> Iterator[str]:
    if not found:
        return
    yield from ["## Whole processes", "", "From start to end, and the most memory held; the processes took turns.", ""]
    yield from _row(["process", "seconds", "MB"])
    yield from _row(["---"] * 3)
    for name, one in found.items():
        yield from _row([name, f"{one['seconds']:.3f}", f"{one['megabytes']:.0f}"])
    yield ""


def _growth(found: Mapping[str, Any]) -> Iterator[str]:
    if not found:
        return
    yield from ["## Growth (ms)", ""]
    for network, one in found.items():
        yield from _row([f"{NETWORKS[network].title}: {one['by']}", *map(str, one["sizes"])])
        yield from _row(["---"] * (len(one["sizes"]) + 1))
        yield from _row(["kconvert", *map(_number, one["kconvert"])])
        yield from _row(["`tf.function`", *map(_number, one["tf"])])
        yield ""
