"""Each numbered case of each pass; and optimised equals plain."""

from __future__ import annotations

from dataclasses import replace

from kconvert_runtime.passes.drop_identities import drop_identities
from kconvert_schemas import Graph, Node, check
from tests.helpers import dense_graph

G = dense_graph()
TYPE = G.values["act"]


def after(*nodes: Node, output: str) -> Graph:
    """The dense graph with `nodes` after its relu, and another output."""
    values = {**G.values, **{name: TYPE for node in nodes for name in node.outputs}}
    port = replace(G.outputs.ports[0], value=output)
    graph = replace(G, nodes=(*G.nodes, *nodes), values=values, outputs=replace(G.outputs, ports=(port,)))
    return check(graph)


DROPOUT = Node("dropout", "drop", "", ("act",), ("drop",), {"rate": 0.5})
TANH = Node("tanh", "t", "", ("drop",), ("t",), {})


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def test_case_1_dropout_is_dropped() -> None:
    graph = drop_identities(after(DROPOUT, TANH, output="t"))
    assert ops(graph) == ["matmul", "relu", "tanh"]
    assert graph.nodes[-1].inputs == ("act",)
    check(graph)


def test_case_2_a_cast_to_the_same_dtype_is_dropped() -> None:
    same = Node("cast", "drop", "", ("act",), ("drop",), {"dtype": "float32"})
    assert ops(drop_identities(after(same, TANH, output="t"))) == ["matmul", "relu", "tanh"]


def test_case_3_a_transpose_in_place_is_dropped() -> None:
    same = Node("transpose", "drop", "", ("act",), ("drop",), {"axes": [0, 1]})
    assert ops(drop_identities(after(same, TANH, output="t"))) == ["matmul", "relu", "tanh"]


def test_case_4_chains_are_dropped() -> None:
    again = Node("dropout", "drop2", "", ("drop",), ("drop2",), {"rate": 0.5})
    last = replace(TANH, inputs=("drop2",))
    assert ops(drop_identities(after(DROPOUT, again, last, output="t"))) == ["matmul", "relu", "tanh"]


def test_case_5_an_output_moves_to_the_input() -> None:
    graph = drop_identities(after(DROPOUT, output="drop"))
    assert graph.outputs.ports[0].value == "act"
    check(graph)


def test_a_graph_without_identities_is_untouched() -> None:
    assert drop_identities(G) is G
