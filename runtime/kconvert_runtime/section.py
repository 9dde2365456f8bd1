"""Steps of a plan that all cores run together: each does its part of one step after the other.

They meet only where one reads or overwrites what another has written, which the places in memory tell that the calls
of the steps work on. Handing each step over anew takes longer: a thread that has nothing to do falls asleep.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TypeAlias

from .calls import Calls, Span, Taken
from .parallel import Job, held, shares, workers

Parts: TypeAlias = "Sequence[Sequence[Sequence[Taken]]]"
"""As in `Recording`: what is done one after the other, each by one thread or several."""
Task: TypeAlias = "tuple[int, Calls]"
"""A step, and calls of it that one thread makes."""


def together(steps: Iterable[tuple[int, Parts]]) -> Section | None:
    """Return the steps, given with their indices, as one section; None where no two threads have anything to do."""
    phases = [_Phase()]
    for index, parts in steps:
        for lanes in parts:
            if phases[-1].conflicts(lanes):
                phases.append(_Phase())
            phases[-1].add(index, lanes)
    if not any(sum(map(bool, phase.tasks)) > 1 for phase in phases):
        return None
    return Section([phase.tasks for phase in phases])


def known(parts: Parts) -> bool:
    """Whether it is known of all calls where they write."""
    return all(taken.writes is not None for lanes in parts for lane in lanes for taken in lane)


class _Phase:
    """What is done between two meetings, and where each thread reads and writes meanwhile."""

    def __init__(self) -> None:
        self.tasks: list[list[Task]] = [[] for _ in range(workers())]
        self._reads: list[list[Span]] = [[] for _ in self.tasks]
        self._writes: list[list[Span]] = [[] for _ in self.tasks]

    def conflicts(self, lanes: Sequence[Sequence[Taken]]) -> bool:
        """Whether a thread would read or overwrite what another one writes, or overwrite what another reads."""
        for i, lane in enumerate(lanes):
            reads, writes = _touched(lane)
            for j in range(len(self.tasks)):
                if i != j and (_meet(writes, self._reads[j]) or _meet(reads + writes, self._writes[j])):
                    return True
        return False

    def add(self, index: int, lanes: Sequence[Sequence[Taken]]) -> None:
        """Let each thread go on with its part of a step."""
        for i, lane in enumerate(lanes):
            reads, writes = _touched(lane)
            self._reads[i] = _merged([*self._reads[i], *reads])
            self._writes[i] = _merged([*self._writes[i], *writes])
            self.tasks[i].append((index, [taken.call for taken in lane]))


def _touched(lane: Sequence[Taken]) -> tuple[list[Span], list[Span]]:
    reads = [span for taken in lane for span in taken.reads]
    return _merged(reads), _merged([span for taken in lane for span in taken.writes or ()])


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans as few as cover the same bytes, in order."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def _meet(some: Sequence[Span], others: Sequence[Span]) -> bool:
    return any(low < end and start < high for low, high in some for start, end in others)


class Section:
    """Runs phases, each a list of tasks for each thread. One run at a time.

    failed: the step that has raised an error.
    """

    def __init__(self, phases: Sequence[Sequence[Sequence[Task]]]) -> None:
        self.phases = phases
        self.failed = 0
        self._error: BaseException | None = None
        count = len(phases[0])
        self._gates = [[[_closed() for _ in range(count)] for _ in range(count)] for _ in phases[1:]]
        """For each meeting, by the threads: what the first opens when it is there, and the second waits for."""

    def __call__(self) -> None:
        """Run all phases; raises what a call raised."""
        if not shares():
            for phase in self.phases:
                for tasks in phase:
                    self._do(tasks)
        else:
            others = range(1, len(self.phases[0]))
            jobs = {lane: Job(partial(self._run, [lane], {})) for lane in others}
            with held():
                self._run([0], jobs)
            for job in jobs.values():
                job.result()
        if self._error is not None:
            raise self._error

    def _run(self, own: list[int], jobs: dict[int, Job[None]]) -> None:
        """Do the tasks of the threads `own`, and of those whose jobs have not begun by the end of the first phase."""
        for i, phase in enumerate(self.phases):
            for lane in own:
                self._do(phase[lane])
            if i == 0:
                for lane in [lane for lane, job in jobs.items() if job.cancel()]:
                    del jobs[lane]
                    own.append(lane)
                    self._do(phase[lane])
            if i < len(self._gates):
                gates, others = self._gates[i], [lane for lane in range(len(phase)) if lane not in own]
                for lane in own:
                    for other in others:
                        gates[lane][other].release()
                for lane in own:
                    for other in others:
                        gates[other][lane].acquire()

    def _do(self, tasks: Sequence[Task]) -> None:
        """Do tasks; after an error nothing more is done, but all threads still meet, so that none waits for ever."""
        for index, calls in tasks:
            if self._error is not None:
                return
            try:
                for call in calls:
                    call()
            except BaseException as error:  # raised again when all threads are done
                self.failed, self._error = index, error


def _closed() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
