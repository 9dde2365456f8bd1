"""Where a plan is run: its arrays, its values, and the calls that were taken down of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from .calls import CALLS, Calls, Recording, Span, Unfixed, at_once, span
from .memory import buffers_of, new
from .scratch import Workspace
from .section import Schedule, Section, known
from .steps import Plan

IDLE = 8
"""Places that a plan keeps for its next runs; more are made when more threads run it at once."""
READ, FILLED = 1 << 21, 1 << 17
"""Bytes up to which an input, or what a plain kernel returns, and an output are copied, so that what reads or fills
them always has the same arrays, and its calls can be taken down."""
VIEWS = {"reshape", "slice", "transpose"}
"""Ops whose results lie in the same place whenever their first input does, if they are no copies."""

_workspaces: set[Workspace] = set()
"""Those that no run uses at the moment."""


class Place:
    """One run at a time works here.

    slots: the values, those of `fixed` always the same arrays. calls: what to do for a step whose arrays are all fixed;
    None for a step whose kernel is called in each run. schedule: steps, with what to do for them and those that follow
    up to the next one, or None as in `calls`.
    """

    __slots__ = (
        "_count",
        "_given",
        "_joins",
        "_leaving",
        "_open",
        "arrays",
        "calls",
        "fixed",
        "frees",
        "fresh",
        "plan",
        "schedule",
        "slots",
        "workspace",
    )  # fmt: skip

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        self.plan, self.workspace = plan, workspace
        self.slots: list[Any] = [None] * plan.slots
        for slot, array in plan.constants.items():
            self.slots[slot] = array
        self.arrays = buffers_of(plan.memory)
        self._leaving: list[Array] = []
        for index, (type_, buffer) in enumerate(plan.memory.arrays):
            if buffer is None and (array := new(type_)).nbytes <= FILLED:
                self.arrays[index] = array
                self._leaving.append(array)
        self.fixed: set[int] = set(plan.constants)
        self.calls: list[Calls | None] = [None] * len(plan.steps)
        self.frees: list[Sequence[int]] = [step.frees for step in plan.steps]
        self.schedule: list[tuple[int, Sequence[Callable[[], object]] | None]] = list(enumerate(self.calls))
        self._joins: dict[int, Schedule] = {}
        self._open: Schedule | None = None
        self.fresh = bool(plan.memory.arrays)
        self._given: list[Array | None] = [None] * len(plan.inputs)
        self._count = 0

    def begin(self, inputs: Sequence[Array]) -> None:
        """Take the inputs of a run."""
        if self.fresh:
            for i, (slot, array) in enumerate(zip(self.plan.inputs, inputs, strict=True)):
                if array.nbytes <= READ and array.dtype != object:
                    self.slots[slot] = self._given[i] = np.empty(array.shape, array.dtype)
                    self.fixed.add(slot)
        for slot, array, kept in zip(self.plan.inputs, inputs, self._given, strict=True):
            if kept is None:
                self.slots[slot] = array
            else:
                kept[...] = array

    def end(self) -> list[Array]:
        """Return the outputs of a run, and let go of what is not kept for the next one."""
        outputs = [self._own(slot) for slot in self.plan.outputs]
        for slot in (*self.plan.inputs, *self.plan.outputs):
            if slot not in self.fixed:
                self.slots[slot] = None
        if self.fresh:
            self.fresh = False
            self.frees = [[slot for slot in slots if slot not in self.fixed] for slots in self.frees]
            self.schedule = list(self._scheduled()) if self.plan.cores > 1 else list(enumerate(self.calls))
            self._joins.clear()
        return outputs

    def _own(self, slot: int) -> Array:
        array = np.asarray(self.slots[slot])
        if slot in self.fixed or any(np.may_share_memory(array, one) for one in self._leaving):
            return array.copy()
        return array

    def run(self, index: int) -> Sequence[Array | None]:
        """Do one step; returns its results, None for one that nobody reads."""
        step, slots = self.plan.steps[index], self.slots
        calls = self.calls[index]
        if calls is None and self.fresh:
            calls = self._taken_down(index)
            if calls is None:
                self._open = None
            else:
                self.calls[index] = calls
                self.fixed.update(step.outputs)
        if calls is not None:
            for call in calls:
                call()
            return [slots[slot] for slot in step.outputs]
        arguments = [None if i is None else slots[i] for i in step.inputs]
        if step.fills:
            results: Sequence[Array | None] = [None if i is None else self._array(i) for i in step.fills]
            step.call(at_once, *results, *arguments)
            self.fixed.update(slot for slot, i in zip(step.outputs, step.fills, strict=True)
                              if i is not None and self.arrays[i] is not None)  # fmt: skip
        else:
            result = step.call(*arguments)
            results = result if isinstance(result, tuple) else [self._landed(index, result)]
        for slot, array in zip(step.outputs, results, strict=True):
            slots[slot] = array
        for slot in self.frees[index]:
            if slot not in self.fixed:
                slots[slot] = None
        return results

    def _landed(self, index: int, result: Array) -> Array:
        """Return a copy, at the same place in every run, of what a plain kernel gives, if that is small."""
        step = self.plan.steps[index]
        slot = step.outputs[0]
        if self.fresh and step.gives is not None and result.nbytes <= READ and result.dtype != object:
            self.fixed.add(slot)
            return np.array(result, order="C")
        if slot not in self.fixed:
            return result
        kept: Array = self.slots[slot]
        kept[...] = result
        return kept

    def _array(self, index: int) -> Array:
        array = self.arrays[index]
        return new(self.plan.memory.arrays[index][0]) if array is None else array

    def _taken_down(self, index: int) -> Calls | None:
        """Return the calls of a step, its results put in their slots; None where they cannot be taken down."""
        step = self.plan.steps[index]
        if any(i is not None and i not in self.fixed for i in step.inputs) or self._count > CALLS:
            return None
        arguments = [None if i is None else self.slots[i] for i in step.inputs]
        if not step.fills:
            return self._view(index, arguments) if step.node.op in VIEWS else None
        arrays = [None if i is None else self.arrays[i] for i in step.fills]
        if any(i is not None and self.arrays[i] is None for i in step.fills):
            return None
        schedule = (self._open or Schedule()) if self.plan.cores > 1 else None
        lane = None if schedule is None else schedule.lane_for(_spans(arguments), _spans(arrays))
        recording = Recording(self.workspace, lane)
        try:
            step.call(recording, *arrays, *arguments)
        except Unfixed:
            return None
        self._count += recording.count
        self._open = None
        if schedule is not None and lane is not None and known(recording.parts):
            schedule.add(index, recording.parts, lane, step.seconds)
            self._joins[index] = self._open = schedule
        for slot, array in zip(step.outputs, arrays, strict=True):
            self.slots[slot] = array
        return recording.calls

    def _scheduled(self) -> Iterator[tuple[int, Sequence[Callable[[], object]] | None]]:
        """Steps with what to do for them: as many together as can be, where cores share the work."""
        for joined, steps in groupby(range(len(self.calls)), key=lambda i: i in self._joins or self.calls[i] == []):
            found = list(steps)
            schedule = next((self._joins[i] for i in found if i in self._joins), None) if joined else None
            section = schedule.section() if schedule is not None else None
            if section is not None:
                yield found[0], [section]
            else:
                yield from ((i, self.calls[i]) for i in found)

    def failed(self, index: int) -> int:
        """Return which step has failed: that of the schedule with this index, or one of those that follow it."""
        calls = dict(self.schedule)[index]
        return calls[0].failed if calls and isinstance(calls[0], Section) else index

    def _view(self, index: int, arguments: Sequence[Any]) -> Calls | None:
        step = self.plan.steps[index]
        result = step.call(*arguments)
        if not np.may_share_memory(result, arguments[0]):
            return None
        self.slots[step.outputs[0]] = result
        return []


def _spans(arrays: Iterable[Array | None]) -> list[Span]:
    return [span(array) for array in arrays if array is not None and array.size]


class lent:  # noqa: N801  (used like a function; as one, it would take three times as long)
    """A context with a place to run a plan at, which no other run uses."""

    __slots__ = ("_place", "_plan")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __enter__(self) -> Place:
        self._place = _idle(self._plan) or Place(self._plan, _workspace())
        return self._place

    def __exit__(self, error: object, *_: object) -> None:
        """Keep the place for another run, if this one ended well."""
        idle = self._plan.idle
        if error is None and self._plan.memory.arrays and len(idle) < IDLE:
            idle[self._place.workspace] = self._place
        _workspaces.add(self._place.workspace)


def _idle(plan: Plan) -> Place | None:
    """Return a place of the plan that no run works at, if no run of another plan uses its workspace either."""
    for workspace in tuple(plan.idle):
        try:
            _workspaces.remove(workspace)
        except KeyError:
            continue
        place = plan.idle.pop(workspace, None)
        if place is not None:
            return place
        _workspaces.add(workspace)
    return None


def _workspace() -> Workspace:
    try:
        return _workspaces.pop()
    except KeyError:
        return Workspace()
