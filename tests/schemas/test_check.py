"""Every rule of FORMAT.md, broken once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kconvert_schemas import Graph, GraphError, Layer, Node, Port, Signature, TensorType, check
from tests.helpers import F, dense_graph

G = dense_graph()
MATMUL, RELU = G.nodes


def with_nodes(*nodes: Node) -> Graph:
    return replace(G, nodes=nodes)


BROKEN = {
    "written twice": with_nodes(MATMUL, RELU, replace(RELU, name="again")),
    "before anything writes it": with_nodes(RELU, MATMUL),
    "unknown op 'relo'": with_nodes(MATMUL, replace(RELU, op="relo")),
    "needs its input": with_nodes(replace(MATMUL, inputs=("x", None)), RELU),
    "got 1 inputs": with_nodes(replace(MATMUL, inputs=("x",)), RELU),
    "has no attribute 'alpha'": with_nodes(MATMUL, replace(RELU, attrs={"alpha": 1.0})),
    "must be a number": with_nodes(MATMUL, replace(RELU, attrs={"threshold": "low"})),
    "is declared float32": replace(G, values={**G.values, "mm": TensorType((None, 4), F)}),
    "is not in values": replace(G, values={"act": G.values["act"]}),
    "no node writes 'ghost'": replace(G, values={**G.values, "ghost": TensorType((), F)}),
    "the name is empty or taken": with_nodes(MATMUL, replace(RELU, name="mm")),
    "must name each tensor once": replace(G, outputs=replace(G.outputs, structure=["y", "y"])),
    "which is not there": replace(G, outputs=Signature("y", (Port("y", "gone", G.values["act"]),))),
    "its value is float32": replace(G, outputs=Signature("y", (Port("y", "act", TensorType((3,), F)),))),
    "which no node writes": replace(G, layers={"dense": Layer("Dense", (("gone",),))}),
    "install the package": replace(G, opsets={"acme": 1}),
    "version 99": replace(G, opsets={"kconvert": 99}),
    "unknown dtype": replace(G, inputs=Signature("x", (Port("x", "x", TensorType((None, 2), "float31")),))),
    "1 outputs, 2 are named": with_nodes(replace(MATMUL, outputs=("mm", "mm2")), RELU),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_rule_is_named(message: str) -> None:
    with pytest.raises(GraphError) as caught:
        check(BROKEN[message])
    assert message in str(caught.value)


def test_all_problems_are_reported_at_once() -> None:
    both: Any = with_nodes(replace(MATMUL, attrs={"a": 1}), replace(RELU, op="relo"))
    with pytest.raises(GraphError) as caught:
        check(both)
    assert "has no attribute 'a'" in str(caught.value)
    assert "'relo'" in str(caught.value)


def test_attributes_are_completed() -> None:
    assert check(G).nodes[1].attrs == {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}
