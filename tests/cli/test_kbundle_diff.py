"""`kbundle diff`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from kconvert_schemas import Node, TensorType, Weight
from tests.cli.bundles import dense, text_graph, write
from tests.cli.conftest import Run
from tests.helpers import KERNEL


def test_alike(run: Run) -> None:
    one, two = write(Path("a"), dense()), write(Path("b"), dense())
    done = run("kbundle", "diff", one, two)
    assert (done.code, done.out) == (0, "The two are alike: the same operations, the same weights.\n")
    done = run("kbundle", "diff", one, two, "--json")
    assert done.code == 0
    assert not any(json.loads(done.out).values())


def test_other_numbers(run: Run) -> None:
    graph, _ = dense()
    one = write(Path("a"), dense())
    moved = KERNEL.copy()
    moved[0, 0] += 0.5
    two = write(Path("b"), (graph, {"dense/kernel": moved}))
    done = run("kbundle", "diff", one, two)
    assert done.code == 1
    assert done.out == "Weights\n  ~ dense/kernel: 1 of 6 differ, by 0.5 at most, 0.0833 on average\n"
    (found,) = json.loads(run("kbundle", "diff", one, two, "--json").out)["weights_moved"]
    assert found == {"name": "dense/kernel", "largest": 0.5, "mean": 0.5 / 6, "count": 1, "size": 6}


def test_numbers_that_are_not_finite(run: Run) -> None:
    graph, _ = dense()
    strange = KERNEL.copy()
    strange[0] = [np.nan, np.inf, 1]
    one, two = (write(Path(name), (graph, {"dense/kernel": strange})) for name in "ab")
    assert run("kbundle", "diff", one, two).code == 0
    done = run("kbundle", "diff", one, write(Path("c"), dense()), "--json")
    assert done.code == 1
    assert json.loads(done.out)["weights_moved"][0]["largest"] is None


def test_other_operations(run: Run) -> None:
    graph, weights = dense()
    nodes = (graph.nodes[0], Node("elu", "act", "dense", ("mm",), ("act",), {"alpha": 0.5}), Node(
        "add", "more\x1b[31m", "", ("act", "bias"), ("more",), {}))  # fmt: skip
    other = replace(
        graph, nodes=nodes, values={**graph.values, "more": graph.values["act"]},
        weights={**graph.weights, "bias": Weight(TensorType((3,), "float32"), False, "")},
    )  # fmt: skip
    other = replace(other, outputs=replace(graph.outputs, ports=(replace(graph.outputs.ports[0], value="more"),)))
    one, two = write(Path("a"), dense()), write(Path("b"), (other, {**weights, "bias": np.zeros(3, "f")}))
    done = run("kbundle", "diff", one, two)
    assert done.code == 1
    for line in ("  + more\\x1b[31m (add)", "  + bias float32[3]", "  ~ outputs: values of other names"):
        assert line in done.out.splitlines(), done.out
    assert "  ~ act: op relu -> elu, " in done.out
    assert "alpha None -> 0.5" in done.out
    assert "  - more\\x1b[31m (add)" in run("kbundle", "diff", two, one).out.splitlines()


def test_other_models_and_none(run: Run) -> None:
    one = write(Path("a"), dense())
    done = run("kbundle", "diff", one, write(Path("b"), text_graph()))
    assert done.code == 1
    assert "  ~ inputs: x float32[?, 2] -> text string[?, 1]" in done.out
    assert "nothing" in run("kbundle", "diff", one, "nothing").complaint
