"""Forward through nodes, keeping what their gradients need, and back again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import COMPLEXES, FLOATS, FLOATS8, Array
from kconvert_schemas.errors import InputError, KconvertError, show
from kconvert_schemas.graph import Body, Node, TensorType
from kconvert_schemas.opset import find_op

from ..plan import bind, needed_nodes
from ..steps import Call
from .find import find_vjp, is_flat

Run: TypeAlias = dict[str, Array]
"""The values of one run that the walk back needs."""
SMOOTH = (*FLOATS, *FLOATS8, *COMPLEXES)


@dataclass(frozen=True, slots=True)
class _Step:
    """A node, its kernel, whether gradients pass through it, its bodies, and what no later step reads."""

    node: Node
    call: Call
    active: bool
    bodies: Mapping[str, Walk]
    frees: tuple[str, ...]


class Walk:
    """The nodes that some outputs need, ready to run forward and back.

    sources: the values whose gradients are wanted. Only nodes between them and the outputs are walked back.
    """

    def __init__(
        self, nodes: Sequence[Node], types: Mapping[str, TensorType], weights: Mapping[str, Array],
        outputs: Sequence[str], sources: Iterable[str],
    ) -> None:  # fmt: skip
        self._types, self._weights, self.outputs = types, weights, list(outputs)
        self.sources = {name for name in sources if types[name].dtype in SMOOTH}
        self._active = set(self.sources)
        needed = needed_nodes(nodes, outputs)
        marked = [self._marked(node) for node in needed]
        kept = {name for node, active, _ in marked if active for name in (*node.inputs, *node.outputs)}
        last = {name: i for i, node in enumerate(needed) for name in (*node.outputs, *node.inputs) if name is not None}
        frees: dict[int, list[str]] = {}
        for name in last.keys() - kept - set(outputs) - weights.keys():
            frees.setdefault(last[name], []).append(name)
        self._steps = [
            _Step(node, bind(node, types, weights), active, bodies, tuple(frees.get(i, ())))
            for i, (node, active, bodies) in enumerate(marked)
        ]

    def _marked(self, node: Node) -> tuple[Node, bool, dict[str, Walk]]:
        """Find out whether a node is on the way; its outputs then are, too."""
        spec = find_op(node.op)
        kinds = {name: attr.kind for name, attr in spec.attrs.items()} if spec else {}
        bodies = {name: self._body(node.attrs[name]) for name, kind in kinds.items() if kind == "body"}
        reached = not self._active.isdisjoint(node.inputs) or any(body.weights for body in bodies.values())
        smooth = [name for name in node.outputs if self._types[name].dtype in SMOOTH]
        active = reached and bool(smooth) and not is_flat(node.op)
        if active:
            self._active.update(smooth)
        return node, active, bodies

    def _body(self, body: Body) -> Walk:
        wanted = [name for name in self.sources if name in self._weights]
        types = {**self._types, **body.values}
        walk = Walk(body.nodes, types, self._weights, body.outputs, [*body.inputs, *wanted])
        walk.inputs = list(body.inputs)
        return walk

    inputs: Sequence[str] = ()

    @property
    def weights(self) -> set[str]:
        """The weights among the sources that are used here, or in a body of a node here."""
        used = {name for step in self._steps for name in step.node.inputs if name is not None}
        used.update(*(body.weights for step in self._steps for body in step.bodies.values()))
        return used & self.sources & self._weights.keys()

    def forward(self, inputs: Mapping[str, Array]) -> tuple[Run, list[Array]]:
        """Run on the values `inputs`; returns what `back` needs, and the outputs."""
        values: Run = dict(inputs)
        for step in self._steps:
            result = _located(step.node, lambda step=step: step.call(*self._read(step.node.inputs, values)))
            results = result if isinstance(result, tuple) else (result,)
            values.update(zip(step.node.outputs, results, strict=True))
            for name in step.frees:
                values.pop(name, None)
        return values, [np.asarray(array) for array in self._read(self.outputs, values)]

    def _read(self, names: Sequence[str | None], values: Run) -> list[Any]:
        return [None if n is None else values[n] if n in values else self._weights[n] for n in names]

    def back(self, run: Run, gradients: Sequence[Array | None]) -> dict[str, Array]:
        """Return the gradients of the sources for those of the outputs; sources without one are left out.

        Empties `run` on the way.
        """
        sums: dict[str, Array] = {}
        for name, g in zip(self.outputs, gradients, strict=True):
            if g is not None and name in self._active:
                _add(sums, name, g)
        for step in reversed(self._steps):
            if step.active:
                self._step_back(step, run, sums)
            for name in step.node.outputs:
                run.pop(name, None)
        return {name: g for name, g in sums.items() if name in self.sources}

    def _step_back(self, step: _Step, run: Run, sums: dict[str, Array]) -> None:
        node = step.node
        given = [sums.pop(name, None) for name in node.outputs]
        if all(g is None for g in given):
            return
        spec = find_op(node.op)
        outputs, inputs = ([_widened(a) for a in self._read(names, run)] for names in (node.outputs, node.inputs))
        g = [np.zeros_like(y) if one is None else one for one, y in zip(given, outputs, strict=True)]
        attrs: dict[str, Any] = dict(complete(spec, node.attrs)) if spec else dict(node.attrs)
        attrs.update({name: BodyGradient(body, sums) for name, body in step.bodies.items()})
        ends = (g[0], outputs[0]) if spec is None or spec.outputs == spec.outputs[:1] else (tuple(g), tuple(outputs))
        function = _located(node, lambda: find_vjp(node.op))
        found = _located(node, lambda: function(*ends, *inputs, **attrs))
        for i, (name, gradient) in enumerate(zip(node.inputs, found, strict=False)):
            if name is None or name not in self._active:
                continue
            if gradient is not None:
                _add(sums, name, gradient)
            elif spec is None or spec.input_names[min(i, len(spec.input_names) - 1)] in spec.differentiable:
                raise InputError(f"The VJP of {show(node.op)} gives no gradient for its input number {i}.")


class BodyGradient:
    """A body and its gradient: what the VJP of an op with a body gets for it."""

    def __init__(self, walk: Walk, sums: dict[str, Array]) -> None:
        self._walk, self._sums = walk, sums

    def run(self, *arrays: Array) -> tuple[Run, list[Array]]:
        """Run the body; returns what `back` needs, and the outputs."""
        return self._walk.forward(dict(zip(self._walk.inputs, arrays, strict=True)))

    def back(self, run: Run, gradients: Sequence[Array | None]) -> list[Array]:
        """Return the gradient of each input (zeros where there is none), and collect those of weights."""
        shapes = [run[name] for name in self._walk.inputs]
        found = self._walk.back(run, gradients)
        for name in found.keys() & self._walk.weights:
            _add(self._sums, name, found[name])
        pairs = zip(self._walk.inputs, shapes, strict=True)
        return [found[name] if name in found else np.zeros_like(_widened(array)) for name, array in pairs]


def _add(sums: dict[str, Array], name: str, g: Array) -> None:
    sums[name] = sums[name] + g if name in sums else g


def _widened(array: Any) -> Any:
    """float16 as float32, as kernels get it."""
    return array.astype(np.float32) if array is not None and array.dtype == np.float16 else array


def _located(node: Node, call: Call) -> Any:
    """Call; InputError naming the layer and the op where values do not fit, or a VJP is missing."""
    try:
        return call()
    except (ArithmeticError, IndexError, ValueError, MemoryError, KconvertError) as error:
        where = f"Layer {show(node.layer)}" if node.layer else f"Node {show(node.name)}"
        what = str(error) or type(error).__name__
        raise InputError(f"{where}, op {node.op}: {what.rstrip('.')}.") from error
