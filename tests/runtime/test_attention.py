"""Scores, softmax and weighted sum run as one: any order of axes and operands, masks, blocks of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model
from kconvert_runtime.profile import measure
from kconvert_runtime.tuned import attention
from kconvert_schemas import Node, TensorType
from kconvert_schemas.graph import Graph
from tests.helpers import F, make_graph

RNG = np.random.default_rng(31)
SIZES = {"a": 3, "b": 5, "c": 2, "d": 4, "e": 6, "v": 7}
FORMS = [
    ("abcd,aecd->acbe", "acbe,aecv->abcv"),
    ("aecd,abcd->acbe", "acbe,aecd->abcd"),
    ("abcd,aecd->acbe", "aecv,acbe->abcv"),
    ("abd,aed->abe", "abe,aev->abv"),
    ("bd,ed->be", "be,ev->bv"),
    ("acbd,acde->acbe", "acbe,acev->acvb"),
    ("xybd,xyde->xybe", "pqrs,pqsv->pqrv"),
]


def node(op: str, y: str, *inputs: str, **attrs: Any) -> Node:
    return Node(op, y, "", inputs, (y,), attrs)


def graph(scores: str, context: str, *between: Node, outputs: tuple[str, ...] = ("y",), axis: int = -1) -> Graph:
    sizes = {**SIZES, "x": 3, "y": 2, "p": 3, "q": 2, "r": 5, "s": 6}
    (left, right), result = (part.split(",") if "," in part else part for part in scores.split("->"))
    operands = context.partition("->")[0].split(",")
    place = 0 if len(operands[0]) == len(result) and operands[0][-1] in "es" else 1
    shapes = {"q": left, "k": right, "v": operands[1 - place]}
    inputs = {name: TensorType(tuple(sizes[label] for label in term), F) for name, term in shapes.items()}
    inputs["mask"] = TensorType((5, 6), F)
    nodes = [node("einsum", "s", "q", "k", equation=scores), *between]
    before = between[-1].outputs[0] if between else "s"
    nodes.append(node("softmax", "w", before, axes=[axis]))
    pair = ("w", "v") if place == 0 else ("v", "w")
    nodes += [node("einsum", "c", *pair, equation=context), node("relu", "y", "c")]
    return make_graph(inputs, nodes, list(outputs), {"half": np.array(0.5, F)})


def compare(one: Graph, ops: list[str]) -> None:
    feeds = {port.name: RNG.normal(size=port.type.shape).astype(F) for port in one.inputs.ports}
    weights = {"half": np.array(0.5, F)}
    model = Model(one, weights)
    mine, plain = model.run(feeds), Model(one, weights, optimize=False).run(feeds)
    for name, array in plain.items():
        np.testing.assert_allclose(mine[name], array, rtol=1e-5, atol=1e-5)
    given = [feeds[port.name] for port in one.inputs.ports]
    plan = model.plan_for(given)
    assert [step.node.op for step in plan.steps] == ops
    assert bool(plan.memory.sizes) is (len(ops) > 1)  # nothing between the ends is held whole


@pytest.mark.parametrize("scores", [1, 12, 1 << 17])
@pytest.mark.parametrize("form", FORMS)
def test_all_forms(form: tuple[str, str], scores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "SCORES", scores)
    compare(graph(*form), ["attention"])
    scaled = node("multiply", "t", "s", "half"), node("add", "u", "t", "mask")
    compare(graph(*form, *scaled), ["attention"])


LEFT = {
    "scores that are read elsewhere": graph(*FORMS[0], outputs=("y", "s")),
    "weights that are read elsewhere": graph(*FORMS[0], outputs=("w", "y")),
    "another axis": graph(*FORMS[0], axis=2),
    "a sum over queries": graph("abcd,aecd->acbe", "acbe,abcv->aecv"),
}


@pytest.mark.parametrize("one", LEFT.values(), ids=list(LEFT))
def test_others_are_left(one: Graph) -> None:
    compare(one, ["einsum", "softmax", "einsum"])


def test_a_profile_counts_both_products() -> None:
    one = graph(*FORMS[0])
    given = [RNG.normal(size=port.type.shape).astype(F) for port in one.inputs.ports]
    (call,) = measure(Model(one, {"half": np.array(0.5, F)}), given, rounds=1).calls
    assert (call.ops, call.kernel) == ("attention+einsum+softmax+relu", "in blocks")
    assert np.isclose(call.gflops * call.seconds * 1e9, 2 * 3 * 2 * 5 * 6 * (4 + 7))
