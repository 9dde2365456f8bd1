"""The other kernels chosen by shape give what the plain ones give: pooling, einsum, row by row, both directions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model, blas, products
from kconvert_runtime.kernels.recurrent import CELLS as PACKS
from kconvert_runtime.kernels.recurrent.cells import stacked
from kconvert_runtime.kernels.recurrent.sequences import run_cell
from kconvert_runtime.registry import KERNELS
from kconvert_runtime.tuned import conv, depthwise, geometry, pooling, site
from kconvert_runtime.tuned.candidates import CANDIDATES
from kconvert_runtime.tuned.site import Site
from kconvert_schemas import InputError, Node, TensorType
from kconvert_schemas.opset import find_op
from tests.filled import filled
from tests.helpers import F, make_graph

RNG = np.random.default_rng(11)


@pytest.fixture(params=["whole", "in many blocks", "in pieces"], autouse=True)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the blocks as they are, with blocks as small as they get, and with products in small pieces."""
    if request.param == "in pieces":
        monkeypatch.setattr(blas, "has_small_kernels", lambda: True)
        monkeypatch.setattr(products, "SMALL", 100)
        monkeypatch.setattr(products, "LEAST", 1)
        monkeypatch.setattr(products, "WHOLE", 1000)
        monkeypatch.setattr(products, "COLUMNS", {4: 3, 2: 1})
    if request.param == "in many blocks":
        for module, name in ((pooling, "PLANE"), (conv, "COLUMNS"), (site, "ELEMENTS"), (depthwise, "PLANE"),
                             (geometry, "FILLED")):  # fmt: skip
            monkeypatch.setattr(module, name, 1)


def compare(op: str, arrays: list[np.ndarray], tolerance: float = 2e-6, **attrs: Any) -> list[str]:
    """Run every candidate against the plain kernel, also with the other inputs constant; returns their names."""
    types = tuple(TensorType(array.shape, array.dtype.name) for array in arrays)
    spec = find_op(op)
    assert spec is not None
    outputs = spec.infer(types, attrs)
    node = Node(op, "n", "", tuple(f"x{i}" for i in range(len(arrays))), ("y",), attrs)
    expected = KERNELS[op](*arrays, **attrs)
    tried = []
    for constants in ((None,) * len(arrays), (None, *arrays[1:])):
        place = Site(node, types, outputs, constants, len(arrays), alone=True)
        tried = [one for one in CANDIDATES[op] if one.cost(place) is not None]
        for candidate in tried:
            result = filled(candidate.build(place), place, arrays)
            np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    return [one.name for one in tried]


@pytest.mark.parametrize("op", ["max_pool", "avg_pool"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("shape", "size", "strides"),
    [((2, 9, 7, 3), (2, 2), (2, 2)), ((1, 9, 8, 3), (3, 2), (2, 3)), ((2, 5, 5, 1), (3, 3), (1, 1)),
     ((3, 11, 4), (4,), (3,)), ((2, 5, 6, 7, 2), (2, 3, 2), (2, 1, 2)), ((2, 5, 9, 2), (5, 4), (2, 2))],
)  # fmt: skip
@pytest.mark.parametrize("plane", [1, 1 << 18])
def test_pooling(
    op: str, padding: str, shape: Any, size: Any, strides: Any, plane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooling, "PLANE", plane)
    x = RNG.normal(size=shape).astype(F) - 3
    attrs = {"pool_size": list(size), "strides": list(strides), "padding": padding, "data_format": "channels_last"}
    assert compare(op, [x], **attrs) == ["bands"]


@pytest.mark.parametrize(
    ("equation", "left", "right", "taken"),
    [
        ("abx,xyz->abyz", (2, 5, 4), (4, 3, 6), True),
        ("aecd,abcd->acbe", (2, 5, 3, 4), (2, 6, 3, 4), True),
        ("acbe,aecd->abcd", (2, 3, 6, 5), (2, 5, 3, 4), True),
        ("abxy,xyZ->abZ", (2, 5, 3, 4), (3, 4, 6), True),
        ("ab,bc->ac", (7, 4), (4, 5), True),
        ("ab,bc->ca", (7, 4), (4, 5), True),
        ("ab,ab->a", (7, 4), (7, 4), True),
        ("ab,b->a", (7, 4), (4,), True),
        ("b,ab->a", (4,), (7, 4), True),
        ("abc,adc->abd", (70, 6, 4), (70, 5, 4), True),
        ("ab,cd->abcd", (2, 3), (4, 5), False),
        ("ab,b->ab", (7, 4), (4,), False),
        ("abc,bd->adc", (2, 4, 3), (4, 5), False),
        ("abc,cd->bda", (2, 4, 3), (3, 5), False),
        ("aab,bc->ac", (3, 3, 4), (4, 5), False),
        ("abc,cd->ad", (2, 4, 3), (3, 5), False),
    ],
)
def test_einsum(equation: str, left: Any, right: Any, taken: bool) -> None:
    arrays = [RNG.normal(size=shape).astype(F) for shape in (left, right)]
    assert compare("einsum", arrays, equation=equation) == (["product"] if taken else [])


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 4, 9), (1, 1)])
def test_rows(shape: tuple[int, ...]) -> None:
    x = (RNG.normal(size=shape) * 20).astype(F)
    scale, offset = (RNG.normal(size=shape[-1]).astype(F) for _ in range(2))
    assert compare("softmax", [x], axes=[-1]) == ["rows"]
    assert compare("softmax", [x], axes=[0]) == []
    assert compare("layer_norm", [x, scale, offset], 1e-5, axes=[len(shape) - 1], epsilon=1e-3) == ["rows"]
    assert compare("layer_norm", [x], 1e-5, axes=[-1], epsilon=1e-3) == ["rows"]


@pytest.mark.parametrize("op", ["mean", "sum"])
@pytest.mark.parametrize(
    ("shape", "axes", "taken"),
    [((2, 5, 4, 9), [1, 2], True), ((2, 5, 9), [-2], True), ((70, 9), [0], True), ((2, 3, 4, 9), [2, 0], False),
     ((2, 5, 9), [2], False), ((2, 5, 3), [1], False), ((2, 5, 9), None, False)],
)  # fmt: skip
def test_reductions(op: str, shape: Any, axes: Any, taken: bool) -> None:
    x = RNG.normal(size=shape).astype(F)
    for keepdims in (False, True):
        assert compare(op, [x], axes=axes, keepdims=keepdims) == (["product"] if taken else [])


@pytest.mark.parametrize("pads", [[[0, 0], [1, 2], [0, 3]], [[1, 0], [0, 0], [0, 0]], [[0, 0]] * 3], ids=str)
def test_pad(pads: Any) -> None:
    x = RNG.normal(size=(2, 3, 4)).astype(F)
    assert compare("pad", [x], pads=pads, mode="constant", value=-1.5) == ["copies"]
    assert compare("pad", [x], pads=pads, mode="symmetric", value=0) == []


@pytest.mark.parametrize(("axis", "shape"), [(0, (2, 4)), (1, (3,)), (-1, ()), (0, (1, 1, 2))], ids=str)
def test_take(axis: int, shape: Any) -> None:
    table, indices = RNG.normal(size=(5, 4, 6)).astype(F), RNG.integers(-4, 4, shape).astype("int32")
    assert compare("take", [table, indices], axis=axis) == ["copies"]


def test_an_index_outside_is_refused_in_every_run() -> None:
    weights = {"table": RNG.normal(size=(5, 4)).astype(F)}
    nodes = [Node("take", "t", "words", ("table", "i"), ("t",), {"axis": 0})]
    model = Model(make_graph({"i": TensorType((None, 3), "int32")}, nodes, ["t"], weights), weights)
    for _ in range(2):
        assert model(np.array([[1, 4, -5]], "int32"))[0].shape == (1, 3, 4)
        with pytest.raises(InputError, match=r"'words' cannot run take .*: index 5 is outside the 5 entries"):
            model(np.array([[1, 5, 0]], "int32"))


CELLS = [
    ("lstm", 4, ()), ("gru", 3, (("reset_after", True),)), ("gru", 3, (("reset_after", False),)), ("simple_rnn", 1, ()),
]  # fmt: skip


@pytest.mark.parametrize(("op", "gates", "attrs"), CELLS)
@pytest.mark.parametrize(("bias", "masked", "zero"), list(itertools.product([True, False], repeat=3)))
def test_both_directions(op: str, gates: int, attrs: Any, bias: bool, masked: bool, zero: bool) -> None:
    units, batch, time, features = 3, 4, 6, 2
    two = (2,) if dict(attrs).get("reset_after") else ()
    shapes = [(features, gates * units), (units, gates * units), (*two, gates * units)]
    sides = [[RNG.normal(size=shape).astype(F) for shape in shapes] for _ in range(2)]
    if not bias:
        sides = [[kernel, recurrent, None] for kernel, recurrent, _ in sides]
    x = RNG.normal(size=(batch, time, features)).astype(F)
    mask = RNG.random((batch, time)) > 0.4 if masked else None
    options = {**dict(attrs), "zero_output_for_mask": zero}
    expected = [y for backwards, side in zip((False, True), sides, strict=True)
                for y in KERNELS[op](x, *side, mask, go_backwards=backwards, **options)]  # fmt: skip
    packed = PACKS[op](*stacked(sides), **dict(attrs))
    states = [None] * (2 if op == "lstm" else 1)
    found = run_cell(packed, x, mask, states, backwards=(False, True), zero_output_for_mask=zero)
    for mine, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-5, atol=1e-6)


def test_a_bidirectional_graph_runs_as_a_pair() -> None:
    weights = {f"{name}{side}": RNG.normal(size=shape).astype(F) for side in "fb"
               for name, shape in (("k", (2, 12)), ("r", (3, 12)), ("b", (12,)))}  # fmt: skip
    nodes = []
    for side in "bf":
        inputs, outputs = ("x", f"k{side}", f"r{side}", f"b{side}"), tuple(f"{o}{side}" for o in "slhc")
        nodes.append(Node("lstm", side, "", inputs, outputs, {"go_backwards": side == "b"}))
    nodes.append(Node("concatenate", "y", "", ("lf", "lb"), ("y",), {"axis": 1}))
    graph = make_graph({"x": TensorType((None, 5, 2), F)}, nodes, ["y", "sb"], weights)
    x = RNG.normal(size=(4, 5, 2)).astype(F)
    model = Model(graph, weights)
    for mine, plain in zip(model(x), Model(graph, weights, optimize=False)(x), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-5, atol=1e-6)
    assert len(model._plans.get(((4, 5, 2),)).steps) == 2
