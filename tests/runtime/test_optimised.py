"""Optimised equals plain: hand-made graphs for each mechanism, and random graphs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kconvert_runtime import Model
from kconvert_runtime.tuned import site
from kconvert_runtime.tuned.fuse import group
from kconvert_runtime.tuned.specialise import concrete_types
from kconvert_schemas import Graph, Node, TensorType
from tests.helpers import F, make_graph

RNG = np.random.default_rng(3)
CONV = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1, "data_format": "channels_last"}
UNARY = (
    "relu", "relu6", "leaky_relu", "elu", "sigmoid", "silu", "tanh", "gelu", "softplus", "softsign", "hard_sigmoid",
    "hard_silu", "hard_tanh", "erf", "negative", "abs", "softmax", "mish",
)  # fmt: skip
BINARY = ("add", "subtract", "multiply", "maximum", "minimum")


def assert_close(graph: Graph, weights: dict[str, np.ndarray], *arrays: np.ndarray) -> None:
    model, plain = Model(graph, weights), Model(graph, weights, optimize=False)
    others = [np.flip(array) for array in arrays]
    for inputs, results in [(inputs, model(*inputs)) for inputs in (others, arrays, others)]:  # compared after all runs
        for mine, expected in zip(results, plain(*inputs), strict=True):
            np.testing.assert_allclose(mine, expected, rtol=0, atol=2e-5 * max(np.abs(expected).max(initial=0), 1e-3))


def attrs(op: str) -> dict[str, object]:
    return {"axes": [-1]} if op == "softmax" else {}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, dict[str, np.ndarray]]:
    """Images through a few ops, each of which reads values from anywhere before it."""
    weights = {
        "k3": RNG.normal(size=(3, 3, 4, 4)).astype(F) / 5,
        "k1": RNG.normal(size=(1, 1, 4, 4)).astype(F) / 3,
        "m": RNG.normal(size=(4, 4)).astype(F) / 3,
        "bias": RNG.normal(size=(4,)).astype(F),
        "one": np.float32(1.5).reshape(()),
        "plane": RNG.normal(size=(6, 5, 1)).astype(F),
        "mean": RNG.normal(size=(4,)).astype(F),
        "variance": RNG.uniform(0.3, 2, size=(4,)).astype(F),
    }
    values, nodes = ["x"], []
    for i in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(["unary", "unary", "binary", "constant", "conv", "matmul", "batch_norm"]))
        x, name = draw(st.sampled_from(values)), f"v{i}"
        if kind == "unary":
            op = draw(st.sampled_from(UNARY))
            nodes.append(Node(op, name, "", (x,), (name,), attrs(op)))
        elif kind == "binary":
            nodes.append(Node(draw(st.sampled_from(BINARY)), name, "", (x, draw(st.sampled_from(values))), (name,), {}))
        elif kind == "constant":
            other = draw(st.sampled_from(["bias", "one", "plane"]))
            nodes.append(Node(draw(st.sampled_from(BINARY)), name, "", (x, other), (name,), {}))
        elif kind == "conv":
            nodes.append(Node("conv", name, "", (x, draw(st.sampled_from(["k3", "k1"]))), (name,), CONV))
        elif kind == "matmul":
            nodes.append(Node("matmul", name, "", (x, "m"), (name,), {}))
        else:
            nodes.append(Node("batch_norm", name, "", (x, "mean", "variance", None, "bias"), (name,),
                              {"axis": 3, "epsilon": 1e-3, "momentum": 0.9}))  # fmt: skip
        values.append(name)
    outputs = draw(st.lists(st.sampled_from(values[1:]), min_size=1, max_size=3, unique=True))
    return make_graph({"x": TensorType((None, 6, 5, 4), F)}, nodes, outputs, weights), weights


@settings(max_examples=60, deadline=None)
@given(graphs(), st.sampled_from([0, 1, 3]))
def test_random_graphs(made: tuple[Graph, dict[str, np.ndarray]], batch: int) -> None:
    assert_close(*made, RNG.normal(size=(batch, 6, 5, 4)).astype(F))


@pytest.mark.parametrize("op", UNARY)
def test_each_activation_over_its_range(op: str) -> None:
    """In many blocks, large and small magnitudes, float32 and float64."""
    for dtype in ("float32", "float64"):
        x = np.concatenate([np.linspace(-12, 12, 70001), np.geomspace(1e-9, 80, 500), [0.0]]).astype(dtype)[None]
        graph = make_graph(
            {"x": TensorType((None, x.shape[1]), dtype)},
            [Node("negative", "n", "", ("x",), ("n",), {}), Node(op, "y", "", ("n",), ("y",), attrs(op))],
            ["y"],
            {},
        )
        mine, plain = (Model(graph, {}, optimize=optimize)(x)[0] for optimize in (True, False))
        np.testing.assert_allclose(mine, plain, rtol=2e-6, atol=3e-7 * np.abs(plain).max())


def names(graph: Graph, *shapes: tuple[int, ...]) -> list[list[str]]:
    nodes = graph.nodes
    types = concrete_types(graph, nodes, shapes)
    return [[n.op for n in one.nodes] for one in group(nodes, types, {p.value for p in graph.outputs.ports})]


def chain(*steps: tuple[str, str, tuple[str, ...]], outputs: tuple[str, ...]) -> Graph:
    weights = {"m": np.eye(4, dtype=F), "bias": np.ones(4, F)}
    nodes = [Node(op, name, "", inputs, (name,), {}) for op, name, inputs in steps]
    return make_graph({"x": TensorType((None, 4), F)}, nodes, list(outputs), weights)


def test_what_follows_a_product_element_by_element_joins_it() -> None:
    graph = chain(("matmul", "a", ("x", "m")), ("add", "b", ("a", "bias")), ("relu", "c", ("b",)), outputs=("c",))
    assert names(graph, (3, 4)) == [["matmul", "add", "relu"]]


def test_a_value_that_is_an_output_ends_its_group() -> None:
    graph = chain(("matmul", "a", ("x", "m")), ("add", "b", ("a", "bias")), ("relu", "c", ("b",)), outputs=("c", "b"))
    assert names(graph, (3, 4)) == [["matmul", "add"], ["relu"]]


def test_a_residual_joins_the_later_product() -> None:
    graph = chain(
        ("matmul", "a", ("x", "m")), ("matmul", "b", ("a", "m")), ("add", "c", ("a", "b")), ("relu", "d", ("c",)),
        outputs=("d",),
    )  # fmt: skip
    assert names(graph, (3, 4)) == [["matmul"], ["matmul", "add", "relu"]]


def test_both_arms_of_a_gate_stay_together() -> None:
    graph = chain(("matmul", "a", ("x", "m")), ("sigmoid", "b", ("a",)), ("multiply", "c", ("a", "b")), outputs=("c",))
    assert names(graph, (3, 4)) == [["matmul", "sigmoid", "multiply"]]


def test_no_group_waits_for_itself() -> None:
    graph = chain(
        ("matmul", "a", ("x", "m")), ("matmul", "b", ("a", "m")), ("add", "c", ("a", "b")), ("add", "d", ("c", "a")),
        outputs=("d",),
    )  # fmt: skip
    assert names(graph, (3, 4)) == [["matmul"], ["matmul", "add", "add"]]


def test_an_input_is_never_written_to() -> None:
    cast = Node("cast", "a", "", ("x",), ("a",), {"dtype": F})
    graph = make_graph(
        {"x": TensorType((None, 4), F)}, [cast, Node("relu", "b", "", ("a",), ("b",), {})], ["a", "b"], {}
    )
    x = -np.ones((2, 4), F)
    assert Model(graph, {})(x)[1].tolist() == [[0.0] * 4] * 2
    assert (x == -1).all()


def test_results_of_two_runs_do_not_share_memory() -> None:
    graph = chain(("matmul", "a", ("x", "m")), ("relu", "b", ("a",)), outputs=("b",))
    model = Model(graph, {"m": np.eye(4, dtype=F), "bias": np.ones(4, F)})
    first = model(np.ones((3, 4), F))[0]
    model(np.zeros((3, 4), F))
    assert (first == 1).all()


def test_plans_are_bounded_and_threads_share_a_model() -> None:
    graph = chain(
        ("matmul", "a", ("x", "m")), ("relu", "b", ("a",)), ("matmul", "c", ("b", "m")), ("tanh", "d", ("c",)),
        outputs=("d",),
    )  # fmt: skip
    model = Model(graph, {"m": np.eye(4, dtype=F), "bias": np.ones(4, F)})

    def run(rows: int) -> bool:
        x = np.full((rows, 4), rows / 100, F)
        return bool(np.allclose(model(x)[0], np.tanh(x)))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, [n % 23 + 1 for n in range(400)]))
    assert len(model._plans._kept) <= 8


def test_work_in_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "ELEMENTS", 7)
    nodes = [Node("silu", "a", "", ("x",), ("a",), {}), Node("multiply", "b", "", ("a", "z"), ("b",), {}),
             Node("add", "c", "", ("b", "s"), ("c",), {})]  # fmt: skip
    inputs = {"x": TensorType((None, 5, 6, 3), F), "z": TensorType((None, 1, 6, 1), F), "s": TensorType((5, 1, 3), F)}
    graph = make_graph(inputs, nodes, ["c"], {})
    assert_close(graph, {}, *(RNG.normal(size=shape).astype(F) for shape in [(4, 5, 6, 3), (4, 1, 6, 1), (5, 1, 3)]))
    line = make_graph({"x": TensorType((None,), F)}, nodes[:1], ["a"], {})
    assert_close(line, {}, RNG.normal(size=100).astype(F))


PADS = {"pads": [[0, 0], [1, 2], [0, 1], [0, 0]], "mode": "constant", "value": 0.0}
VALID = {**CONV, "padding": "valid", "strides": [2, 1]}
POOL = {"pool_size": [3, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}
IMAGES = {"x": TensorType((None, 6, 5, 4), F)}
K3, ALONE, ONE = (RNG.normal(size=shape).astype(F) for shape in [(3, 3, 4, 4), (3, 3, 1, 4), (1, 1, 4, 4)])


@pytest.mark.parametrize(
    ("node", "weight"),
    [
        (Node("conv", "y", "", ("p", "k"), ("y",), VALID), K3),
        (Node("conv", "y", "", ("p", "k"), ("y",), CONV), K3),
        (Node("conv", "y", "", ("p", "k"), ("y",), CONV), ONE),
        (Node("conv", "y", "", ("p", "k"), ("y",), {**VALID, "groups": 4}), ALONE),
        (Node("max_pool", "y", "", ("p",), ("y",), POOL), None),
    ],
)
def test_zeros_around_an_image_are_left_to_its_reader(node: Node, weight: np.ndarray | None) -> None:
    weights = {} if weight is None else {"k": weight}
    nodes = [Node("pad", "p", "", ("x",), ("p",), PADS), node, Node("relu", "z", "", ("y",), ("z",), {})]
    graph = make_graph(IMAGES, nodes, ["z"], weights)
    x = RNG.normal(size=(2, 6, 5, 4)).astype(F) - 1
    assert_close(graph, weights, x)
    assert_close(graph, weights, x[:0])
    assert [step.node.op for step in Model(graph, weights).plan_for([x]).steps] == [node.op]


def test_a_padded_value_with_other_readers_stays() -> None:
    nodes = [Node("pad", "p", "", ("x",), ("p",), PADS), Node("conv", "y", "", ("p", "k"), ("y",), CONV),
             Node("avg_pool", "z", "", ("p",), ("z",), POOL)]  # fmt: skip
    graph = make_graph(IMAGES, nodes, ["y", "z"], {"k": K3})
    x = RNG.normal(size=(2, 6, 5, 4)).astype(F)
    assert_close(graph, {"k": K3}, x)
    assert [step.node.op for step in Model(graph, {"k": K3}).plan_for([x]).steps] == ["pad", "conv", "avg_pool"]
