"""A pair does what kernel and VJP do, on one core and on all, for every case of its op; two directions in one loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model, blas
from kconvert_runtime.gradients import shared
from kconvert_runtime.gradients.recurrent.pairs import CELLS
from kconvert_runtime.gradients.rows import dense
from kconvert_runtime.gradients.walk import Walk
from kconvert_runtime.plan import find_kernel, types_of, unaries
from kconvert_runtime.registry import PAIRS, VJPS
from kconvert_schemas import Node, TensorType
from kconvert_schemas.attrs import complete
from kconvert_schemas.opset import BUILT_IN
from tests.gradients.cases import smooth_cases
from tests.helpers import make_graph
from tests.plugins.op_cases import OpCase, bools, case, x

RNG = np.random.default_rng(3)
SAME = {"padding": "same", "strides": [1, 1], "dilation_rate": [1, 1]}
MORE = [
    case("conv", x(3, 6, 5, 3), x(3, 3, 3, 5), **SAME), case("conv", x(3, 9, 8, 2), x(2, 3, 2, 4), **SAME),
    case("conv", x(3, 6, 5, 4), x(1, 1, 4, 3), **SAME), case("conv", x(2, 40, 3), x(3, 3, 2), strides=[1],
                                                            dilation_rate=[2]),
    case("gru", x(2, 5, 4), x(4, 9), x(3, 9)), case("gru", x(2, 5, 4), x(4, 9), x(3, 9), x(2, 9), go_backwards=True),
    *(case(op, x(3, 20, 4), x(4, 3 * n), x(3, 3 * n), x(3 * n), bools(3, 20), x(3, 3), zero_output_for_mask=zero)
      for zero in (True, False) for op, n in (("lstm", 4), ("simple_rnn", 1))),
    case("lstm", x(3, 20, 4), x(4, 12), x(3, 12), None, bools(3, 20), go_backwards=True),
]  # fmt: skip
LEFT_OUT = {"scan": "its pair runs a body, which only a walk has: tests/gradients/test_model.py"}
CASES = [one for one in [*smooth_cases(), *MORE] if one.op in PAIRS.keys() - LEFT_OUT.keys()]


def _wide(array: Any) -> Any:
    return array.astype("float64") if array is not None and array.dtype == "float32" else array


def test_every_pair_is_compared() -> None:
    assert {one.op for one in CASES} == {op for op in PAIRS if "::" not in op} - LEFT_OUT.keys()


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("one", CASES, ids=[f"{i}-{one.op}" for i, one in enumerate(CASES)])
def test_a_pair_is_kernel_and_vjp(one: OpCase, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "WORTH", 0)
    monkeypatch.setattr(shared, "workers", lambda: cores)
    spec = BUILT_IN.ops[one.op]
    attrs, inputs = complete(spec, one.attrs), [_wide(array) for array in one.inputs]
    y = find_kernel(one.op)(*inputs, **unaries(spec, attrs))
    several = isinstance(y, tuple)
    with blas.single_threaded():
        found, back = PAIRS[one.op]([True] * len(inputs), *inputs, **attrs)
        _equal(found if several else [found], y if several else [y])
        g = [RNG.normal(size=part.shape) for part in (y if several else [y])]
        expected = VJPS[one.op](*((tuple(g), y) if several else (g[0], y)), *inputs, **attrs)
        _equal(back(*g), expected)
        if several:  # what nobody wants has no gradient
            found, back = PAIRS[one.op]([True] * len(inputs), *inputs, **attrs)
            zeros = (g[0] * 0, *g[1:])
            _equal(back(None, *g[1:]), VJPS[one.op](zeros, y, *inputs, **attrs))


def _equal(found: Sequence[Any], expected: Sequence[Any]) -> None:
    for mine, theirs in zip(found, expected, strict=False):
        assert (mine is None) == (theirs is None)
        if theirs is not None:
            np.testing.assert_allclose(dense(mine), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("op", sorted(CELLS))
def test_two_directions_in_one_loop(op: str, masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = {"lstm": 4, "gru": 3, "simple_rnn": 1}[op]
    shapes = {"k": (4, 3 * gates), "r": (3, 3 * gates), "b": (2, 9) if op == "gru" else (3 * gates,)}
    weights = {f"{name}{i}": RNG.normal(size=shape) for i in (0, 1) for name, shape in shapes.items()}
    count = 4 if op == "lstm" else 3
    nodes = [
        Node(op, f"n{i}", "", ("x", f"k{i}", f"r{i}", f"b{i}", *(["m"] if masked else [])),
             tuple(f"o{i}{j}" for j in range(count)), {"go_backwards": i == 1})
        for i in (0, 1)
    ]  # fmt: skip
    types = {"x": TensorType((2, 6, 4), "float64"), **({"m": TensorType((2, 6), "bool")} if masked else {})}
    graph = make_graph(types, nodes, ["o00", "o11", "o12"], weights)
    arrays = [
        RNG.normal(size=(2, 6, 4)),
        *([np.array([[1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 1, 1]], bool)] if masked else []),
    ]
    seeds = [RNG.normal(size=y.shape) for y in Model(graph, weights)(arrays if masked else arrays[0])]
    wanted = ["x", *weights]
    both = Model(graph, weights).gradients(arrays if masked else arrays[0], seeds, wrt=wanted)
    apart = replace(
        graph, nodes=tuple(replace(node, attrs={**node.attrs, "stateful": node.name == "n1"}) for node in nodes)
    )
    assert len(Walk(graph.nodes, types_of(graph), weights, ["o00", "o11"], wanted)._steps) == 1
    assert len(Walk(apart.nodes, types_of(apart), weights, ["o00", "o11"], wanted)._steps) == 2
    for name, g in Model(apart, weights).gradients(arrays if masked else arrays[0], seeds, wrt=wanted).items():
        np.testing.assert_allclose(both[name], g, rtol=1e-9, atol=1e-12)


def test_a_pool_comes_before_the_relu_in_front_of_it() -> None:
    pool = {"pool_size": [2], "strides": [2], "padding": "valid", "data_format": "channels_last"}
    nodes = [
        Node("conv", "c", "", ("x", "k"), ("c",), {"strides": [1], "padding": "same", "dilation_rate": [1]}),
        Node("add", "a", "", ("c", "b"), ("a",), {}), Node("relu", "r", "", ("a",), ("r",), {}),
        Node("max_pool", "p", "", ("r",), ("p",), pool), Node("exp", "e", "", ("p",), ("e",), {}),
    ]  # fmt: skip
    weights = {"k": RNG.normal(size=(3, 2, 5)), "b": RNG.normal(size=5)}
    types = {"x": TensorType((3, 6, 2), "float64")}
    array, wanted = np.round(RNG.normal(size=(3, 6, 2)), 1), ["x", *weights]
    found = []
    for asked in (["e"], ["e", "r"], ["e", "a"], ["e", "c"]):
        graph = make_graph(types, nodes, asked, weights)
        seeds = [np.ones_like(y) if i == 0 else np.zeros_like(y) for i, y in enumerate(Model(graph, weights)([array]))]
        found.append(Model(graph, weights).gradients([array], seeds, wrt=wanted))
        steps = Walk(graph.nodes, types_of(graph), weights, asked, wanted)._steps
        assert len(steps) == {"e": 4, "r": 3, "a": 4, "c": 5}[asked[-1]]
    for other in found[1:]:
        for name, g in found[0].items():
            np.testing.assert_allclose(other[name], g, rtol=1e-12, atol=1e-12)


def test_gelu_in_float32() -> None:
    """Its erf is another polynomial then."""
    x = np.concatenate([RNG.normal(size=(40, 50)).astype("float32") * 3, np.array([[0, -0.0, 1e-30, 9, -9] * 10], "f")])
    g = RNG.normal(size=x.shape).astype("float32")
    y, back = PAIRS["gelu"]([True], x, approximate=False)
    wide = x.astype("float64")
    np.testing.assert_allclose(y, find_kernel("gelu")(wide), atol=2e-6)
    np.testing.assert_allclose(back(g)[0], VJPS["gelu"](g.astype("float64"), y, wide, approximate=False)[0], atol=2e-6)
    assert y.dtype == back(g)[0].dtype == np.float32
