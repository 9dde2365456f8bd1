"""A loaded model: what users call."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kconvert_schemas.bundle import read_bundle
from kconvert_schemas.dims import Shape
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Graph, Signature
from kconvert_schemas.limits import DEFAULT, BundleLimits, current, in_force

from .execute import execute
from .inputs import flatten, prepare
from .passes import Program
from .passes import optimize as optimized
from .plan import plan
from .sizes import TooMuch, check_run
from .steps import Plan
from .tuned.specialise import specialise

PLANS = 8
"""Plans that are kept, each for other shapes of the inputs."""

FITTING = 64
"""Shapes of inputs that are remembered as fitting into memory."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output of a model: name, shape (None where any size fits) and dtype."""

    name: str
    shape: Shape
    dtype: str


def load(
    bundle: str | os.PathLike[str], *, optimize: bool = True, verify: bool = False, limits: BundleLimits | None = None
) -> Model:
    """Load the bundle in folder `bundle`.

    optimize: False runs the graph as written, node by node, for comparison. verify: read all weights now and compare
    them with their checksum. limits: what loading may cost, instead of `kconvert_schemas.limits.DEFAULT`.
    Raises BundleNotFound, BundleError or GraphError. Weights are mapped, not read, until they are used.
    """
    with in_force(limits or current()):
        graph, weights = read_bundle(bundle, verify=verify)
    return Model(graph, weights, optimize=optimize, limits=limits)


class Model:
    """A graph with its weights, ready to run. Calls do not change it, so threads can share one model."""

    def __init__(
        self, graph: Graph, weights: Mapping[str, Array], *, optimize: bool = True, limits: BundleLimits | None = None
    ) -> None:
        self.graph = graph
        self.limits = limits or current()
        self.weights = weights
        self._optimize = optimize
        self._fitting: set[tuple[tuple[int, ...], ...]] = set()
        self._plans: dict[tuple[tuple[int, ...], ...], Plan] = {}

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The inputs, in the order in which a call takes them."""
        return _values(self.graph.inputs)

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The outputs, in the order in which Keras flattens them."""
        return _values(self.graph.outputs)

    @property
    def layers(self) -> tuple[str, ...]:
        """Paths of the Keras layers, each of which can be a tap."""
        return tuple(self.graph.layers)

    def __call__(self, *inputs: Any, taps: Sequence[str] | None = None) -> Any:
        """Run the model on whole arrays.

        inputs: one array for each input, or one list, or one dict by input name. Returns what the Keras
        model returns: an array, a list, or a dict. With `taps` (layer paths) returns a pair: that, and a
        dict with the output of each tapped layer (a list, where a layer has several outputs or calls).
        Raises InputError for inputs that do not fit.
        """
        arrays = self._prepare(inputs)
        if taps is None:
            return self._structured(self._execute(arrays))
        values = {tap: self._tapped(tap) for tap in taps}
        wanted = [port.value for port in self.graph.outputs.ports]
        extra = [value for names in values.values() for value in names]
        self._check_run([array.shape for array in arrays], [*wanted, *extra])
        results = self._run(plan(self.graph, self.weights, [*wanted, *extra]), arrays)
        rest = iter(results[len(wanted) :])
        found = {tap: [next(rest) for _ in names] for tap, names in values.items()}
        return self._structured(results[: len(wanted)]), {t: a[0] if len(a) == 1 else a for t, a in found.items()}

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Array]:
        """Run the model on arrays by input name; returns arrays by output name."""
        return self._named(self._execute(self._prepare((feeds,))))

    def predict(self, *inputs: Any, batch_size: int = 32, progress: bool | Progress = False) -> Any:
        """Run the model on long inputs, `batch_size` rows at a time; returns what a call on all rows returns.

        Inputs may be memory-mapped: only one batch is read at a time. Batches are smaller where the limits on memory
        or time ask for it. `progress` prints a counter to
        stderr, or is called with (rows done, rows).
        """
        arrays = self._prepare(inputs)
        report = progress if callable(progress) else (_print_progress if progress else None)
        parts: list[list[Array]] = []
        rows = _rows(arrays, batch_size)
        start = 0
        while not parts or start < rows:
            stop = min(start + batch_size, rows)
            try:
                parts.append(self._execute([array[start:stop] for array in arrays]))
            except TooMuch:
                if batch_size == 1 or not self._open_batch:
                    raise
                batch_size = -(-min(batch_size, rows) // 2)
                continue
            if report:
                report(stop, rows)
            start = stop
        return self._structured([_joined(pieces) for pieces in zip(*parts, strict=True)])

    def gradients(self, inputs: Any, outputs: Any = None, *, wrt: Sequence[str] | None = None) -> dict[str, Array]:
        """Return the gradients of a number L that depends on the outputs, by the names of weights and inputs.

        inputs: what a call takes (several in a list, tuple or dict). outputs: dL/d(output) for each output, in the
        structure of what a call returns (None in it: 0); or a function that takes what a call returns and
        returns those; None: L is the sum of all elements of the outputs. wrt: names of weights and inputs;
        None: all trainable weights. The graph runs as written, layers as when running, not as in training
        (batch normalisation by its stored mean and variance, no dropout). Gradients of 16-bit floats are
        float32. Raises InputError for what does not fit, and where an op on the way has no gradient.
        """
        from .gradients.model import by_port, gradients

        def seed(results: Sequence[Array]) -> dict[str, Any]:
            if outputs is None:
                return {name: np.ones_like(array) for name, array in self._named(results).items()}
            return by_port(structure, outputs(self._structured(results)) if callable(outputs) else outputs)

        structure = self.graph.outputs.structure
        arrays = self._prepare((inputs,))
        self._fit(tuple(array.shape for array in arrays))
        return gradients(self.graph, self.weights, arrays, seed, wrt)

    @cached_property
    def _open_batch(self) -> bool:
        return all(port.type.shape[:1] == (None,) for port in self.graph.inputs.ports)

    def _execute(self, arrays: Sequence[Array]) -> list[Array]:
        return self._run(self.plan_for(arrays), arrays)

    def _run(self, plan: Plan, arrays: Sequence[Array]) -> list[Array]:
        """Run a plan; kernels whose outputs depend on values look at the limits."""
        if self.limits is DEFAULT:
            return execute(plan, arrays)
        with in_force(self.limits):
            return execute(plan, arrays)

    def _fit(self, key: tuple[tuple[int, ...], ...]) -> None:
        """Refuse shapes for which a run takes too much memory or time; what was found to fit is not counted again."""
        if key in self._fitting:
            return
        self._check_run(key, [port.value for port in self.graph.outputs.ports])
        if len(self._fitting) >= FITTING:
            self._fitting.clear()
        self._fitting.add(key)

    def _check_run(self, shapes: Sequence[tuple[int, ...]], outputs: Sequence[str]) -> None:
        with in_force(self.limits):
            check_run(self.graph, shapes, outputs)

    def plan_for(self, arrays: Sequence[Array]) -> Plan:
        """Return the plan for inputs of these shapes, kept or made now; InputError where a run takes too much."""
        key = tuple(array.shape for array in arrays)
        self._fit(key)
        if not self._optimize:
            return self._plain
        found = self._plans.get(key)
        if found is None:
            found = specialise(self._optimized.graph, self._optimized.weights, key) or self._plain
            while len(self._plans) >= PLANS:
                self._plans.pop(next(iter(self._plans)), None)
            self._plans[key] = found
        return found

    @cached_property
    def _plain(self) -> Plan:
        return plan(self.graph, self.weights, [port.value for port in self.graph.outputs.ports])

    @cached_property
    def _optimized(self) -> Program:
        return optimized(Program(self.graph, self.weights))

    def _prepare(self, given: tuple[Any, ...]) -> list[Array]:
        flat = flatten(self.graph.inputs, given)
        return [prepare(port, value) for port, value in zip(self.graph.inputs.ports, flat, strict=True)]

    def _named(self, results: Sequence[Array]) -> dict[str, Array]:
        return {port.name: array for port, array in zip(self.graph.outputs.ports, results, strict=True)}

    def _structured(self, results: Sequence[Array]) -> Any:
        return _build(self.graph.outputs.structure, self._named(results))

    def _tapped(self, tap: str) -> list[str]:
        if tap not in self.graph.layers:
            close = difflib.get_close_matches(tap, self.graph.layers, n=3, cutoff=0.4) or list(self.graph.layers)[:5]
            raise InputError(f"There is no layer {show(tap)} to tap. Did you mean {', '.join(map(show, close))}?")
        return [value for call in self.graph.layers[tap].calls for value in call]


def _values(signature: Signature) -> tuple[Value, ...]:
    return tuple(Value(port.name, port.type.shape, port.type.dtype) for port in signature.ports)


def _build(structure: Any, named: Mapping[str, Array]) -> Any:
    if isinstance(structure, dict):
        return {key: _build(part, named) for key, part in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_build(part, named) for part in structure]
    return named[structure]


def _rows(arrays: Sequence[Array], batch_size: int) -> int:
    """Return how many rows the arrays have; InputError where they differ."""
    sizes = {array.shape[0] for array in arrays if array.ndim}
    if len(sizes) > 1:
        raise InputError(f"All inputs must have the same number of rows, got {', '.join(map(str, sorted(sizes)))}.")
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, got {batch_size}.")
    return sizes.pop() if sizes else 0


def _joined(pieces: Sequence[Array]) -> Array:
    """Return an output of all batches; InputError where it has no rows to put one after the other."""
    if len(pieces) == 1:
        return pieces[0]
    if pieces[0].ndim == 0:
        raise InputError("An output of this model has no rows; run all rows at once, with a larger batch size.")
    return np.concatenate(pieces)


def _print_progress(done: int, rows: int) -> None:
    print(f"\r{done}/{rows}", end="\n" if done == rows else "", file=sys.stderr, flush=True)
