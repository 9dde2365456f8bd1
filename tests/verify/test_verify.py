"""`kbundle verify` without Keras: another model stands in for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert.verify
from kconvert.verify import make_cases
from kconvert.verify.compare import layers_in_order
from kconvert.verify.errors import measure
from kconvert_runtime import Model
from kconvert_runtime import plans as runtime_plans
from kconvert_schemas import Graph, Layer, Node, TensorType, read_bundle
from tests.cli.bundles import dense, identity_graph, text_graph, two_graph, write
from tests.cli.conftest import Run, run
from tests.compare import flatten
from tests.helpers import make_graph

__all__ = ["run"]
NAN, INF = np.nan, np.inf


class StandIn:
    """What `KerasModel` does, done by a bundle."""

    def __init__(self, path: Path) -> None:
        graph, weights = read_bundle(path)
        self.model = Model(graph, weights)

    def run(self, _: Any, inputs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        if any(len(array) == 0 for array in inputs.values()):
            raise ValueError("no rows")
        outputs, taps = self.model(dict(inputs), taps=list(self.model.layers))
        leaves = list(outputs.values()) if isinstance(outputs, dict) else flatten(outputs)
        return leaves, {path: [[array]] for path, array in taps.items()}


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kconvert.verify, "KerasModel", StandIn)


def pair(made: Any, **weights: Any) -> tuple[Path, Path]:
    """A bundle, and what is taken for its Keras model: the same with other weights."""
    graph, arrays = made
    return write(Path("out"), made), write(Path("keras"), (graph, {**arrays, **weights}))


@pytest.mark.parametrize("made", [dense(), text_graph(), two_graph()])
def test_it_agrees(run: Run, made: Any) -> None:
    out, keras = pair(made)
    done = run("kbundle", "verify", out, "--against", keras)
    assert (done.code, done.err) == (0, "")
    assert "Not run by Keras itself: batch of 0." in done.out
    assert done.out.endswith("Every layer agrees with Keras: largest relative error 0.0e+00, allowed 1e-04.\n")


def test_the_first_layer_that_diverges_is_named(run: Run) -> None:
    out, keras = pair(text_graph(), kernel=np.array([[2.0, 0.5, -2.0]], np.float32))
    done = run("kbundle", "verify", out, "--against", keras, "--record")
    assert done.code == 1
    assert "First layer that diverges: classes (Dense), in the case " in done.out
    assert not (out / "selftest.npz").exists()
    data = json.loads(run("kbundle", "verify", out, "--against", keras, "--json").out)
    assert (data["holds"], data["first_divergence"], data["tolerance"]) == (False, "classes", 1e-4)
    assert [line["layer"] for line in data["layers"]] == ["words", "classes", "(outputs)"]
    assert run("kbundle", "verify", out, "--against", keras, "--tolerance", "10").code == 0


def test_a_layer_that_only_the_optimised_run_gets_wrong_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    out, keras = pair(text_graph())
    right = runtime_plans.optimized

    def wrong(program: Any) -> Any:
        found = right(program)
        return replace(found, weights={name: array * 1.01 for name, array in found.weights.items() if name == "kernel"}
                       | {name: array for name, array in found.weights.items() if name != "kernel"})  # fmt: skip

    monkeypatch.setattr(runtime_plans, "optimized", wrong)
    done = run("kbundle", "verify", out, "--against", keras, "--json")
    assert (done.code, json.loads(done.out)["first_divergence"]) == (1, "classes")


def test_it_is_recorded(run: Run) -> None:
    out, keras = pair(text_graph())
    done = run("kbundle", "verify", out, "--against", keras, "--record")
    assert (done.code, "krun out --selftest" in done.err) == (0, True)
    assert run("krun", out, "--selftest").code == 0
    Path("given.txt").write_text("bagus\nlain\n")
    assert run("kbundle", "verify", out, "--against", keras, "--record", "--inputs", "given.txt").code == 0
    assert run("krun", out, "--selftest").code == 0


def test_layers_that_keras_does_not_show_are_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    out, keras = pair(text_graph())
    shown = StandIn.run
    monkeypatch.setattr(StandIn, "run", lambda *given: (shown(*given)[0], {"classes": [[], []]}))
    done = run("kbundle", "verify", out, "--against", keras, "-v")
    assert "Compared through the layers around them: words, classes." in done.out
    assert "Keras does not run 'batch of 0': ValueError: no rows" in done.out


def test_wrong_requests(run: Run) -> None:
    out, keras = pair(two_graph())
    assert "Missing option '--against'" in run("kbundle", "verify", out).complaint
    assert "no kconvert bundle" in run("kbundle", "verify", "none", "--against", keras).complaint
    np.save("x.npy", np.zeros((2, 2)))
    assert "one array" in run("kbundle", "verify", out, "--against", keras, "--inputs", "x.npy").complaint


def test_keras_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from kconvert.verify.keras_side import KerasModel

    monkeypatch.setattr(kconvert.verify, "KerasModel", KerasModel)
    monkeypatch.setitem(__import__("sys").modules, "keras", None)
    out, keras = pair(dense())
    assert "pip install keras tensorflow" in run("kbundle", "verify", out, "--against", keras).complaint


def test_no_case_that_runs_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ValueError("not\nthese")

    monkeypatch.setattr(StandIn, "run", fail)
    out, keras = pair(dense())
    assert "none of the inputs made for it: ValueError: not these" in run(
        "kbundle", "verify", out, "--against", keras
    ).complaint  # fmt: skip


@pytest.mark.parametrize(("tip", "code"), [(1e-7, 0), (1e-2, 1)])
def test_rounding_that_tips_a_choice_is_no_mistake(run: Run, tip: float, code: int) -> None:
    nodes = [
        Node("matmul", "scores", "scores", ("x", "kernel"), ("scores",), {}),
        Node("argmax", "best", "best", ("scores",), ("best",), {"axis": 1}),
    ]
    kernel = np.ones((2, 3), np.float32)
    graph = make_graph({"x": TensorType((None, 2), "float32")}, nodes, ["best"], {"kernel": kernel})
    graph = replace(graph, layers={"scores": Layer("Dense", (("scores",),)), "best": Layer("Argmax", (("best",),))})
    out, keras = pair((graph, {"kernel": kernel}), kernel=kernel + np.float32(tip) * np.arange(3, dtype=np.float32))
    done = run("kbundle", "verify", out, "--against", keras)
    assert (done.code, "diverges: scores" in done.out) == (code, code == 1), done


def names(graph: Graph, weights: Any) -> list[str]:
    return [case.name for case in make_cases(graph, weights)]


def test_cases_are_made_for_the_model() -> None:
    numbers = ["ordinary", "zeros", "negative", "large", "small", "padded", "batch of 1", "batch of 0"]
    assert names(*dense()) == numbers
    assert names(*text_graph()) == ["ordinary", "known words", "odd strings", "empty strings", *numbers[-2:]]
    open_axes = identity_graph(TensorType((None, None, None, 3), "float32"))
    assert names(*open_axes) == [*numbers, "open axes of 1", "open axes of 16"]
    assert names(*identity_graph(TensorType((2, 3), "float32"))) == numbers[:6]
    for dtype in ("bool", "uint8", "int64", "float16", "bfloat16", "complex64"):
        for case in make_cases(*identity_graph(TensorType((None, 4), dtype))):
            assert case.inputs["x"].shape[1:] == (4,)
    words = {word for case in make_cases(*text_graph()) for word in case.inputs["text"].ravel().tolist()}
    assert {"", "bagus"} <= words


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_indices_stay_inside_their_table(dtype: str) -> None:
    table = np.ones((5, 2), np.float32)
    nodes = [
        Node("reshape", "r", "", ("ids",), ("r",), {"shape": ["x.0", 4]}),
        *([Node("cast", "c", "", ("r",), ("c",), {"dtype": "int32"})] if dtype == "float32" else []),
        Node("take", "t", "", ("table", "c" if dtype == "float32" else "r"), ("t",), {"axis": 0}),
    ]
    graph = make_graph({"ids": TensorType((None, 4), dtype)}, nodes, ["t"], {"table": table})
    drawn = [case.inputs["ids"] for case in make_cases(graph, {"table": table})]
    assert max(ids.max(initial=0) for ids in drawn) == 4
    assert min(ids.min(initial=0) for ids in drawn) == 0
    padded = next(case.inputs["ids"] for case in make_cases(graph, {"table": table}) if case.name == "padded")
    assert not padded[-1].any()


def test_the_order_of_layers_is_that_of_their_results() -> None:
    graph, _ = dense()
    layers = {"outer": Layer("Functional", (("act",),)), "none": Layer("Layer", ()), **graph.layers}
    inner = replace(graph, layers={**layers, "first": Layer("Dense", (("mm",),))})
    assert layers_in_order(inner) == ["first", "dense", "outer"]


@pytest.mark.parametrize(
    ("mine", "keras", "dtype", "expected"),
    [
        ([1, 2], [1, 4], "float32", (2, 1, 0.5, 0.25)),
        ([NAN, INF, 1], [NAN, INF, 1], "float32", (0, 0, 0, 0)),
        ([1, 1 + 2**-23], [1, 1], "float32", (2**-23, 2**-24, 2**-23, 2**-24)),
        ([], [], "float32", (0, 0, 0, 0)),
    ],
)
def test_errors(mine: Any, keras: Any, dtype: str, expected: tuple[float, ...]) -> None:
    error = measure(np.array(mine, dtype), np.array(keras, dtype), dtype)
    assert (error.max_absolute, error.mean_absolute, error.max_relative, error.mean_relative) == expected


def test_units_in_the_last_place() -> None:
    one = np.ones(2, np.float32)
    assert measure(np.nextafter(one, np.float32(2)), one, "float32").max_ulp == 1
    assert measure(one + np.float32(2**-7), one, "bfloat16").max_ulp == 1
    assert measure(np.float16([-0.0]), np.float16([0.0]), "float16").max_ulp == 0
    assert measure(np.float32([-1e-45]), np.float32([1e-45]), "float32").max_ulp == 2
    assert measure(np.int64([3]), np.int64([5]), "int64").max_ulp == 2
    assert measure(np.complex64([1 + 1j]), np.complex64([1 + 1j]), "complex64").max_ulp == 0


@pytest.mark.parametrize(
    ("mine", "keras", "problem"),
    [
        (np.zeros(2), np.zeros(3), "shape (2,), Keras gives (3,)"),
        (np.zeros(2, "float32"), np.zeros(2, "float64"), "float32, Keras gives float64"),
        (np.array([NAN]), np.array([1.0]), "NaN or infinities where"),
        (np.array([INF]), np.array([-INF]), "another infinity"),
        (np.array(["a"], object), np.array(["b"], object), "1 strings differ, 'a' for 'b'"),
    ],
)
def test_what_cannot_be_measured(mine: Any, keras: Any, problem: str) -> None:
    error = measure(mine, keras, str(keras.dtype))
    assert problem in error.problem
    assert error.as_json()["max_relative"] is None
