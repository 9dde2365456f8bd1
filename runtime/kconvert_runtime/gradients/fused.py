"""A product or convolution, its bias and its relu as one step of a walk: each block is in the cache for all three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType
from kconvert_schemas.opset import find_op

from .convolution import Conv
from .linalg import Product
from .shared import each_part
from .sums import Gradients, fitted

FIRST: dict[str, Callable[..., Any]] = {"conv": Conv, "matmul": Product}
"""What computes the ops that may come first: made of (x, weights, **attrs), with forward(tail) and back(g, wanted)."""
DTYPES = ("float32", "float64")


def fused(
    nodes: Sequence[tuple[Node, Any]], types: Mapping[str, TensorType], weights: Collection[str],
    kept: Collection[str], choose: Callable[[Node], Any],
) -> list[tuple[Node, Any]]:  # fmt: skip
    """Return the nodes with their pairs, where one stands for a product, the bias added to it and the relu of that.

    kept: values that are asked for; choose: gives what runs a node instead of what is registered.
    """
    uses = Counter(name for node, _ in nodes for name in node.inputs)
    made_by = {name: i for i, (node, _) in enumerate(nodes) for name in node.outputs}
    found: list[tuple[Node, Any] | None] = list(nodes)

    def alone(name: str | None) -> int | None:
        """Return the node that gives a value which only one other node reads."""
        return made_by.get(name or "") if uses[name] == 1 and name not in kept else None

    for i, (node, _) in enumerate(nodes):
        if node.op != "add" or choose(node) is not None:
            continue
        first = alone(node.inputs[0])
        start = None if first is None else found[first]
        if first is None or start is None or not _fits(start, node, types, weights) or choose(start[0]) is not None:
            continue
        whole = replace(start[0], inputs=(*start[0].inputs, node.inputs[1]), outputs=node.outputs)
        found[first], found[i] = None, (whole, partial(_pair, whole.op, False))
    for i, (node, _) in enumerate(nodes):
        before = alone(node.inputs[0]) if node.inputs else None
        start = None if before is None else found[before]
        if before is None or start is None or start[1] is None or node.op != "relu" or choose(node) is not None:
            continue
        if isinstance(start[1], partial) and start[1].func is _pair and not start[1].args[1] and _plain(node):
            whole = replace(start[0], outputs=node.outputs)
            found[before], found[i] = None, (whole, partial(_pair, whole.op, True))
    return [one for one in found if one is not None]


def pooled_first(nodes: Sequence[Node], kept: Collection[str], choose: Callable[[Node], Any]) -> list[Node]:
    """Return the nodes with a relu after the max pool of its result, which is smaller, instead of before it.

    Values and gradients are the same: where the largest of a window is not above 0, no element of it has a gradient.
    """
    uses = Counter(name for node in nodes for name in node.inputs)
    made_by = {name: i for i, node in enumerate(nodes) for name in node.outputs}
    found = list(nodes)
    for i, pool in enumerate(nodes):
        before = made_by.get(pool.inputs[0] or "") if pool.op == "max_pool" else None
        relu = None if before is None else found[before]
        if before is None or relu is None or relu.op != "relu" or not _plain(relu):
            continue
        inner = relu.outputs[0]
        if uses[inner] == 1 and inner not in kept and choose(relu) is None and choose(pool) is None:
            found[before] = replace(pool, inputs=relu.inputs, outputs=relu.outputs)
            found[i] = replace(relu, inputs=relu.outputs, outputs=pool.outputs)
    return found


def _fits(start: tuple[Node, Any], node: Node, types: Mapping[str, TensorType], weights: Collection[str]) -> bool:
    first, pair = start
    bias = node.inputs[1]
    if pair is not None or first.op not in FIRST or bias not in weights or bias is None:
        return False
    y, b, kernel = types[first.outputs[0]], types[bias], types[str(first.inputs[1])]
    last = first.op != "conv" or first.attrs.get("data_format") == "channels_last"
    matrix = first.op != "matmul" or (len(kernel.shape) == 2 and len(types[str(first.inputs[0])].shape) >= 2)
    return y.dtype in DTYPES and last and matrix and len(b.shape) == 1 and b.shape[0] == y.shape[-1]


def _plain(node: Node) -> bool:
    spec = find_op("relu")
    assert spec is not None  # noqa: S101  (a built-in op)
    attrs = complete(spec, node.attrs)
    return not attrs["negative_slope"] and attrs["max_value"] is None and not attrs["threshold"]


def _pair(
    op: str, relu: bool, wanted: Sequence[bool], x: Array, kernel: Array, bias: Array, **attrs: Any
) -> tuple[Array, Callable[[Array], Gradients]]:
    made = FIRST[op](x, kernel, **attrs)
    zero = x.dtype.type(0)

    def tail(out: Array) -> None:
        out += bias
        if relu:
            np.maximum(out, zero, out=out)

    y = made.forward(tail)

    def back(g: Array) -> Gradients:
        g = _through_relu(g, y) if relu else g
        return (*made.back(g, wanted[:2]), fitted(g, bias) if wanted[2] else None)

    return y, back


def _through_relu(g: Array, y: Array) -> Array:
    found = np.empty(g.shape, g.dtype)

    def run(part: slice) -> None:
        np.multiply(g[part], y[part] > 0, out=found[part])

    each_part(len(g), g.size, run)
    return found
