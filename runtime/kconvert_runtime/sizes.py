"""What a run will hold in memory, and how long it will compute, counted before it starts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kconvert_schemas.check import least_bytes
from kconvert_schemas.errors import InputError, cut, show
from kconvert_schemas.graph import Body, Graph, Node, TensorType
from kconvert_schemas.limits import current, rows
from kconvert_schemas.opset import find_op
from kconvert_schemas.opspec import OpError

from .duration import STEP, contractions, seconds, size
from .plan import needed_nodes


class TooMuch(InputError):
    """A run would take more memory or time than the limits allow; one on fewer rows may not."""


VIEWS = ("reshape", "transpose", "slice", "flip", "broadcast_to", "stop_gradient", "dropout", "alpha_dropout",
         "gaussian_dropout", "gaussian_noise")  # fmt: skip
"""Ops that usually hand on the memory of their input."""
SCRATCH = {"fft": 6, "sparsemax": 5, "unique": 4, "argsort": 2, "bincount": 4, "svd": 4, "qr": 4, "argwhere": 4}
"""Ops that hold several times the memory of their inputs or outputs while they run."""
BLOCK = 512
"""Places whose windows a convolution copies side by side at a time."""


def check_run(graph: Graph, shapes: Sequence[tuple[int, ...]], outputs: Sequence[str]) -> None:
    """Raise InputError where running the graph for inputs of these shapes goes beyond the limits on memory or time.

    Counted are the values of the graph while they are needed, as far as the op table tells their sizes, what
    windows need beside them, and the time that each node is estimated to take.
    """
    types = {name: weight.type for name, weight in graph.weights.items()}
    for port, shape in zip(graph.inputs.ports, shapes, strict=True):
        types[port.value] = TensorType(shape, port.type.dtype)
    count = rows(shapes)
    _Count(current().memory(count), current().seconds(count)).add(
        needed_nodes(graph.nodes, outputs), types, graph.values, outputs
    )


@dataclass
class _Count:
    """What is allowed, and the time that what was counted takes."""

    memory: int
    allowed: int
    time: float = 0.0

    def add(
        self, nodes: Sequence[Node], types: dict[str, TensorType], values: Mapping[str, TensorType],
        outputs: Sequence[str], times: int = 1,
    ) -> None:  # fmt: skip
        """Count nodes that run so many times one after the other."""
        ends, held, live = _ends(nodes, types, outputs), dict[str, int](), 0
        for i, node in enumerate(nodes):
            inputs = [None if value is None else types[value] for value in node.inputs]
            found = self._infer(node, inputs, values, times)
            types.update(zip(node.outputs, found, strict=True))
            sizes = [least_bytes(type_) for type_ in found]
            held.update({} if node.op in VIEWS else zip(node.outputs, sizes, strict=True))
            live += 0 if node.op in VIEWS else sum(sizes)
            need = max(live + _beside(node, inputs, found), *sizes)
            if need > self.memory:
                raise _too_large(node, found, need)
            self.time += times * seconds(node, inputs, found)
            if self.time > self.allowed:
                raise _too_long(node, found, self.allowed)
            live -= sum(held.pop(value, 0) for value in ends.get(i, ()))

    def _infer(
        self, node: Node, inputs: Sequence[TensorType | None], values: Mapping[str, TensorType], times: int
    ) -> Sequence[TensorType]:
        """Return the types of a node's outputs; the declared ones where it does not fit, for the run to explain."""
        spec = find_op(node.op)
        if spec is None:
            return [values[value] for value in node.outputs]
        body = node.attrs.get("body")
        if isinstance(body, Body) and node.op == "scan" and inputs[0] is not None:
            batch, time, *rest = inputs[0].shape
            step = (TensorType((batch, *rest), inputs[0].dtype), *inputs[2:])
            own = {name: type_ for name, type_ in zip(body.inputs, step, strict=False) if type_ is not None}
            inner = _Within(own, body.values)
            self.time += times * size(time) * STEP
            self.add(needed_nodes(body.nodes, body.outputs), inner, body.values, body.outputs, times * size(time))
        try:
            return [_at_most(node.op, type_, inputs) for type_ in spec.infer(inputs, node.attrs)]
        except OpError:
            return [values[value] for value in node.outputs]


def _at_most(op: str, type_: TensorType, inputs: Sequence[TensorType | None]) -> TensorType:
    """Return a type with the sizes at most that values decide: of what an array holds, not more than it has."""
    if op not in ("argwhere", "unique") or inputs[0] is None or None not in type_.shape:
        return type_
    x = inputs[0].shape
    most = math.prod(map(size, x)) if op == "argwhere" else size(x[0])
    return TensorType(tuple(most if n is None else n for n in type_.shape), type_.dtype)


def _ends(nodes: Sequence[Node], types: Mapping[str, TensorType], outputs: Sequence[str]) -> dict[int, list[str]]:
    """Return the values that are used last by each node, by its index."""
    last = {value: i for i, node in enumerate(nodes) for value in (*node.outputs, *node.inputs) if value is not None}
    ends: dict[int, list[str]] = {}
    for value, i in last.items():
        if value not in types and value not in outputs:
            ends.setdefault(i, []).append(value)
    return ends


class _Within(dict[str, TensorType]):
    """Types within a body; what it reads from around it is a weight, which is there already."""

    def __init__(self, own: Mapping[str, TensorType], declared: Mapping[str, TensorType]) -> None:
        super().__init__(own)
        self.declared = declared

    def __missing__(self, name: str) -> TensorType:
        return self.declared.get(name, TensorType((), "bool"))


def _beside(node: Node, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
    """Return the bytes that a kernel needs beside its inputs and outputs, as far as they count.

    Windows: the padded input where they reach beyond its ends, and a block of windows side by side.
    """
    x, y, attrs = inputs[0] if inputs else None, outputs[0], node.attrs
    if node.op == "einsum":
        itemsize = least_bytes(TensorType((), y.dtype))
        return max((elements for _, elements in contractions(inputs, attrs["equation"])), default=0) * itemsize
    if node.op in SCRATCH and x is not None:
        return SCRATCH[node.op] * max(map(least_bytes, (x, *outputs)))
    if x is None or "strides" not in attrs or node.op == "conv_transpose":
        return 0
    kernel = inputs[1].shape if len(inputs) > 1 and inputs[1] is not None else ()
    places = math.prod(map(size, y.shape)) // (size(kernel[-1]) or 1) if kernel else 0
    found = min(places, BLOCK) * math.prod(map(size, kernel[:-1]))
    if attrs.get("padding") == "same":
        found += _padded(x, y, kernel, attrs)
    return found * max(least_bytes(TensorType((), x.dtype)), 4)


def _padded(x: TensorType, y: TensorType, kernel: Sequence[int | None], attrs: Mapping[str, Any]) -> int:
    """Return the elements of a padded input."""
    first = attrs.get("data_format") == "channels_first"
    spatial = slice(2, None) if first else slice(1, -1)
    windows = attrs.get("pool_size") or [
        (size(n) - 1) * dilation + 1 for n, dilation in zip(kernel, attrs.get("dilation_rate", ()), strict=False)
    ]
    padded = [
        max(size(n), (size(m) - 1) * stride + window)
        for n, m, stride, window in zip(x.shape[spatial], y.shape[spatial], attrs["strides"], windows, strict=False)
    ]
    return math.prod(padded) * math.prod(map(size, x.shape[:2] if first else (x.shape[0], x.shape[-1])))


def _too_large(node: Node, types: Sequence[TensorType], need: int) -> TooMuch:
    return TooMuch(
        f"{_makes(node, types)}, and the run would need {need / 1e9:.1f} GB by then, more than it may take "
        "(limit run_memory). Give fewer rows at a time, or raise the limit."
    )


def _too_long(node: Node, types: Sequence[TensorType], allowed: int) -> TooMuch:
    return TooMuch(
        f"{_makes(node, types)}, and the run would compute for more than {allowed} seconds by then "
        "(limit run_seconds). Give fewer rows at a time, or raise the limit."
    )


def _makes(node: Node, types: Sequence[TensorType]) -> str:
    where = f"Layer {show(node.layer)}" if node.layer else f"Node {show(node.name)}"
    return f"{where}: {node.op} makes {cut(', '.join(map(str, types)), 200)}"
