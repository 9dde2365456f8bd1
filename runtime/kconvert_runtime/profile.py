"""Where the time of a model goes: by node and by Keras layer."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from kconvert_schemas.console import printable
from kconvert_schemas.dtypes import Array

from . import blas
from .execute import FAILURES, located
from .inputs import prepare
from .place import lent
from .plans import Shares
from .work import multiply_adds

if TYPE_CHECKING:
    from .model import Model
    from .steps import Plan, Step

ROUNDS = 9
BUSIEST = 20
"""Rows of each table that people are shown; JSON has them all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One call: `ops` done in it, the kernel chosen, seconds (median), gigaflops and gigabytes a second."""

    node: str
    layer: str
    ops: str
    kernel: str
    shape: list[int]
    seconds: float
    share: float
    gflops: float
    gbytes: float


@dataclass(frozen=True, slots=True)
class Share:
    """What the calls of one Keras layer take together, and the kernels that they are.

    What is done in one call with nodes of later layers counts for the layer of the first.
    """

    layer: str
    kernels: list[str]
    seconds: float
    share: float
    gflops: float
    gbytes: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What `measure` found. seconds: of all calls together. calls, layers: the slowest first.

    parts: how many rows of a batch the cores run at a time, each from the first layer to the last; only the first of
    these parts is timed, on one core. Empty where all rows are run at once.
    """

    rounds: int
    seconds: float
    parts: list[int]
    calls: list[Line]
    layers: list[Share]

    def lines(self, as_json: bool = False) -> Iterator[str]:
        """Yield the lines to print: tables, the slowest first, or JSON."""
        if as_json:
            yield json.dumps(asdict(self), indent=1)
            return
        yield f"{_time(self.seconds)} for {len(self.calls)} calls, median of {self.rounds} runs{self._rows()}"
        yield ""
        rows = [
            (_time(line.seconds), f"{line.share:.0%}", _rate(line), line.kernel, line.ops, str(tuple(line.shape)),
             printable(line.node)) for line in self.calls[:BUSIEST]
        ]  # fmt: skip
        yield from _table(("time", "share", "rate", "kernel", "ops", "result", "node"), rows)
        if len(self.calls) > BUSIEST:
            yield f"... and {len(self.calls) - BUSIEST} more"
        yield ""
        shares = [
            (_time(one.seconds), f"{one.share:.0%}", _rate(one), ", ".join(one.kernels), printable(one.layer) or "-")
            for one in self.layers[:BUSIEST]
        ]
        yield from _table(("time", "share", "rate", "kernels", "layer"), shares)
        if len(self.layers) > BUSIEST:
            yield f"... and {len(self.layers) - BUSIEST} more"

    def _rows(self) -> str:
        if not self.parts:
            return ""
        return f", on {self.parts[0]} of {sum(self.parts)} rows: each core runs so many at a time, through all layers"


def measure(model: Model, given: Sequence[Array], rounds: int = ROUNDS) -> Profile:
    """Run `model` on its inputs, timing every call; the first run, which makes the plan, does not count."""
    arrays = [prepare(port, array) for port, array in zip(model.graph.inputs.ports, given, strict=True)]
    plan, parts = model.way_for(arrays), []
    if isinstance(plan, Shares):
        parts = [rows.stop - rows.start for rows in plan.rows]
        arrays, plan = [array[plan.rows[0]] for array in arrays], plan.plans[0]
    found = [_Timed() for _ in plan.steps]
    for round_ in range(rounds + 1):
        _run(plan, arrays, found, keep=round_ > 0)
    total = sum(one.seconds for one in found)
    calls = [_line(step, one, total) for step, one in zip(plan.steps, found, strict=True)]
    by_layer: dict[str, list[Line]] = {}
    for line in calls:
        by_layer.setdefault(line.layer, []).append(line)
    layers = [_together(layer, lines) for layer, lines in by_layer.items()]
    calls.sort(key=lambda line: -line.seconds)
    layers.sort(key=lambda one: -one.seconds)
    return Profile(rounds, total, parts, calls, layers)


def _together(layer: str, lines: Sequence[Line]) -> Share:
    seconds = sum(line.seconds for line in lines)
    flops, moved = (sum(rate * line.seconds for rate, line in zip(rates, lines, strict=True)) / (seconds or 1)
                    for rates in ([line.gflops for line in lines], [line.gbytes for line in lines]))  # fmt: skip
    kernels = list(dict.fromkeys(line.kernel for line in lines))
    return Share(layer, kernels, seconds, sum(line.share for line in lines), flops, moved)


class _Timed:
    """The times of one step, and the shapes that it read and wrote."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.inputs: list[tuple[int, ...] | None] = []
        self.output: tuple[int, ...] = ()
        self.bytes = 0

    @property
    def seconds(self) -> float:
        return statistics.median(self.times)


def _run(plan: Plan, arrays: Sequence[Array], found: Sequence[_Timed], *, keep: bool) -> None:
    with lent(plan) as place, np.errstate(all="ignore"), blas.limited(plan.parallel):
        place.begin(arrays)
        for index, (step, one) in enumerate(zip(plan.steps, found, strict=True)):
            given = [None if i is None else place.slots[i] for i in step.inputs]
            start = perf_counter()
            try:
                results = place.run(index)
            except FAILURES as error:
                raise located(place, index, error) from error
            if keep:
                one.times.append(perf_counter() - start)
                one.inputs = [None if array is None else array.shape for array in given]
                one.output = next(array.shape for array in results if array is not None)
                one.bytes = sum(array.nbytes for array in (*given, *results) if array is not None)
        place.end()


def _line(step: Step, one: _Timed, total: float) -> Line:
    seconds = max(one.seconds, 1e-9)
    work = multiply_adds(step.node, one.inputs, one.output)
    ops = "+".join((step.node.op, *step.after))
    return Line(
        step.node.name, step.node.layer, ops, step.kernel, list(one.output), one.seconds,
        one.seconds / (total or 1), 2 * work / seconds / 1e9, one.bytes / seconds / 1e9,
    )  # fmt: skip


def _rate(line: Line | Share) -> str:
    return f"{line.gflops:.3g} GFLOP/s" if line.gflops else f"{line.gbytes:.3g} GB/s"


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
