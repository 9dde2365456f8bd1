"""Forward through nodes, keeping what their gradients need, and back again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import COMPLEXES, FLOATS, FLOATS8, HALVES, Array, cast
from kconvert_schemas.errors import InputError, KconvertError, show
from kconvert_schemas.graph import Body, Node, TensorType
from kconvert_schemas.opset import find_op

from .. import blas
from ..plan import bind, needed_nodes
from ..registry import PAIRS
from ..steps import Call
from .find import find_vjp, is_flat
from .fused import fused, pooled_first
from .needs import needs_inputs, needs_outputs, stand_in
from .recurrent.directions import joined
from .rows import Gradient, dense

SMOOTH = (*FLOATS, *FLOATS8, *COMPLEXES)
SHARED = ("conv", "conv_transpose", "matmul", "lstm", "gru", "simple_rnn", "scan")
"""Ops of which our threads share the work, or whose many small products threads of BLAS would only hold up."""
Pair: TypeAlias = Callable[..., Any]
Choose: TypeAlias = Callable[[Node], "Pair | None"]
"""From a node to what runs it in both directions instead of what is registered, None for most."""


@dataclass(slots=True)
class Run:
    """What the walk back needs of one run: values, and the ways back of nodes that have a pair, by node name.

    inputs: shape and dtype of each input, with float16 as the float32 that its gradient is.
    """

    values: dict[str, Array]
    inputs: Mapping[str, tuple[tuple[int, ...], Any]]
    backs: dict[str, tuple[Callable[..., Any], Iterable[BodyGradient]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Step:
    """A node, its kernel or pair, whether gradients pass through it, its bodies, and what no later step reads."""

    node: Node
    call: Call
    pair: Pair | None
    active: bool
    bodies: Mapping[str, Walk]
    frees: tuple[str, ...]


class Walk:
    """The nodes that some outputs need, ready to run forward and back.

    sources: the values whose gradients are wanted. Only nodes between them and the outputs are walked back.
    """

    def __init__(
        self, nodes: Sequence[Node], types: Mapping[str, TensorType], weights: Mapping[str, Array],
        outputs: Sequence[str], sources: Iterable[str], choose: Choose = lambda node: None,
    ) -> None:  # fmt: skip
        self._types, self._weights, self.outputs, self._choose = types, weights, list(outputs), choose
        self.sources = {name for name in sources if types[name].dtype in SMOOTH}
        self._active = set(self.sources)
        needed = pooled_first(needed_nodes(nodes, outputs), set(outputs), self._choose)
        both = fused(joined(needed, weights, self._choose), types, weights, set(outputs), self._choose)
        needed = [node for node, _ in both]
        marked = [self._marked(node, pair) for node, pair in both]
        by_vjp = [node for node, pair, active, _ in marked if active and not pair]
        kept = {name for node in by_vjp for name in (*looked_at(node),)}
        self._read_back = {name for node in by_vjp for name in (*node.inputs, *node.outputs)} - kept
        last = {name: i for i, node in enumerate(needed) for name in (*node.outputs, *node.inputs) if name is not None}
        frees: dict[int, list[str]] = {}
        for name in last.keys() - kept - set(outputs) - weights.keys():
            frees.setdefault(last[name], []).append(name)
        self._steps = [
            _Step(node, bind(node, types, weights), pair, active, bodies, tuple(frees.get(i, ())))
            for i, (node, pair, active, bodies) in enumerate(marked)
        ]

    def _marked(self, node: Node, pair: Pair | None) -> tuple[Node, Pair | None, bool, dict[str, Walk]]:
        """Find out whether a node is on the way, and its pair; its outputs then are on the way, too."""
        spec = find_op(node.op)
        kinds = {name: attr.kind for name, attr in spec.attrs.items()} if spec else {}
        bodies = {name: self._body(node.attrs[name]) for name, kind in kinds.items() if kind == "body"}
        reached = not self._active.isdisjoint(node.inputs) or any(body.weights for body in bodies.values())
        smooth = [name for name in node.outputs if self._types[name].dtype in SMOOTH]
        active = reached and bool(smooth) and not is_flat(node.op)
        if active:
            self._active.update(smooth)
        pair = pair or self._choose(node) or (PAIRS.get(node.op) if active else None)
        return node, pair, active, bodies

    def _body(self, body: Body) -> Walk:
        wanted = [name for name in self.sources if name in self._weights]
        types = {**self._types, **body.values}
        walk = Walk(body.nodes, types, self._weights, body.outputs, [*body.inputs, *wanted], self._choose)
        walk.inputs = list(body.inputs)
        return walk

    inputs: Sequence[str] = ()

    @property
    def weights(self) -> set[str]:
        """The weights among the sources that are used here, or in a body of a node here."""
        used = {name for step in self._steps for name in step.node.inputs if name is not None}
        used.update(*(body.weights for step in self._steps for body in step.bodies.values()))
        return used & self.sources & self._weights.keys()

    def cores(self) -> AbstractContextManager[None]:
        """Return a context for `forward` and `back`: BLAS keeps to one thread where our own threads share the work."""
        return blas.limited(any(step.node.op in SHARED for step in self._steps))

    def forward(self, inputs: Mapping[str, Array]) -> tuple[Run, list[Array]]:
        """Run on the values `inputs`; returns what `back` needs, and the outputs."""
        run = Run(dict(inputs), {name: (a.shape, _wide_dtype(a)) for name, a in inputs.items()})
        for step in self._steps:
            results = _located(step.node, lambda step=step: self._results(step, run))
            run.values.update(zip(step.node.outputs, results, strict=True))
            for name in step.frees:
                array = run.values.pop(name, None)
                if name in self._read_back and array is not None:
                    run.values[name] = stand_in(array)
        return run, [np.asarray(array) for array in self._read(self.outputs, run.values)]

    def _results(self, step: _Step, run: Run) -> Sequence[Array]:
        node, arrays = step.node, self._read(step.node.inputs, run.values)
        if step.pair is None:
            result = step.call(*arrays)
            return result if isinstance(result, tuple) else (result,)
        wanted = [name in self._active for name in node.inputs]
        bodies = {name: BodyGradient(body, {}) for name, body in step.bodies.items()}
        result, back = step.pair(wanted, *map(_widened, arrays), **{**_attrs(node), **bodies})
        if step.active:
            run.backs[node.name] = back, bodies.values()
        results = result if isinstance(result, tuple) else (result,)
        dtypes = [self._types[name].dtype for name in node.outputs]
        return [cast(y, dtype) if dtype in HALVES else y for y, dtype in zip(results, dtypes, strict=True)]

    def _read(self, names: Sequence[str | None], values: Mapping[str, Array]) -> list[Any]:
        return [None if n is None else values[n] if n in values else self._weights[n] for n in names]

    def back(self, run: Run, gradients: Sequence[Array | None]) -> dict[str, Gradient]:
        """Return the gradients of the sources for those of the outputs; sources without one are left out.

        Empties `run` on the way.
        """
        sums: dict[str, Gradient] = {}
        for name, g in zip(self.outputs, gradients, strict=True):
            if g is not None and name in self._active:
                _add(sums, name, g)
        for step in reversed(self._steps):
            if step.active:
                self._step_back(step, run, sums)
            for name in step.node.outputs:
                run.values.pop(name, None)
        return {name: g for name, g in sums.items() if name in self.sources}

    def _step_back(self, step: _Step, run: Run, sums: dict[str, Gradient]) -> None:
        node = step.node
        back, bodies = run.backs.pop(node.name, (None, ()))
        given = [dense(sums.pop(name, None)) for name in node.outputs]
        if all(g is None for g in given):
            return
        if back is not None:
            found = _located(node, lambda: back(*given))
            for source, g in (pair for body in bodies for pair in body.sums.items()):
                _add(sums, source, g)
        else:
            found = self._by_vjp(step, run, given, sums)
        spec = find_op(node.op)
        for i, (name, gradient) in enumerate(zip(node.inputs, found, strict=False)):
            if name is None or name not in self._active:
                continue
            if gradient is not None:
                _add(sums, name, gradient)
            elif spec is None or spec.input_names[min(i, len(spec.input_names) - 1)] in spec.differentiable:
                raise InputError(f"The VJP of {show(node.op)} gives no gradient for its input number {i}.")

    def _by_vjp(self, step: _Step, run: Run, given: Sequence[Array | None], sums: dict[str, Gradient]) -> Any:
        node, spec = step.node, find_op(step.node.op)
        outputs, inputs = (
            [_widened(a) for a in self._read(names, run.values)] for names in (node.outputs, node.inputs)
        )
        g = [np.zeros_like(y) if one is None else one for one, y in zip(given, outputs, strict=True)]
        attrs = {**_attrs(node), **{name: BodyGradient(body, sums) for name, body in step.bodies.items()}}
        ends = (g[0], outputs[0]) if spec is None or spec.outputs == spec.outputs[:1] else (tuple(g), tuple(outputs))
        function = _located(node, lambda: find_vjp(node.op))
        return _located(node, lambda: function(*ends, *inputs, **attrs))


def looked_at(node: Node) -> Iterator[str | None]:
    """Yield the inputs and outputs of a node whose values its VJP looks at."""
    if needs_inputs(node.op):
        yield from node.inputs
    if needs_outputs(node.op):
        yield from node.outputs


def _attrs(node: Node) -> dict[str, Any]:
    spec = find_op(node.op)
    return dict(complete(spec, node.attrs)) if spec else dict(node.attrs)


class BodyGradient:
    """A body and its gradient: what the VJP of an op with a body gets for it."""

    def __init__(self, walk: Walk, sums: dict[str, Gradient]) -> None:
        self._walk, self.sums = walk, sums

    def run(self, *arrays: Array) -> tuple[Run, list[Array]]:
        """Run the body; returns what `back` needs, and the outputs."""
        return self._walk.forward(dict(zip(self._walk.inputs, arrays, strict=True)))

    def back(self, run: Run, gradients: Sequence[Array | None]) -> list[Array]:
        """Return the gradient of each input (zeros where there is none), and collect those of weights."""
        inputs = run.inputs
        found = self._walk.back(run, gradients)
        for name in found.keys() & self._walk.weights:
            _add(self.sums, name, found[name])
        return [dense(found[name]) if name in found else np.zeros(*inputs[name]) for name in self._walk.inputs]


def _add(sums: dict[str, Gradient], name: str, g: Gradient) -> None:
    sums[name] = sums[name] + g if name in sums else g


def _widened(array: Any) -> Any:
    """float16 as float32, as kernels get it."""
    return array.astype(np.float32) if array is not None and array.dtype == np.float16 else array


def _wide_dtype(array: Array) -> Any:
    return np.float32 if array.dtype == np.float16 else array.dtype


def _located(node: Node, call: Call) -> Any:
    """Call; InputError naming the layer and the op where values do not fit, or a VJP is missing."""
    try:
        return call()
    except (ArithmeticError, IndexError, ValueError, MemoryError, KconvertError) as error:
        where = f"Layer {show(node.layer)}" if node.layer else f"Node {show(node.name)}"
        what = str(error) or type(error).__name__
        raise InputError(f"{where}, op {node.op}: {what.rstrip('.')}.") from error
