"""A stream: a model in the middle of its sequences."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Port, Signature

from ..execute import execute
from ..inputs import flatten, prepare
from .analysis import analyse
from .flow import Along
from .program import split
from .state import check_state, read_state, write_state

if TYPE_CHECKING:
    from ..model import Model
    from ..plans import Optimize


class Stream:
    """A model that is given its sequences a few steps at a time; `Model.stream` makes one. One thread may use it.

    over: names of the inputs that come in steps. states: names of the states, which are those of the values of the
    graph that they come from. steps: how many steps have been given since the start.
    """

    def __init__(
        self,
        model: Model,
        given: Mapping[str, Any] | None = None,
        over: Sequence[str] | None = None,
        optimize: Optimize = True,
    ) -> None:
        streamed = analyse(model.graph, over)
        program = split(model.graph, streamed)
        self._model, self._program = model, program
        self._axes = {p.name: f.axis for p in program.moving if isinstance(f := streamed.flow(p.value), Along)}
        self._first = type(model)(program.start, model.weights, optimize=False, limits=model.limits)
        self._next = type(model)(program.step, model.weights, optimize=optimize, limits=model.limits)
        self._given = _still_inputs(program.still, given or {})
        names = [port.name for port in program.over]
        whole = not program.still
        self._signature = Signature(model.graph.inputs.structure if whole else names, program.over)
        self.over = streamed.over
        self.states = tuple(state.value for state in program.states)
        self.reset()

    def reset(self) -> None:
        """Begin anew: the next step is the first of other sequences."""
        self._state: list[Array] | None = None
        self._fixed: list[Array] | None = None
        self.steps = 0

    @property
    def ports(self) -> Sequence[Port]:
        """The inputs that come in steps."""
        return self._signature.ports

    def step(self, *inputs: Any) -> Any:
        """Run one time step: takes and returns what `feed` does, without the axis of time."""
        return self._build(self.named(*inputs))

    def named(self, *inputs: Any) -> dict[str, Array]:
        """Run one time step; returns arrays by output name."""
        values = flatten(self._signature, inputs)
        for port, value in zip(self._signature.ports, values, strict=True):
            if not np.ndim(value):
                raise InputError(
                    f"Input {show(port.name)} got one number; a step has one for each sequence of a batch."
                )
        found = self._run([np.expand_dims(np.asarray(value), 1) for value in values])
        return {name: y.take(0, self._axes[name]) if name in self._axes else y for name, y in found.items()}

    def feed(self, *inputs: Any) -> Any:
        """Run the next steps: arrays (batch, steps, ...) for the inputs that come in steps, as a model takes its own.

        Returns what a call of the model returns: outputs with an axis of time for these steps, others as they are
        after the last of them. Raises InputError for what does not fit; the state is then as it was.
        """
        return self._build(self._run(flatten(self._signature, inputs)))

    def get_state(self) -> dict[str, Array]:
        """Return copies of the states by name; none before the first step."""
        return dict(zip(self.states, map(np.array, self._state), strict=True)) if self._state else {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, which `get_state` returned, here or elsewhere; none: begin anew.

        Raises InputError for names, shapes and dtypes that are not those of this model.
        """
        arrays = check_state(self._program.states, state)
        self.reset()
        self._state = arrays or None

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the states to an .npz file, in one piece or not at all."""
        write_state(file, self._program.states, self.get_state())

    def load(self, file: str | os.PathLike[str]) -> None:
        """Go on from the states in an .npz file; InputError where they are not those of this model."""
        self.set_state(read_state(file, self._program.states))

    def _run(self, values: Sequence[Any]) -> dict[str, Array]:
        """Run a chunk; returns the outputs by name."""
        chunk = [prepare(port, value) for port, value in zip(self._signature.ports, values, strict=True)]
        count = _steps(self._signature.ports, chunk)
        state, fixed = self._state, self._fixed
        self._require_rows(chunk, state)
        if fixed is None:
            begun = self._begin(chunk)
            fixed = begun[len(self.states) :]
            state = begun[: len(self.states)] if state is None else state
        arrays = [*chunk, *(state or ()), *fixed]
        results = execute(self._next.plan_for(arrays), arrays)
        moving = len(self._program.moving)
        # copies, as an output may be the same array, which is the caller's to change
        self._state, self._fixed = [np.array(array) for array in results[moving:]], fixed
        self.steps += count
        found = dict(zip((port.value for port in self._program.fixed), fixed, strict=True))
        named = dict(zip((port.name for port in self._program.moving), results[:moving], strict=True))
        return {p.name: named[p.name] if p.name in named else found[p.value] for p in self._model.graph.outputs.ports}

    def _begin(self, chunk: Sequence[Array]) -> list[Array]:
        """Return the states at first and the values that no step changes."""
        arrays = [*chunk, *self._given]
        return execute(self._first.plan_for(arrays), arrays) if self._first.graph.outputs.ports else []

    def _require_rows(self, chunk: Sequence[Array], state: Sequence[Array] | None) -> None:
        pairs = zip(self._program.states, state or (), strict=False)
        rows = {array.shape[0] for one, array in pairs if one.type.shape[:1] == (None,)}
        given = {array.shape[0] for array in chunk}
        if len(rows | given) > 1:
            before = f"the stream is in the middle of {rows.pop()}" if rows else "all inputs must have the same number"
            raise InputError(
                f"The batch has {' and '.join(map(str, sorted(given)))} sequences, but {before}. "
                "Give a step of each, or call reset() first."
            )

    def _build(self, named: Mapping[str, Array]) -> Any:
        from ..model import structured

        return structured(self._model.graph.outputs.structure, named)


def _steps(ports: Sequence[Port], chunk: Sequence[Array]) -> int:
    """Return the number of steps of a chunk."""
    counts = {port.name: array.shape[1] for port, array in zip(ports, chunk, strict=True)}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{show(name)} has {count}" for name, count in counts.items())
        raise InputError(f"All inputs must have the same number of steps; {found}.")
    count = next(iter(counts.values()))
    if not count:
        raise InputError("There is no step in this chunk. Give at least one.")
    return count


def _still_inputs(ports: Sequence[Port], given: Mapping[str, Any]) -> list[Array]:
    """Return the arrays of the inputs that do not come in steps."""
    names = {port.name for port in ports}
    missing = [f"{show(port.name)} {port.type}" for port in ports if port.name not in given]
    strangers = [show(name) for name in given if name not in names]
    if missing or strangers:
        wrong = ([f"missing: {', '.join(missing)}"] if missing else []) + (
            [f"not among them: {', '.join(strangers)}"] if strangers else []
        )
        wanted = ", ".join(show(port.name) for port in ports) or "none"
        raise InputError(
            f"The inputs that do not come in steps are given as a dict when the stream is made. They are {wanted}; "
            f"{'; '.join(wrong)}."
        )
    return [prepare(port, given[port.name]) for port in ports]
