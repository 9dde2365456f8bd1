"""Where the time goes: the work of each op, and the tables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.plans import Shares
from kconvert_runtime.profile import measure
from kconvert_runtime.work import multiply_adds
from kconvert_schemas import Node, TensorType
from tests.helpers import F, make_graph

CONV = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1, "data_format": "channels_last"}
WEIGHTS = {"k": np.ones((3, 3, 2, 4), F), "bias": np.ones(4, F)}


def model(**options: bool) -> Model:
    nodes = [
        Node("conv", "c", "stem/conv", ("x", "k"), ("c",), CONV),
        Node("add", "b", "stem/conv", ("c", "bias"), ("b",), {}),
        Node("relu", "r", "stem/relu", ("b",), ("r",), {}),
        Node("max", "m", "top", ("r",), ("m",), {"axes": [1, 2], "keepdims": False}),
    ]
    graph = make_graph({"x": TensorType((None, 5, 6, 2), F)}, nodes, ["m"], WEIGHTS)
    return Model(graph, WEIGHTS, **options)


def test_calls_and_layers_add_up() -> None:
    found = measure(model(), [np.ones((3, 5, 6, 2), F)], rounds=3)
    assert {call.ops for call in found.calls} == {"conv+add+relu", "max"}
    assert np.isclose(sum(call.seconds for call in found.calls), sum(layer.seconds for layer in found.layers))
    assert abs(sum(call.share for call in found.calls) - 1) < 1e-6
    (conv,) = [call for call in found.calls if call.ops != "max"]
    assert conv.kernel in ("im2col", "winograd2", "winograd4")
    assert conv.shape == [3, 5, 6, 4]
    layer = next(one for one in found.layers if one.layer == "stem/conv")
    assert layer.kernels == [conv.kernel]
    assert np.isclose(layer.gflops, conv.gflops)
    assert np.isclose(conv.gflops, 2 * 3 * 5 * 6 * 4 * 18 / conv.seconds / 1e9)


def test_the_plain_interpreter_too() -> None:
    found = measure(model(optimize=False), [np.ones((3, 5, 6, 2), F)], rounds=1)
    assert sorted(call.ops for call in found.calls) == ["add", "conv", "max", "relu"]
    assert {call.kernel for call in found.calls} == {"plain"}


def test_of_a_batch_in_parts_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = model()
    plan = one.plan_for([np.ones((2, 5, 6, 2), F)])
    shares = Shares((slice(0, 2), slice(2, 4), slice(4, 5)), (plan, plan, one.plan_for([np.ones((1, 5, 6, 2), F)])))
    monkeypatch.setattr(one, "way_for", lambda arrays: shares)
    found = measure(one, [np.ones((5, 5, 6, 2), F)], rounds=1)
    assert found.parts == [2, 2, 1]
    assert {tuple(call.shape) for call in found.calls} == {(2, 5, 6, 4), (2, 4)}
    assert "on 2 of 5 rows" in next(found.lines())


def test_lines() -> None:
    found = measure(model(), [np.ones((1, 5, 6, 2), F)], rounds=1)
    lines = list(found.lines())
    assert lines[2].split() == ["time", "share", "rate", "kernel", "ops", "result", "node"]
    assert lines[-3].split() == ["time", "share", "rate", "kernels", "layer"]
    assert any("stem/conv" in line for line in lines)
    assert "rows" not in lines[0]
    assert json.loads("\n".join(found.lines(as_json=True)))["rounds"] == 1


def test_recurrent_layers() -> None:
    """One that runs by itself, and two directions in one loop."""
    rng = np.random.default_rng(0)
    weights = {name + side: rng.normal(size=shape).astype(F) for side in "fb"
               for name, shape in (("k", (3, 20)), ("r", (5, 20)))}  # fmt: skip
    nodes = [
        Node("lstm", side, side, (x, f"k{side}", f"r{side}"), tuple(f"{y}{side}" for y in "slhc"),
             {"go_backwards": side == "b"})
        for side, x in (("f", "x"), ("b", "x"))
    ]  # fmt: skip
    x = np.ones((2, 7, 3), F)
    for count, kernel in ((1, "one loop"), (2, "both directions")):
        outputs = ["lf", "lb"][:count]
        graph = make_graph({"x": TensorType((None, 7, 3), F)}, nodes[:count], outputs, weights)
        (call,) = measure(Model(graph, weights), [x], rounds=1).calls
        assert (call.kernel, call.shape) == (kernel, [2, 5])
        assert np.isclose(call.gflops, 2 * count * 14 * (60 + 100) / call.seconds / 1e9)


def work(op: str, inputs: list[tuple[int, ...]], output: tuple[int, ...], outputs: int = 1, **attrs: object) -> int:
    return multiply_adds(Node(op, "n", "", (), ("y",) * outputs, attrs), inputs, output)


def test_multiplications() -> None:
    assert work("matmul", [(7, 3, 4), (4, 5)], (7, 3, 5)) == 7 * 3 * 4 * 5
    assert work("einsum", [(2, 3, 4), (4, 5, 6)], (2, 3, 5, 6), equation="abx,xyz->abyz") == 2 * 3 * 4 * 5 * 6
    assert work("conv", [(1, 8, 8, 4), (3, 3, 2, 6)], (1, 8, 8, 6)) == 8 * 8 * 6 * 18
    assert work("conv_transpose", [(1, 4, 4, 3), (2, 2, 5, 3)], (1, 8, 8, 5)) == 16 * 3 * 4 * 5
    assert work("lstm", [(2, 7, 3), (3, 20), (5, 20)], (2, 7, 5), 4) == 14 * (60 + 100)
    assert work("gru", [(2, 7, 3), (3, 15), (5, 15)], (2, 5), 6) == 2 * 14 * (45 + 75)
    assert work("relu", [(3, 4)], (3, 4)) == 0
