"""Steps of a plan that all cores run together: each does its parts of steps, or whole ones, one after the other.

A thread waits for another only where it reads or overwrites what that one has written, which the places in memory tell
that the calls of the steps work on. Handing each step over anew takes longer: a thread that has nothing to do falls
asleep. A step that is not shared is done by the thread that is expected to be done with it first, so that branches of a
network run side by side.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from .calls import Calls, Span, Taken
from .parallel import Job, held, shares, workers

Parts: TypeAlias = "Sequence[Sequence[Sequence[Taken]]]"
"""As in `Recording`: what is done one after the other, each by one thread or several."""

WAKING = 3e-5
"""Seconds until a thread goes on that has waited for another one."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one thread does of a step. index: of the step. lane: the number of the thread.

    waits, opens: locks that it acquires before and releases after it, each of which is another task's, too.
    """

    index: int
    lane: int
    calls: Calls
    waits: list[threading.Lock] = field(default_factory=list)
    opens: list[threading.Lock] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A task with what it touches, and when it is expected to be done.

    known: up to which task of each thread all is done by then, as far as this one has waited for it.
    """

    task: Task
    reads: Sequence[Span]
    writes: Sequence[Span]
    end: float
    known: Sequence[int]


class Schedule:
    """Lays out steps that follow each other for as many threads as share the work."""

    def __init__(self) -> None:
        count = workers()
        self._lanes: list[list[_Placed]] = [[] for _ in range(count)]
        self._known = [[-1] * count for _ in range(count)]
        self._tasks: list[Task] = []

    def lane_for(self, reads: Sequence[Span], writes: Sequence[Span]) -> int:
        """Return which thread is expected to be the first that can begin with a step, and so to be done with it."""
        latest = self._latest(reads, writes)
        return min(range(len(self._lanes)), key=lambda lane: self._begin(lane, latest))

    def add(self, index: int, parts: Parts, lane: int, seconds: float) -> None:
        """Add a step; what of it is done by one thread alone is done by number `lane`."""
        lengths = [max(map(len, lanes)) for lanes in parts]
        for lanes, length in zip(parts, lengths, strict=True):
            own = {lane if len(lanes) == 1 else i: taken for i, taken in enumerate(lanes) if taken}
            touched = {i: _touched(taken) for i, taken in own.items()}
            latest = {i: self._latest(*both) for i, both in touched.items()}
            for i, taken in own.items():
                begin = self._begin(i, latest[i])
                task = Task(index, i, [one.call for one in taken])
                self._wait(task, latest[i])
                self._known[i][i] = len(self._lanes[i])
                end = begin + seconds * length / sum(lengths)
                self._lanes[i].append(_Placed(task, *touched[i], end, tuple(self._known[i])))
                self._tasks.append(task)

    def section(self) -> Section | None:
        """Return the steps as a section; None where no two threads have anything to do."""
        return Section(self._tasks) if len({task.lane for task in self._tasks}) > 1 else None

    def _latest(self, reads: Sequence[Span], writes: Sequence[Span]) -> list[int]:
        """Return of each thread the last task that has to be done before one that touches these, if others know it not.

        That is one that it reads or overwrites what that one writes, or overwrites what it reads; -1 for none.
        """
        found = []
        for lane, placed in enumerate(self._lanes):
            done = min((known[lane] for i, known in enumerate(self._known) if i != lane), default=-1)
            both = [*reads, *writes]
            found.append(next((i for i in range(len(placed) - 1, done, -1)
                               if _meet(writes, placed[i].reads) or _meet(both, placed[i].writes)), -1))  # fmt: skip
        return found

    def _begin(self, lane: int, latest: Sequence[int]) -> float:
        """When a thread is expected to begin with what has to wait for the tasks `latest`."""
        own = self._lanes[lane]
        ends = [placed[last].end + WAKING for i, (placed, last) in enumerate(zip(self._lanes, latest, strict=True))
                if i != lane and last > self._known[lane][i]]  # fmt: skip
        return max([own[-1].end if own else 0.0, *ends])

    def _wait(self, task: Task, latest: Sequence[int]) -> None:
        """Let a task wait for the tasks `latest` of other threads, where its own has not done so before."""
        known = self._known[task.lane]
        others = [(i, self._lanes[i][last]) for i, last in enumerate(latest) if i != task.lane and last >= 0]
        for i, before in sorted(others, key=lambda one: -one[1].end):  # those that have waited for others come first
            if latest[i] > known[i]:
                lock = threading.Lock()
                lock.acquire()
                before.task.opens.append(lock)
                task.waits.append(lock)
                known[:] = map(max, known, before.known)


def known(parts: Parts) -> bool:
    """Whether it is known of all calls where they write."""
    return all(taken.writes is not None for lanes in parts for lane in lanes for taken in lane)


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
    """Runs tasks, each thread its own in their order. One run at a time.

    failed: the step that has raised an error.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.failed = 0
        self._error: BaseException | None = None
        self._lanes = [[task for task in tasks if task.lane == lane] for lane in range(workers())]

    def __call__(self) -> None:
        """Run all tasks; raises what a call raised."""
        if not shares():
            for task in self.tasks:
                self._do(task)
        else:
            jobs = {lane: Job(partial(self._run, tasks)) for lane, tasks in enumerate(self._lanes) if lane and tasks}
            with held():
                self._lead(jobs)
            for job in jobs.values():
                job.result()
        if self._error is not None:
            raise self._error

    def _lead(self, jobs: dict[int, Job[None]]) -> None:
        """Do the tasks of the first thread, and of those that have not begun when it would have to wait."""
        own, done = self._lanes[0], 0
        for task in own:
            if any(lock.locked() for lock in task.waits):
                break
            self._run((task,))
            done += 1
        taken = {lane for lane, job in jobs.items() if job.cancel()}
        for lane in taken:
            del jobs[lane]
        if not taken:
            self._run(own[done:])
            return
        before = set(map(id, own[:done]))
        self._run(task for task in self.tasks if task.lane in {0, *taken} and id(task) not in before)

    def _run(self, tasks: Iterable[Task]) -> None:
        """Do tasks, each when those are done that it waits for: after an error, too, so that none waits for ever."""
        for task in tasks:
            for lock in task.waits:
                lock.acquire()
            self._do(task)
            for lock in task.opens:
                lock.release()

    def _do(self, task: Task) -> None:
        """Make the calls of a task; after an error nothing more is done."""
        if self._error is not None:
            return
        try:
            for call in task.calls:
                call()
        except BaseException as error:  # raised again when all threads are done
            self.failed, self._error = task.index, error
