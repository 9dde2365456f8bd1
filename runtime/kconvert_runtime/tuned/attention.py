"""Attention without its matrix of weights: scores, softmax and weighted sum for some queries at a time, in cache.

Where an einsum, a softmax of it along its last axis, and an einsum of that follow each other, they become one node
`attention`, which only plans know. Its inputs are those of the first einsum and of its tail, then the values.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from string import ascii_letters
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType

from ..calls import Do
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied
from .einsum import Product, cost_of, product_of
from .fuse import DTYPES, Group
from .rowwise import softmax_into
from .site import Site, row_blocks, whole
from .tail import Finish, on_blocks
from .tape import Block

OP = "attention"
SCORES = 1 << 17
"""Scores that one thread holds at a time."""


def join(groups: Sequence[Group], types: Mapping[str, TensorType], kept: Collection[str]) -> list[Group]:
    """Let scores, softmax and weighted sum run as one, where nothing else reads what is between them."""
    readers: dict[str, int] = dict.fromkeys(kept, 2)
    for value in (value for one in groups for node in one.nodes for value in node.inputs if value is not None):
        readers[value] = readers.get(value, 0) + 1
    home = {one.output: one for one in groups}
    joined: dict[str, Group] = {}
    gone: set[str] = set()
    for one in groups:
        found = _joined(one, home, readers, types)
        if found is not None:
            scores, softmax, joined[one.output] = found
            gone |= {scores.output, softmax.output}
    return [joined.get(one.output, one) for one in groups if one.output not in gone]


def _joined(
    one: Group, home: Mapping[str, Group], readers: Mapping[str, int], types: Mapping[str, TensorType]
) -> tuple[Group, Group, Group] | None:
    """Return the groups of scores and softmax, and the group that takes the place of both and of `one`."""
    last = one.first
    if last is None or last.op != "einsum" or len(last.inputs) != 2 or types[last.outputs[0]].dtype not in DTYPES:
        return None
    for place in (0, 1):
        softmax = home.get(str(last.inputs[place]))
        scores = home.get(str(softmax.nodes[0].inputs[0])) if softmax else None
        if softmax is None or scores is None or readers[softmax.output] > 1 or readers[scores.output] > 1:
            continue
        if not _is_softmax(softmax, types) or scores.first is None or scores.first.op != "einsum":
            continue
        attrs = _attrs(scores, last, place, types)
        if attrs is not None:
            inputs = (*scores.first.inputs, *scores.extras, last.inputs[1 - place])
            node = replace(last, op=OP, inputs=inputs, attrs=attrs)
            nodes = (node, *scores.nodes, *softmax.nodes, *one.nodes[1:])
            return scores, softmax, Group(nodes, node, one.extras, one.tail)
    return None


def _is_softmax(one: Group, types: Mapping[str, TensorType]) -> bool:
    node = one.nodes[0]
    rank = len(types[node.outputs[0]].shape)
    return len(one.nodes) == 1 and node.op == "softmax" and [axis % rank for axis in node.attrs["axes"]] == [rank - 1]


def _attrs(scores: Group, last: Node, place: int, types: Mapping[str, TensorType]) -> dict[str, Any] | None:
    """Return the equations, with the same labels in both, and the tail of the scores; None if they do not fit."""
    first = scores.first
    assert first is not None  # noqa: S101  (the caller has looked)
    equation, other = (str(node.attrs["equation"]).replace(" ", "") for node in (first, last))
    (_, result), (operands, context) = _terms(equation), _terms(other)
    if "." in equation + other or len(operands) != 2 or len(operands[place]) != len(result):
        return None
    same = dict(zip(operands[place], result, strict=True))
    fresh = (label for label in ascii_letters if label not in equation)
    for label in operands[1 - place] + context:
        if label not in same:
            same[label] = next(fresh)
    values, context = ("".join(same[label] for label in term) for term in (operands[1 - place], context))
    if any(label not in context for label in result[:-1]) or result[-1] in context:
        return None
    second = f"{result},{values}->{context}"
    x, z, scored, v = (tuple(n or 0 for n in types[str(value)].shape)
                       for value in (*first.inputs, first.outputs[0], last.inputs[1 - place]))  # fmt: skip
    if product_of(equation, x, z) is None or product_of(second, scored, v) is None:
        return None
    return {"scores": equation, "context": second, "tail": scores.tail}


def in_cache(site: Site) -> Call:
    """Blocks of the scores, all along the axis of the softmax."""
    attrs, values = site.node.attrs, site.own - 1
    (left, right), result = _terms(attrs["scores"])
    (_, third), context = _terms(attrs["context"])
    scored = _scored(site)
    blocks = list(row_blocks(scored, max(SCORES // scored[-1], 1), site.threads))
    extras = [(site.shape_of(i), site.constants[i]) for i in range(2, values)]
    bind = on_blocks(attrs["tail"], extras, scored, blocks) if attrs["tail"] else None
    after = whole(site) if site.tail else None
    products: dict[tuple[int, ...], tuple[Product, Product]] = {}

    def run(do: Do, y: Array, *arrays: Array) -> None:
        def work(do: Do, block: Block, finish: Finish | None) -> None:
            cuts = dict(zip(result, block, strict=False))
            x, z, v, out = (
                array[tuple(cuts.get(label, slice(None)) for label in term)]
                for array, term in ((arrays[0], left), (arrays[1], right), (arrays[values], third), (y, context))
            )
            shape = tuple(len(range(size)[cuts.get(label, slice(None))]) for label, size in
                          zip(result, scored, strict=True))  # fmt: skip
            if shape not in products:
                products[shape] = _both(attrs, (x.shape, z.shape, v.shape), shape)
            first, second = products[shape]
            scores = do.scratch("scores", shape, y.dtype)
            first.multiply(do, x, z, scores, alone=site.alone)
            if finish:
                finish(do, scores, block)
            softmax_into(do, scores, scores)
            second.multiply(do, scores, v, out, alone=site.alone)

        def fill(do: Do, some: Sequence[Block]) -> None:
            finish = bind(do, arrays[2:values]) if bind else None
            for block in some:
                work(do, block, finish)

        do.each(fill, blocks, shared=site.threads > 1)
        if after:
            after(do, y, *arrays)

    return run


def _cost(site: Site) -> Cost:
    scored, tail = _scored(site), site.node.attrs["tail"]
    first, second = _both(site.node.attrs, [site.shape_of(i) for i in (0, 1, site.own - 1)], scored)
    cost = cost_of(first) + cost_of(second) + copied(math.prod(scored), 4)
    return cost + tail.cost(math.prod(scored)) if tail else cost


def _scored(site: Site) -> tuple[int, ...]:
    """The shape of all scores."""
    terms, result = _terms(site.node.attrs["scores"])
    sizes = dict(zip("".join(terms), site.shape_of(0) + site.shape_of(1), strict=True))
    return tuple(sizes[label] for label in result)


def _both(
    attrs: Mapping[str, Any], shapes: Sequence[tuple[int, ...]], scored: tuple[int, ...]
) -> tuple[Product, Product]:
    """Return both products, for queries, keys and values of these shapes, or parts of them."""
    first = product_of(attrs["scores"], *shapes[:2])
    second = product_of(attrs["context"], scored, shapes[2])
    assert first is not None and second is not None  # noqa: S101  (what is joined has both)
    return first, second


def _terms(equation: str) -> tuple[list[str], str]:
    """Return the terms of the operands, and that of the result."""
    terms, _, result = equation.partition("->")
    return terms.split(","), result


candidate(OP, "in blocks", _cost)(in_cache)
