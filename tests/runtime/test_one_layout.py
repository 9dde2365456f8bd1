"""Channels that come first are turned around once: the numbered cases of the pass."""

from __future__ import annotations

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.passes import Program
from kconvert_runtime.passes.one_layout import one_layout
from kconvert_schemas import Node, TensorType, check
from tests.helpers import F, make_graph
from tests.runtime.test_passes import ops, step

FIRST = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1, "data_format": "channels_first"}
POOL = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_first"}
CONV = step("conv", "x", "a", "kernel", **FIRST)


def planes(*nodes: Node, outputs: tuple[str, ...]) -> Program:
    """Images of 4 channels, which come first."""
    rng = np.random.default_rng(8)
    shapes = {"kernel": (3, 3, 4, 4), "bias": (4, 1, 1), "columns": (7,), "deeper": (2, 1, 4, 1, 1),
              "last": (3, 3, 7, 2)}  # fmt: skip
    weights = {name: rng.normal(size=shape).astype(F) for name, shape in shapes.items()}
    inputs = {"x": TensorType((None, 4, 6, 7), F), "gate": TensorType((None, 4, 1, 1), F), "n": TensorType((), F)}
    return Program(make_graph(inputs, list(nodes), list(outputs), weights), weights)


LAYOUTS = {
    "1: a convolution": (planes(CONV, outputs=("a",)), ["transpose", "conv", "transpose"]),
    "1: two in a row": (planes(CONV, step("max_pool", "a", "b", **POOL), outputs=("b",)),
                        ["transpose", "conv", "max_pool", "transpose"]),
    "2: a bias, numbers, a gate": (
        planes(CONV, step("add", "a", "b", "bias"), step("multiply", "b", "c", "columns"), step("add", "n", "d", "c"),
               step("multiply", "gate", "e", "d"), step("relu", "e", "f"), outputs=("f",)),
        ["transpose", "conv", "add", "multiply", "add", "transpose", "multiply", "relu", "transpose"]),
    "2: concatenate, pad": (
        planes(CONV, step("concatenate", "a", "b", "a", axis=-3),
               step("pad", "b", "c", pads=[[0, 0], [0, 1], [2, 0], [0, 3]], mode="constant", value=1.0),
               outputs=("c",)),
        ["transpose", "conv", "concatenate", "pad", "transpose"]),
    "2: the spatial axes are reduced": (
        planes(CONV, step("mean", "a", "b", axes=[2, -1], keepdims=False), outputs=("b",)),
        ["transpose", "conv", "mean"]),
    "2: an axis is reduced and kept": (
        planes(CONV, step("max", "a", "b", axes=[1], keepdims=True), outputs=("b",)),
        ["transpose", "conv", "max", "transpose"]),
    "3: another axis is reduced": (
        planes(CONV, step("sum", "a", "b", axes=[2], keepdims=False), outputs=("b",)),
        ["transpose", "conv", "transpose", "sum"]),
    "3: a size counted by an axis": (
        planes(CONV, step("resize", "a", "b", size=["x.2*2", "x.3"], interpolation="nearest", antialias=False,
                          data_format="channels_first"), outputs=("b",)),
        ["transpose", "conv", "transpose", "resize"]),
    "3: other readers": (
        planes(CONV, step("softmax", "a", "b", axes=[1]), step("add", "a", "c", "deeper"),
               step("subtract", "b", "d", "a"), outputs=("d", "a", "c")),
        ["transpose", "conv", "transpose", "softmax", "add", "transpose", "subtract", "transpose"]),
}  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), LAYOUTS.values(), ids=list(LAYOUTS))
def test_channels_first_are_turned_around_once(program: Program, expected: list[str]) -> None:
    turned = one_layout(program)
    assert ops(turned.graph) == expected
    check(turned.graph)
    rng = np.random.default_rng(9)
    feeds = {"x": rng.normal(size=(3, 4, 6, 7)).astype(F), "gate": rng.normal(size=(3, 4, 1, 1)).astype(F),
             "n": np.array(2, F)}  # fmt: skip
    mine, plain = (Model(one.graph, one.weights, optimize=False).run(feeds) for one in (turned, program))
    assert mine.keys() == plain.keys()
    for name, array in plain.items():
        np.testing.assert_allclose(mine[name], array, rtol=1e-5, atol=1e-5)


def test_layout_case_4_channels_last_are_left() -> None:
    last = {**FIRST, "data_format": "channels_last"}
    program = planes(step("conv", "x", "a", "last", **last), outputs=("a",))
    assert one_layout(program) is program
