"""How much work a node is: multiplications with additions, for the ops that consist of such."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from kconvert_schemas.graph import Node

Shape: TypeAlias = tuple[int, ...]
Count: TypeAlias = Callable[[Node, Sequence["Shape | None"], Shape], int]


def multiply_adds(node: Node, inputs: Sequence[Shape | None], output: Shape) -> int:
    """Return the multiplications, each with an addition, of a node; 0 for an op that is not made of sums of products.

    inputs, output: shapes of its inputs (None: left out) and of its first output.
    """
    count = COUNTS.get(node.op)
    return count(node, inputs, output) if count else 0


def _product(node: Node, inputs: Sequence[Shape | None], output: Shape) -> int:
    x = inputs[0] or ()
    return math.prod(output) * (x[-1] if x else 0)


def _einsum(node: Node, inputs: Sequence[Shape | None], output: Shape) -> int:
    terms = str(node.attrs["equation"]).replace(" ", "").partition("->")[0].split(",")
    if any("." in term for term in terms):
        return 0
    sizes = {label: size for term, shape in zip(terms, inputs, strict=False) for label, size in
             zip(term, shape or (), strict=False)}  # fmt: skip
    return math.prod(sizes.values()) if len(terms) > 1 else 0


def _attention(node: Node, inputs: Sequence[Shape | None], output: Shape) -> int:
    """Both products, as a plan joins them: queries, keys, ..., values."""
    scores, context = str(node.attrs["scores"]), str(node.attrs["context"])
    sizes = {label: size for term, shape in zip(scores.partition("->")[0].split(","), inputs, strict=False)
             for label, size in zip(term, shape or (), strict=False)}  # fmt: skip
    return math.prod(sizes.values()) + math.prod(output) * sizes[context.partition(",")[0][-1]]


def _conv(node: Node, inputs: Sequence[Shape | None], output: Shape) -> int:
    return math.prod(output) * math.prod((inputs[1] or (0,))[:-1])


def _conv_transpose(node: Node, inputs: Sequence[Shape | None], output: Shape) -> int:
    x, kernel = inputs[0] or (), inputs[1] or (0,)
    return math.prod(x) * math.prod(kernel[:-1])


def _recurrent(node: Node, inputs: Sequence[Shape | None], output: Shape) -> int:
    """Both products of each step, for one direction or, as a plan joins them, both, which have twice the outputs."""
    x, kernel, recurrent = inputs[0] or (), inputs[1] or (0, 0), inputs[2] or (0, 0)
    directions = len(node.outputs) // (4 if node.op == "lstm" else 3)
    return directions * math.prod(x[:2]) * (math.prod(kernel) + math.prod(recurrent))


COUNTS: dict[str, Count] = {
    "matmul": _product,
    "einsum": _einsum,
    "attention": _attention,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "lstm": _recurrent,
    "gru": _recurrent,
    "simple_rnn": _recurrent,
}
