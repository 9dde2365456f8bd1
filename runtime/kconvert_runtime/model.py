"""A loaded model: what users call."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kconvert_schemas.bundle import read_bundle
from kconvert_schemas.dims import Shape
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Graph, Signature
from kconvert_schemas.limits import DEFAULT, BundleLimits, current, in_force

from .execute import execute
from .inputs import flatten, prepare
from .plan import plan
from .plans import Optimize, Plans, Shares
from .sizes import check_run
from .steps import Plan

if TYPE_CHECKING:
    from .stream.session import Stream
    from .streaming import Sink

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
    bundle: str | os.PathLike[str],
    *,
    optimize: Optimize = True,
    verify: bool = False,
    limits: BundleLimits | None = None,
) -> Model:
    """Load the bundle in folder `bundle`.

    optimize: False runs the graph as written, node by node, for comparison; "measure" tries the kernels that there are
    for each node when the model first gets inputs of some shapes, instead of estimating which is fastest. verify: read
    all weights now and compare them with their checksum. limits: what loading may cost, instead of
    `kconvert_schemas.limits.DEFAULT`.
    Raises BundleNotFound, BundleError or GraphError. Weights are mapped, not read, until they are used.
    """
    with in_force(limits or current()):
        graph, weights = read_bundle(bundle, verify=verify)
    return Model(graph, weights, optimize=optimize, limits=limits)


class Model:
    """A graph with its weights, ready to run. Calls do not change it, so threads can share one model."""

    def __init__(
        self, graph: Graph, weights: Mapping[str, Array], *, optimize: Optimize = True,
        limits: BundleLimits | None = None,
    ) -> None:  # fmt: skip
        self.graph = graph
        self.limits = limits or current()
        self.weights = weights
        self._optimize = optimize
        self._fitting: set[tuple[tuple[int, ...], ...]] = set()
        self._plans = Plans(graph, weights, optimize)

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

    def predict(
        self, *inputs: Any, batch_size: int = 32, progress: bool | Progress = False, out: Any = None
    ) -> Any:  # fmt: skip
        """Run the model on long inputs, `batch_size` rows at a time; returns what a call on all rows returns.

        Inputs may be memory-mapped: each batch is read while the one before it is computed. Batches are smaller where
        the limits on memory or time ask for it. out: arrays to fill, such
        as memory maps, in the structure of what a call returns; they are filled while the next batch is computed.
        `progress` prints a counter to stderr, or is called with (rows done, rows). Raises InputError.
        """
        from .streaming import Collected

        names = [port.name for port in self.graph.outputs.ports]
        given = None if out is None else flatten(self.graph.outputs, (out,))
        sink = Collected(names, given)
        self.stream_to(sink, inputs, batch_size, progress, behind=out is not None)
        return self._structured(sink.arrays())

    def stream_to(
        self, sink: Sink, inputs: tuple[Any, ...], batch_size: int, progress: bool | Progress = False, *,
        behind: bool = True,
    ) -> None:  # fmt: skip
        """Run the model as `predict` does, and give the outputs of each batch, in the order of `outputs`, to `sink`.

        behind: `sink` works in a thread of its own while the next batch is computed.
        """
        from .streaming import stream

        report = progress if callable(progress) else (_print_progress if progress else None)
        flat = flatten(self.graph.inputs, inputs)
        stream(self.graph.inputs.ports, flat, self._execute, batch_size, sink, report, fit=self._fit, behind=behind)

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

    def stream(self, given: Mapping[str, Any] | None = None, *, over: Sequence[str] | None = None) -> Stream:
        """Return a stream: this model, given its sequences one or several time steps at a time.

        over: names of the inputs that come in steps, along axis 1; None: all that can. given: the other inputs by
        name, such as an initial state. Step after step gives what whole sequences give at once. Raises InputError
        listing every layer that needs to see all steps at once.
        """
        from .stream.session import Stream

        return Stream(self, given, over, self._optimize)

    def _execute(self, arrays: Sequence[Array]) -> list[Array]:
        found = self.way_for(arrays)
        return found.run(self._run, arrays) if isinstance(found, Shares) else self._run(found, arrays)

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

    def way_for(self, arrays: Sequence[Array]) -> Plan | Shares:
        """Return how inputs of these shapes are run; InputError where a run takes too much."""
        key = tuple(array.shape for array in arrays)
        self._fit(key)
        return self._plans.get(key)

    def plan_for(self, arrays: Sequence[Array]) -> Plan:
        """Return a plan for all rows of inputs of these shapes; InputError where a run takes too much."""
        key = tuple(array.shape for array in arrays)
        self._fit(key)
        return self._plans.whole(key)

    def _prepare(self, given: tuple[Any, ...]) -> list[Array]:
        flat = flatten(self.graph.inputs, given)
        return [prepare(port, value) for port, value in zip(self.graph.inputs.ports, flat, strict=True)]

    def _named(self, results: Sequence[Array]) -> dict[str, Array]:
        return {port.name: array for port, array in zip(self.graph.outputs.ports, results, strict=True)}

    def _structured(self, results: Sequence[Array]) -> Any:
        return structured(self.graph.outputs.structure, self._named(results))

    def _tapped(self, tap: str) -> list[str]:
        if tap not in self.graph.layers:
            from difflib import get_close_matches

            close = get_close_matches(tap, self.graph.layers, n=3, cutoff=0.4) or list(self.graph.layers)[:5]
            raise InputError(f"There is no layer {show(tap)} to tap. Did you mean {', '.join(map(show, close))}?")
        return [value for call in self.graph.layers[tap].calls for value in call]


def _values(signature: Signature) -> tuple[Value, ...]:
    return tuple(Value(port.name, port.type.shape, port.type.dtype) for port in signature.ports)


def structured(structure: Any, named: Mapping[str, Array]) -> Any:
    """Return arrays by name in the structure of what a Keras model returns."""
    if isinstance(structure, dict):
        return {key: structured(part, named) for key, part in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [structured(part, named) for part in structure]
    return named[structure]


def _print_progress(done: int, rows: int) -> None:
    print(f"\r{done}/{rows}", end="\n" if done == rows else "", file=sys.stderr, flush=True)
