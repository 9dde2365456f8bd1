"""Gradients of models: forks, bodies, masks, 16-bit floats, what the names mean, what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_schemas import Body, InputError, Node, TensorType
from tests import golden_files
from tests.cases import CASES
from tests.compare import in_memory
from tests.gradients.differences import check_model, retyped
from tests.helpers import make_graph

RNG = np.random.default_rng(4)


def node(op: str, inputs: str, output: str, **attrs: Any) -> Node:
    return Node(op, f"{op}_{output}", f"layer_{output}", tuple(inputs.split()), tuple(output.split()), attrs)


def made(nodes: list[Node], weights: dict[str, Any], *outputs: str, dtype: str = "float64") -> Model:
    graph = make_graph({"x": TensorType((None, 3), dtype)}, nodes, list(outputs), weights)
    return Model(graph, weights)


def forked() -> Model:
    """y = (x w) + tanh(x w) (x w), z = x."""
    nodes = [node("matmul", "x w", "p"), node("tanh", "p", "t"), node("multiply", "t p", "q"), node("add", "p q", "y")]
    return made(nodes, {"w": RNG.normal(size=(3, 2)), "unused": np.ones(2)}, "y", "x")


def test_values_that_fork_sum_their_gradients() -> None:
    model, x = forked(), RNG.normal(size=(4, 3))
    found = model.gradients(x, wrt=["w", "unused", "x"])
    p = x @ model.weights["w"]
    by_p = 1 + np.tanh(p) + p * (1 - np.tanh(p) ** 2)
    np.testing.assert_allclose(found["w"], x.T @ by_p)
    np.testing.assert_allclose(found["x"], by_p @ model.weights["w"].T + 1)
    assert found["unused"].tolist() == [0, 0]


def test_a_loss_gives_the_gradients_of_the_outputs() -> None:
    model, x = forked(), RNG.normal(size=(4, 3))
    seen = []

    def loss(outputs: Any) -> Any:
        seen.append(outputs)
        return [outputs[0], None]

    found = model.gradients(x, loss)
    y, _ = model(x)
    np.testing.assert_allclose(seen[0][0], y)
    np.testing.assert_array_equal(found["w"], model.gradients(x, [y, None])["w"])
    assert found.keys() == {"w", "unused"}


def cumulative(weight: str = "w") -> Body:
    """(a, h) -> (tanh(a w + h), h + a w)."""
    t = TensorType((None, 3), "float64")
    nodes = (node("multiply", f"a {weight}", "m"), node("add", "m h", "s"), node("tanh", "s", "o"))
    return Body(("a", "h"), ("o", "s"), nodes, dict.fromkeys(("a", "h", "m", "s", "o"), t))


@pytest.mark.parametrize("options", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}])
@pytest.mark.parametrize("masked", [False, True])
def test_scan(options: dict[str, bool], masked: bool) -> None:
    types = {"x": TensorType((2, 4, 3), "float64"), "h": TensorType((2, 3), "float64")}
    types |= {"m": TensorType((2, 4), "bool")} if masked else {}
    inputs = ("x", "m" if masked else None, "h")
    weights = {"w": RNG.normal(size=3)}
    nodes = [
        Node("multiply", "scaled", "", ("h", "w"), ("k",), {}),
        Node("scan", "scan", "", (*inputs[:2], "k"), ("y", "last", "s"), {"body": cumulative(), **options}),
    ]
    graph = make_graph(types, nodes, ["y", "last", "s"], weights)
    mask = np.array([[False, True, False, True], [True, True, False, False]])
    arrays = [RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 3)), *([mask] if masked else [])]
    assert check_model(graph, weights, arrays, 1e-6) == 3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_floats_are_computed_in_float32(dtype: str) -> None:
    held = "float16" if dtype == "float16" else "float32"
    w = np.array([[0.5, 2], [1, -1], [0.25, 1]], held)
    t = TensorType((None, 3), held)
    graph = make_graph({"x": t}, [node("matmul", "x w", "y"), node("exp", "y", "z")], ["z"], {"w": w})
    if dtype == "bfloat16":
        graph = retyped(graph, {"float32": "bfloat16"})
    x = np.array([[0.5, 1, -1]], held)
    found = Model(graph, {"w": w}).gradients(x, wrt=["w", "x"])
    assert {g.dtype.name for g in found.values()} == {"float32"}
    np.testing.assert_allclose(found["w"], x.T.astype("float64") @ np.exp(x.astype("float64") @ w), rtol=1e-2)


def test_an_op_without_a_gradient_is_named() -> None:
    model = made([node("svd", "x", "u s v", full=False)], {"w": np.ones(3)}, "s")
    with pytest.raises(InputError, match=r"'layer_u s v', op svd: .*has no gradient: the signs of the vectors"):
        model.gradients(np.ones((3, 3)), wrt=["x"])
    assert not model.gradients(np.ones((3, 3)), wrt=["w"])["w"].any()  # nothing passes through it


def test_the_columns_that_a_factor_leaves_open() -> None:
    model = made([node("qr", "x", "q r", full=True)], {}, "r")
    with pytest.raises(InputError, match="the whole factors of a tall matrix"):
        model.gradients(np.ones((4, 3)), wrt=["x"])


def test_gradients_end_at_whole_numbers() -> None:
    nodes = [node("floor", "x", "f"), node("argmax", "x", "i", axis=1), node("multiply", "x f", "y")]
    found = made(nodes, {}, "y", "i").gradients(np.full((2, 3), 2.5), wrt=["x"])
    assert found["x"].tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"wrt": ["z"]}, "no weight or input 'z': it has 'x', 'w'"),
        ({"outputs": [np.ones((4, 3)), None]}, r"output 'y' must have its shape \(4, 2\), got \(4, 3\)"),
        ({"outputs": [None]}, "must be a list of 2"),
    ],
)
def test_what_does_not_fit(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        forked().gradients(np.ones((4, 3)), **arguments)


def test_whole_numbers_have_no_gradient() -> None:
    graph = make_graph({"i": TensorType((2,), "int32")}, [node("one_hot", "i", "y", depth=3)], ["y"], {})
    with pytest.raises(InputError, match="'i' is int32: only floats"):
        Model(graph, {}).gradients(np.zeros(2, "int32"), wrt=["i"])


def test_running_a_model_imports_no_gradients() -> None:
    code = "import kconvert_runtime, sys; assert not any('gradients' in name for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


WHOLE = [
    (family, case) for family in ("models", "networks_images", "networks_sequences") for case in CASES[family]
] + [("wrappers", case) for case in CASES["wrappers"] if case.name.startswith("Bidirectional")]  # fmt: skip


@pytest.mark.parametrize(("family", "case"), WHOLE, ids=[case.name for _, case in WHOLE])
def test_whole_models(family: str, case: Any, tmp_path: Path) -> None:
    """Every weight and input, moved a little away from kinks; 16-bit floats are too coarse for differences."""
    graph, weights = in_memory(golden_files.read(case, family, tmp_path)[0])
    if {type_.dtype for type_ in graph.values.values()} & {"float16", "bfloat16"}:
        pytest.skip("it rounds to 16 bits")
    rng = np.random.default_rng(0)
    moved = {name: away(rng, array) for name, array in weights.items()}
    check_model(graph, moved, [away(rng, array) for array in case.arrays()], 1e-5)


def away(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    return array + rng.uniform(0.003, 0.02, array.shape).astype(array.dtype) if array.dtype.kind == "f" else array
