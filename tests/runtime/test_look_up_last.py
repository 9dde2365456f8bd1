"""What is computed from rows of a table, computed from the table: the numbered cases."""

from __future__ import annotations

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.passes import Program
from kconvert_runtime.passes.look_up_last import look_up_last
from kconvert_schemas import InputError, Node, TensorType, check
from tests.helpers import F, make_graph

TABLE = {
    "t": np.random.default_rng(1).normal(size=(9, 6)).astype(F), "k": np.linspace(-1, 1, 24, dtype=F).reshape(6, 4),
    "wide": np.ones((6, 40), F), "b": np.arange(4, dtype=F), "rows": np.ones((3, 6), F),
    "half": np.ones((9, 6), np.float16), "one": np.array(2, F), "h": np.ones((6, 4), np.float16),
}  # fmt: skip


def step(op: str, x: str, y: str, *others: str) -> Node:
    return Node(op, y, "", (x, *others), (y,), {})


def ops(program: Program) -> list[str]:
    return [node.op for node in program.graph.nodes]


def looked_up(*nodes: Node, table: str = "t", axis: int = 0, outputs: tuple[str, ...] = ()) -> Program:
    take = Node("take", "e", "", (table, "x"), ("e",), {"axis": axis})
    ends = list(outputs) or [nodes[-1].outputs[0]]
    return Program(make_graph({"x": TensorType((None, 3), "int32")}, [take, *nodes], ends, TABLE), TABLE)


@pytest.mark.parametrize(
    "program",
    [
        looked_up(step("matmul", "e", "a", "k")),
        looked_up(step("add", "e", "a", "one")),
        looked_up(step("matmul", "e", "a", "k"), step("add", "a", "c", "b")),
        looked_up(step("matmul", "e", "a", "k"), step("add", "a", "c", "b"), axis=-2),
    ],
    ids=["1: a product", "2: a number", "3: a bias after it", "3: from the other end"],
)
def test_a_table_is_looked_up_last(program: Program) -> None:
    moved = look_up_last(program)
    assert ops(moved) == ["take"]
    check(moved.graph)
    x = np.random.default_rng(5).integers(-9, 9, size=(2, 3)).astype(np.int32)
    results = [Model(one.graph, one.weights, optimize=False)(x) for one in (moved, program)]
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "program",
    [
        looked_up(step("matmul", "e", "a", "wide")),
        looked_up(step("matmul", "e", "a", "k"), step("relu", "e", "r"), outputs=("a", "r")),
        looked_up(step("matmul", "e", "a", "k"), outputs=("a", "e")),
        looked_up(step("add", "e", "a", "rows")),
        looked_up(step("add", "e", "a", "e")),
        looked_up(step("matmul", "e", "a", "h"), table="half"),
        looked_up(step("relu", "e", "a")),
    ],
    ids=["larger", "read elsewhere", "an output", "rows", "no weights", "16 bits", "another function"],
)
def test_table_case_4_is_left(program: Program) -> None:
    assert look_up_last(program) is program


def test_an_index_outside_of_a_changed_table_is_blamed_on_the_embedding() -> None:
    program = looked_up(step("matmul", "e", "a", "k"))
    model = Model(program.graph, program.weights)
    with pytest.raises(InputError, match="'e' cannot run take"):
        model(np.full((1, 3), 9, np.int32))


def test_a_table_with_other_axes_is_left() -> None:
    program = looked_up(step("matmul", "e", "a", "rows"), table="k", axis=1)
    assert look_up_last(program) is program
