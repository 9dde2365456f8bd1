"""Each numbered case of each pass; and optimised equals plain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.passes import Program, optimize
from kconvert_runtime.passes.drop_identities import drop_identities as drop
from kconvert_runtime.passes.fold_constants import fold_constants
from kconvert_runtime.passes.fold_scales import fold_scales
from kconvert_runtime.passes.merge_offsets import merge_offsets
from kconvert_runtime.passes.pool_first import pool_first
from kconvert_runtime.passes.share_equals import share_equals
from kconvert_runtime.passes.split_batch_norm import split_batch_norm
from kconvert_schemas import Graph, Node, TensorType, check
from tests.helpers import F, dense_graph, make_graph

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


def drop_identities(graph: Graph) -> Graph:
    return drop(Program(graph, {})).graph


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


RNG = np.random.default_rng(5)
WEIGHTS = {
    "kernel": RNG.normal(size=(3, 3, 2, 4)).astype(F),
    "across": RNG.normal(size=(3, 3, 4, 2)).astype(F),
    "matrix": RNG.normal(size=(2, 4)).astype(F),
    "mean": RNG.normal(size=4).astype(F),
    "variance": RNG.uniform(0.5, 2, size=4).astype(F),
    "gamma": RNG.normal(size=4).astype(F),
    "beta": RNG.normal(size=4).astype(F),
}
IMAGE = {"x": TensorType((None, 5, 5, 2), F)}
CONV = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1, "data_format": "channels_last"}
BACK = {"strides": [2, 2], "padding": "same", "output_padding": None, "dilation_rate": [1, 1],
        "data_format": "channels_last"}  # fmt: skip
NORM = {"axis": 3, "epsilon": 1e-3, "momentum": 0.99}


def node(op: str, name: str, *inputs: str | None, **attrs: object) -> Node:
    return Node(op, name, "", inputs, (name,), attrs)


def program(*nodes: Node, outputs: tuple[str, ...], inputs: dict[str, TensorType] = IMAGE) -> Program:
    return Program(make_graph(inputs, nodes, outputs, WEIGHTS), WEIGHTS)


def same_results(before: Program, after: Program) -> None:
    shapes = [[3, *port.type.shape[1:]] for port in before.graph.inputs.ports]
    arrays = [RNG.normal(size=shape).astype(F) for shape in shapes]
    results = [Model(p.graph, p.weights, optimize=False)(*arrays) for p in (before, after)]
    for plain, changed in zip(*results, strict=True):
        np.testing.assert_allclose(changed, plain, rtol=2e-6, atol=2e-6 * np.abs(plain).max())


@pytest.mark.parametrize("gamma", ["gamma", None])
@pytest.mark.parametrize("beta", ["beta", None])
def test_split_case_1_known_statistics(gamma: str | None, beta: str | None) -> None:
    before = program(
        node("conv", "c", "x", "kernel", **CONV), node("batch_norm", "b", "c", "mean", "variance", gamma, beta, **NORM),
        outputs=("b",),
    )  # fmt: skip
    after = split_batch_norm(before)
    assert ops(after.graph) == ["conv", "multiply", "add"]
    same_results(before, after)
    check(after.graph)


def test_split_case_1_along_an_axis_in_the_middle() -> None:
    before = program(
        node("batch_norm", "b", "x", "mean", "variance", **{**NORM, "axis": 1}), outputs=("b",),
        inputs={"x": TensorType((None, 4, 3, 2), F)},
    )  # fmt: skip
    same_results(before, split_batch_norm(before))


def test_split_case_2_computed_statistics_are_left() -> None:
    inputs = {**IMAGE, "m": TensorType((4,), F)}
    before = program(
        node("conv", "c", "x", "kernel", **CONV), node("batch_norm", "b", "c", "m", "variance", **NORM),
        outputs=("b",), inputs=inputs,
    )  # fmt: skip
    assert split_batch_norm(before) is before


def test_fold_case_1_a_scale_after_a_convolution() -> None:
    before = program(
        node("conv", "c", "x", "kernel", **CONV), node("multiply", "s", "c", "gamma"), node("relu", "r", "s"),
        outputs=("r",),
    )  # fmt: skip
    after = fold_scales(before)
    assert ops(after.graph) == ["conv", "relu"]
    same_results(before, after)


def test_fold_case_1_a_scale_after_a_product() -> None:
    before = program(
        node("matmul", "c", "x", "matrix"), node("multiply", "s", "c", "gamma"), outputs=("s",),
        inputs={"x": TensorType((None, 2), F)},
    )  # fmt: skip
    after = fold_scales(before)
    assert ops(after.graph) == ["matmul"]
    same_results(before, after)


def test_fold_case_2_a_bias_between() -> None:
    before = program(
        node("conv", "c", "x", "kernel", **CONV), node("add", "o", "c", "beta"), node("multiply", "s", "o", "gamma"),
        node("add", "t", "s", "mean"), node("multiply", "u", "t", "variance"), outputs=("u",),
    )  # fmt: skip
    after = fold_scales(before)
    assert ops(after.graph) == ["conv", "add", "add", "multiply"]  # only one constant between is looked through
    same_results(before, after)


def test_fold_case_3_a_transposed_convolution() -> None:
    before = program(
        node("conv_transpose", "c", "x", "across", **BACK), node("multiply", "s", "c", "gamma"), outputs=("s",)
    )
    after = fold_scales(before)
    assert ops(after.graph) == ["conv_transpose"]
    same_results(before, after)


def test_fold_case_4_a_value_with_other_readers_is_left() -> None:
    before = program(
        node("conv", "c", "x", "kernel", **CONV), node("multiply", "s", "c", "gamma"), node("add", "a", "c", "s"),
        outputs=("a",),
    )  # fmt: skip
    assert fold_scales(before) is before
    shown = program(node("conv", "c", "x", "kernel", **CONV), node("multiply", "s", "c", "gamma"), outputs=("s", "c"))
    assert fold_scales(shown) is shown


def test_fold_case_4_a_folded_value_with_several_readers_is_scaled_no_further() -> None:
    before = program(
        node("conv", "c", "x", "kernel", **CONV), node("multiply", "s", "c", "gamma"),
        node("multiply", "t", "s", "beta"), node("add", "a", "s", "t"), outputs=("a",),
    )  # fmt: skip
    after = fold_scales(before)
    assert ops(after.graph) == ["conv", "multiply", "add"]
    same_results(before, after)


def test_all_passes_fold_a_normalised_convolution() -> None:
    before = program(
        node("conv", "c", "x", "kernel", **CONV), node("add", "o", "c", "beta"), node("dropout", "d", "o", rate=0.5),
        node("batch_norm", "b", "d", "mean", "variance", "gamma", None, **NORM), node("relu", "r", "b"), outputs=("r",),
    )  # fmt: skip
    after = optimize(before)
    assert ops(after.graph) == ["conv", "add", "relu"]
    same_results(before, after)


def test_constants_case_1_and_2_values_and_what_is_computed_from_them() -> None:
    before = program(
        node("constant", "two", value=2.0, dtype="float32"), node("multiply", "m", "gamma", "two"),
        node("conv", "c", "x", "kernel", **CONV), node("add", "a", "c", "m"), outputs=("a",),
    )  # fmt: skip
    after = fold_constants(before)
    assert ops(after.graph) == ["conv", "add"]
    assert after.weights["m"].tolist() == (WEIGHTS["gamma"] * 2).tolist()
    same_results(before, after)


def test_constants_case_3_what_cannot_be_computed_now_is_left() -> None:
    before = program(node("constant", "zero", value=0, dtype="int32"), node("mod", "bad", "zero", "zero"),
                     node("cast", "b", "bad", dtype="float32"), node("add", "a", "x", "b"), outputs=("a",))  # fmt: skip
    assert ops(fold_constants(before).graph) == ["mod", "cast", "add"]


def adds(*constants: tuple[str, str, str], dtype: str = "float32", outputs: tuple[str, ...] = ("c",)) -> Program:
    """Nodes (name, input, constant) that add weights to x (None, 4)."""
    weights = {"one": np.ones(4, dtype), "two": np.full((1, 4), 2, dtype), "three": np.full((), 3, dtype),
               "rows": np.ones((5, 1, 4), dtype)}  # fmt: skip
    nodes = [Node("add", name, "", (x, constant), (name,), {}) for name, x, constant in constants]
    graph = make_graph({"x": TensorType((None, 4), dtype)}, nodes, list(outputs), weights)
    return Program(graph, weights)


def test_offsets_case_1_and_2_adds_in_a_row_are_one() -> None:
    program = adds(("a", "x", "one"), ("b", "a", "two"), ("c", "b", "three"))
    merged = merge_offsets(program)
    assert ops(merged.graph) == ["add"]
    x = np.arange(8, dtype=F).reshape(2, 4)
    (y,) = Model(merged.graph, merged.weights, optimize=False)(x)
    np.testing.assert_array_equal(y, x + 6)


@pytest.mark.parametrize(
    "program",
    [
        adds(("a", "x", "one"), ("c", "a", "two"), outputs=("c", "a")),
        adds(("a", "x", "one"), ("b", "a", "two"), ("c", "a", "three"), outputs=("b", "c")),
        adds(("a", "x", "one"), ("c", "a", "rows")),
        adds(("a", "x", "one"), ("c", "a", "two"), dtype="float16"),
    ],
    ids=["read as an output", "read twice", "larger", "16 bits"],
)
def test_offsets_case_3_the_others_are_left(program: Program) -> None:
    assert merge_offsets(program) is program


def pooled(*steps: Node, data_format: str = "channels_last", dtype: str = "float32", read: bool = False) -> Program:
    """x -> the steps, each reading the one before -> max_pool."""
    rng = np.random.default_rng(3)
    shape = (None, 6, 6, 4) if data_format == "channels_last" else (None, 4, 6, 6)
    weights = {"bias": rng.normal(size=4).astype(dtype), "planes": rng.normal(size=(4, 1, 1)).astype(dtype),
               "rows": rng.normal(size=(6, 1)).astype(dtype)}  # fmt: skip
    attrs = {"pool_size": [2, 3], "strides": [2, 3], "padding": "same", "data_format": data_format}
    nodes = [*steps, Node("max_pool", "pool", "", (steps[-1].outputs[0],), ("pool",), attrs)]
    outputs = ["pool", steps[-1].outputs[0]] if read else ["pool"]
    return Program(make_graph({"x": TensorType(shape, dtype)}, nodes, outputs, weights), weights)


def step(op: str, x: str, y: str, *others: str, **attrs: object) -> Node:
    return Node(op, y, "", (x, *others), (y,), attrs)


@pytest.mark.parametrize(
    "program",
    [
        pooled(step("relu", "x", "a")),
        pooled(step("add", "x", "a", "bias")),
        pooled(step("add", "x", "a", "planes"), data_format="channels_first"),
        pooled(step("add", "x", "a", "bias"), step("leaky_relu", "a", "b"), step("tanh", "b", "c")),
    ],
    ids=["1: an activation", "2: a bias", "2: a bias, channels first", "3: several"],
)
def test_the_largest_is_taken_first(program: Program) -> None:
    moved = pool_first(program)
    assert ops(moved.graph) == ["max_pool", *ops(program.graph)[:-1]]
    check(moved.graph)
    x = np.random.default_rng(5).normal(size=(2, *program.graph.inputs.ports[0].type.shape[1:])).astype(F)
    results = [Model(one.graph, one.weights, optimize=False)(x) for one in (moved, program)]
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    "program",
    [
        pooled(step("silu", "x", "a")),
        pooled(step("relu", "x", "a", negative_slope=-0.1)),
        pooled(step("add", "x", "a", "rows")),
        pooled(step("add", "x", "a", "x")),
        pooled(step("relu", "x", "a"), read=True),
        pooled(step("relu", "x", "a"), dtype="float16"),
    ],
    ids=["it falls", "it falls below 0", "places", "no constant", "read elsewhere", "16 bits"],
)
def test_case_4_other_functions_stay_before_the_pooling(program: Program) -> None:
    assert pool_first(program) is program


def twice(*nodes: Node, outputs: tuple[str, ...]) -> Program:
    weights = {"k": np.eye(4, dtype=F)}
    return Program(make_graph({"x": TensorType((None, 4), F)}, list(nodes), list(outputs), weights), weights)


def test_equals_case_1_to_3_are_computed_once() -> None:
    program = twice(
        step("matmul", "x", "a", "k"), step("matmul", "x", "b", "k"), step("softmax", "a", "c", axes=[1]),
        step("softmax", "b", "d", axes=[1]), step("add", "c", "e", "d"), outputs=("e", "d"),
    )  # fmt: skip
    shared = share_equals(program)
    assert ops(shared.graph) == ["matmul", "softmax", "add"]
    assert [port.value for port in shared.graph.outputs.ports] == ["e", "c"]
    check(shared.graph)
    x = np.arange(8, dtype=F).reshape(2, 4)
    results = [Model(one.graph, one.weights, optimize=False)(x) for one in (shared, program)]
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    "program",
    [
        twice(step("softmax", "x", "a", axes=[1]), step("softmax", "x", "b", axes=[0]), outputs=("a", "b")),
        twice(step("relu", "x", "a"), step("relu", "a", "b"), outputs=("a", "b")),
        twice(step("matmul", "x", "a", "k"), step("subtract", "x", "b", "a"), step("subtract", "a", "c", "x"),
              outputs=("b", "c")),
    ],
    ids=["attributes", "inputs", "order"],
)  # fmt: skip
def test_equals_case_4_what_differs_is_left(program: Program) -> None:
    assert share_equals(program) is program
