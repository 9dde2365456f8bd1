"""The plans of one model, each for inputs of some shapes; and how the rows of a batch are shared by the cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import Literal, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph

from . import blas
from .parallel import for_each, workers
from .passes import Program
from .passes import optimize as optimized
from .plan import plan
from .steps import Plan
from .tuned.choice import Seconds, estimated
from .tuned.costs import HANDOFF
from .tuned.site import Kept
from .tuned.specialise import Draft, draft

Optimize: TypeAlias = 'bool | Literal["measure"]'
Shapes: TypeAlias = "tuple[tuple[int, ...], ...]"
Run: TypeAlias = Callable[[Plan, Sequence[Array]], "list[Array]"]

PLANS = 8
"""Plans that are kept, each for other shapes of the inputs."""
_changing = Lock()
BESIDE = 1.05
"""How much longer a core takes for its rows while others run theirs."""
WAITING = 2e-5
"""Seconds that a core waits in each step for the interpreter's lock while others run the same steps."""
ROWS = 8
"""Rows of a batch that one core runs at a time, if there are many: their values stay closer to it."""
SMALLER, SHORT = 1.03, 1e-3
"""How much longer such parts may be expected to take than large ones, and seconds that each has to take at least."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Rows of a batch that are run apart, each part by one core, from the first layer to the last: a plan for each."""

    rows: tuple[slice, ...]
    plans: tuple[Plan, ...]

    def largest(self, shapes: Sequence[tuple[int, ...]]) -> Shapes:
        """Return the shapes of the inputs of the largest part, of inputs of these shapes."""
        return _of_rows(shapes, max(cut.stop - cut.start for cut in self.rows))

    def run(self, run: Run, arrays: Sequence[Array]) -> list[Array]:
        """Run every plan on its rows with `run`; returns the outputs of all rows."""
        parts: list[list[Array]] = [[] for _ in self.rows]

        def one(index: int) -> None:
            parts[index] = run(self.plans[index], [array[self.rows[index]] for array in arrays])

        with blas.single_threaded():
            for_each(one, range(len(parts)))
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Rows that may be run apart, how the largest part of them is run, and the seconds until all are done."""

    rows: tuple[slice, ...]
    draft: Draft
    seconds: float


def _of_rows(shapes: Sequence[tuple[int, ...]], rows: int) -> Shapes:
    return tuple((rows, *shape[1:]) for shape in shapes)


class Plans:
    """Makes plans for a graph when they are first asked for, and keeps the last ones. Threads can share it."""

    def __init__(self, graph: Graph, weights: Mapping[str, Array], optimize: Optimize) -> None:
        if optimize not in (True, False, "measure"):
            raise ValueError(f"optimize is True, False or 'measure', not {optimize!r}.")
        self._graph, self._weights, self._optimize = graph, weights, optimize
        self._kept: dict[Shapes, Plan | Shares] = {}
        self._arrays: Kept = {}

    def get(self, shapes: Shapes) -> Plan | Shares:
        """Return how inputs of these shapes are run."""
        if not self._optimize:
            return self._plain
        found = self._kept.get(shapes)
        if found is None:
            found = self._make(shapes)
            with _changing:
                while len(self._kept) >= PLANS:
                    del self._kept[next(iter(self._kept))]
                self._kept[shapes] = found
        return found

    def whole(self, shapes: Shapes) -> Plan:
        """Return a plan that runs all rows at once."""
        found = self.get(shapes)
        if isinstance(found, Plan):
            return found
        drafted = self._draft(shapes)
        return drafted.build() if drafted else self._plain

    def _make(self, shapes: Shapes) -> Plan | Shares:
        drafted = self._draft(shapes)
        if drafted is None:
            return self._plain
        return self._shared(drafted, shapes) or drafted.build()

    def _shared(self, drafted: Draft, shapes: Shapes) -> Shares | None:
        """Return how the cores share the rows; None where that is not expected to be faster, or rows are not apart."""
        rows, cores = {shape[0] if shape else 0 for shape in shapes}, workers()
        if cores < 2 or len(rows) != 1 or drafted.seconds is None:
            return None
        (count,) = rows
        if count < cores:
            return None
        best = self._parts(shapes, count, cores)
        if best is not None and count >= 2 * ROWS * cores:
            small = self._parts(shapes, count, count // (ROWS * cores) * cores)
            if small and (small.draft.seconds or 0.0) > SHORT and small.seconds < SMALLER * best.seconds:
                best = small
        if best is None or best.seconds + HANDOFF >= drafted.seconds or not self._apart:
            return None
        sizes = {cut.stop - cut.start for cut in best.rows}
        made = {max(sizes): best.draft.build()}
        for size in sizes - made.keys():
            other = self._draft(_of_rows(shapes, size), alone=True)
            made[size] = other.build() if other else self._plain
        return Shares(best.rows, tuple(made[cut.stop - cut.start] for cut in best.rows))

    def _parts(self, shapes: Shapes, count: int, number: int) -> _Parts | None:
        """Cut so many rows into parts; None where it is not known how long they take."""
        bounds = [count * i // number for i in range(number + 1)]
        cuts = tuple(slice(start, stop) for start, stop in pairwise(bounds))
        draft = self._draft(_of_rows(shapes, max(cut.stop - cut.start for cut in cuts)), alone=True)
        if draft is None or draft.seconds is None:
            return None
        one = BESIDE * draft.seconds + WAITING * draft.steps
        return _Parts(cuts, draft, one * number / workers())

    def _draft(self, shapes: Shapes, alone: bool = False) -> Draft | None:
        program = self._program
        return draft(program.graph, program.weights, shapes, self._seconds, alone=alone, kept=self._arrays)

    @cached_property
    def _plain(self) -> Plan:
        return plan(self._graph, self._weights, [port.value for port in self._graph.outputs.ports])

    @cached_property
    def _program(self) -> Program:
        return optimized(Program(self._graph, self._weights))

    @cached_property
    def _apart(self) -> bool:
        from .stream.analysis import rows_apart  # only now: most runs have one row

        return rows_apart(self._program.graph)

    @cached_property
    def _seconds(self) -> Seconds:
        if self._optimize != "measure":
            return estimated
        from .tuned.measure import Measured

        return Measured()
