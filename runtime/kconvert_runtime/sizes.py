"""What a run will hold in memory, counted before it starts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from kconvert_schemas.check import least_bytes
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Body, Graph, Node, TensorType
from kconvert_schemas.limits import current
from kconvert_schemas.opset import find_op
from kconvert_schemas.opspec import OpError

from .plan import needed_nodes

VIEWS = ("reshape", "transpose", "slice", "flip", "broadcast_to", "dropout", "alpha_dropout", "gaussian_dropout",
         "gaussian_noise")  # fmt: skip
"""Ops that usually hand on the memory of their input."""


def check_memory(graph: Graph, shapes: Sequence[tuple[int, ...]], outputs: Sequence[str]) -> None:
    """Raise InputError where running the graph for inputs of these shapes would hold more than `run_memory`.

    Counted are the values of the graph while they are needed, as far as the op table tells their sizes, and what
    windows read beside the ends of their input. A graph that does not fit these shapes is left to the run to explain.
    """
    types = {name: weight.type for name, weight in graph.weights.items()}
    for port, shape in zip(graph.inputs.ports, shapes, strict=True):
        types[port.value] = TensorType(shape, port.type.dtype)
    try:
        _count(needed_nodes(graph.nodes, outputs), types, graph.values, outputs)
    except OpError:
        return


def _count(
    nodes: Sequence[Node], types: dict[str, TensorType], values: Mapping[str, TensorType], outputs: Sequence[str]
) -> None:
    limit, live = current().run_memory, 0
    last = {value: i for i, node in enumerate(nodes) for value in (*node.outputs, *node.inputs) if value is not None}
    ends: dict[int, list[str]] = {}
    for value, i in last.items():
        if value not in types and value not in outputs:
            ends.setdefault(i, []).append(value)
    held: dict[str, int] = {}
    for i, node in enumerate(nodes):
        inputs = [None if value is None else types[value] for value in node.inputs]
        found = _infer(node, inputs, values)
        types.update(zip(node.outputs, found, strict=True))
        sizes = [least_bytes(type_) for type_ in found]
        held.update({} if node.op in VIEWS else zip(node.outputs, sizes, strict=True))
        live += 0 if node.op in VIEWS else sum(sizes)
        beside = _padded(node, inputs, found)
        if max(live + beside, *sizes) > limit:
            raise _too_large(node, found, max(live + beside, *sizes))
        live -= sum(held.pop(value, 0) for value in ends.get(i, ()))


def _infer(node: Node, inputs: Sequence[TensorType | None], values: Mapping[str, TensorType]) -> Sequence[TensorType]:
    spec = find_op(node.op)
    if spec is None:
        return [values[value] for value in node.outputs]
    body = node.attrs.get("body")
    if isinstance(body, Body) and node.op == "scan" and inputs[0] is not None:
        batch, _, *rest = inputs[0].shape
        step = (TensorType((batch, *rest), inputs[0].dtype), *inputs[2:])
        own = {name: type_ for name, type_ in zip(body.inputs, step, strict=False) if type_ is not None}
        _count(needed_nodes(body.nodes, body.outputs), _Known(own), body.values, body.outputs)
    return spec.infer(inputs, node.attrs)


class _Known(dict[str, TensorType]):
    """Types within a body; what it reads from around it is a weight, which is there already."""

    def __missing__(self, name: str) -> TensorType:
        raise OpError(f"{name} is not in the body")


def _padded(node: Node, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
    """Return the bytes of the padded input of windows that reach beyond its ends, 0 for other ops."""
    x, y, attrs = inputs[0] if inputs else None, outputs[0], node.attrs
    if x is None or attrs.get("padding") != "same" or "strides" not in attrs:
        return 0
    first = attrs.get("data_format") == "channels_first"
    spatial = slice(2, None) if first else slice(1, -1)
    kernel = inputs[1].shape if len(inputs) > 1 and inputs[1] is not None else ()
    windows = attrs.get("pool_size") or [
        ((size or 1) - 1) * dilation + 1 for size, dilation in zip(kernel, attrs.get("dilation_rate", ()), strict=False)
    ]
    padded = [
        max((n or 1), ((m or 1) - 1) * stride + window)
        for n, m, stride, window in zip(x.shape[spatial], y.shape[spatial], attrs["strides"], windows, strict=False)
    ]
    if node.op == "conv_transpose":
        return 0
    rest = [n or 1 for n in (x.shape[:2] if first else (x.shape[0], x.shape[-1]))]
    return math.prod(padded) * math.prod(rest) * max(least_bytes(TensorType((), x.dtype)), 4)


def _too_large(node: Node, types: Sequence[TensorType], size: int) -> InputError:
    where = f"Layer {show(node.layer)}" if node.layer else f"Node {show(node.name)}"
    made = ", ".join(map(str, types))
    return InputError(
        f"{where}: {node.op} makes {made}, and the run would need {size / 1e9:.1f} GB by then, more than there is "
        "(limit run_memory). Give fewer rows at a time, or raise the limit."
    )
