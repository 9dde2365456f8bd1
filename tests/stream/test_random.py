"""Random stacks of layers, fed in random chunks, give what they give at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kconvert_runtime import Model
from kconvert_schemas import Node, TensorType
from tests.helpers import make_graph

WIDTHS = st.integers(1, 4)


class Stack:
    """Nodes on top of each other over x (batch, time, width), with random weights."""

    def __init__(self, seed: int, masked: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.weights: dict[str, np.ndarray] = {}
        self.top, self.width, self.masked = "x", 3, masked
        self.outputs: list[str] = []

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = self.rng.normal(0, 0.7, shape).astype(np.float32)
        return name

    def put(self, op: str, *inputs: Any, count: int = 1, **attrs: Any) -> str:
        name = f"n{len(self.nodes)}"
        outputs = (name,) if count == 1 else tuple(f"{name}:{i}" for i in range(count))
        self.nodes.append(Node(op, name, "", inputs, outputs, attrs))
        return outputs[0]

    def recurrent(self, op: str, units: int, zero: bool, bias: bool) -> None:
        gates, states = {"simple_rnn": (1, 1), "lstm": (4, 2), "gru": (3, 1)}[op]
        shape = (2, 3 * units) if op == "gru" else (gates * units,)
        inputs = [self.top, self.weight(self.width, gates * units), self.weight(units, gates * units)]
        inputs.append(self.weight(*shape) if bias else None)  # type: ignore[arg-type]
        mask = ["mask"] if self.masked else []
        sequence = self.put(op, *inputs, *mask, count=2 + states, zero_output_for_mask=zero)
        self.outputs.append(sequence.replace(":0", ":1"))
        self.top, self.width = sequence, units

    def causal(self, units: int, window: int, dilation: int, pooled: bool) -> None:
        back = dilation * (window - 1)
        padded = self.put("pad", self.top, pads=[[0, 0], [back, 0], [0, 0]], value=0.5)
        kernel = self.weight(window, self.width, units)
        self.top, self.width = (
            self.put("conv", padded, kernel, strides=[1], padding="valid", dilation_rate=[dilation]), units
        )  # fmt: skip
        if pooled:
            padded = self.put("pad", self.top, pads=[[0, 0], [1, 0], [0, 0]])
            self.top = self.put("max_pool", padded, pool_size=[2], strides=[1])

    def distributed(self, units: int) -> None:
        rows = self.put("reshape", self.top, shape=["x.0*x.1", self.width])
        y = self.put("tanh", self.put("matmul", rows, self.weight(self.width, units)))
        self.top, self.width = self.put("reshape", y, self.top, shape=["like.0", "like.1", units]), units

    def turned(self, units: int) -> None:
        y = self.put("transpose", self.top, axes=[0, 2, 1])
        y = self.put("matmul", self.weight(units, self.width), y)
        self.top, self.width = self.put("transpose", self.put("softmax", y, axes=[1]), axes=[0, 2, 1]), units


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    stack = Stack(draw(st.integers(0, 2**16)), draw(st.booleans()))
    for kind in draw(
        st.lists(st.sampled_from(["recurrent", "causal", "distributed", "turned"]), min_size=1, max_size=4)
    ):
        units = draw(WIDTHS)
        if kind == "recurrent":
            stack.recurrent(
                draw(st.sampled_from(["simple_rnn", "lstm", "gru"])), units, draw(st.booleans()), draw(st.booleans())
            )
        elif kind == "causal":
            stack.causal(units, draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.booleans()))
        else:
            getattr(stack, kind)(units)
    return stack


@settings(max_examples=60, deadline=None)
@given(stacks(), st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(1, 3), st.booleans())
def test_chunks_of_any_length_agree(stack: Stack, lengths: list[int], batch: int, optimize: bool) -> None:
    time = sum(lengths)
    inputs = {"x": TensorType((None, None, 3), "float32")}
    feeds: dict[str, Any] = {"x": stack.rng.normal(size=(batch, time, 3)).astype(np.float32)}
    if stack.masked:
        inputs["mask"] = TensorType((None, None), "bool")
        feeds["mask"] = stack.rng.random((batch, time)) < 0.6
    graph = make_graph(inputs, stack.nodes, [stack.top, *stack.outputs], stack.weights)
    model = Model(graph, stack.weights, optimize=optimize)
    whole = model(feeds)
    stream = model.stream()
    for round_ in range(2):
        parts, start = [], 0
        for length in lengths:
            parts.append(stream.feed({name: array[:, start : start + length] for name, array in feeds.items()}))
            start += length
        np.testing.assert_allclose(np.concatenate([part[0] for part in parts], 1), whole[0], atol=2e-5, rtol=1e-4)
        for mine, expected in zip(parts[-1][1:], whole[1:], strict=True):
            np.testing.assert_allclose(mine, expected, atol=2e-5, rtol=1e-4)
        assert stream.steps == time, round_
        stream.reset()
