"""The Model API: how it is called, what it returns, and what it says when it is called wrongly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model, load
from kconvert_schemas import Graph, InputError, Layer, Node, Port, Signature, TensorType, check
from tests.helpers import KERNEL, F, dense_graph

X = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 2.0]], np.float32)
Y = np.maximum(X @ KERNEL, 0)
GRAPH = check(replace(dense_graph(), layers={"dense": Layer("Dense", (("mm",), ("act",)))}))
MODEL = Model(GRAPH, {"dense/kernel": KERNEL})


def two_inputs(structure: Any) -> Model:
    """A model that subtracts its second input from its first."""
    type_ = TensorType((None, 2), F)
    graph = Graph(
        inputs=Signature(structure, (Port("a", "a", type_), Port("b", "b", type_))),
        outputs=Signature({"d": ["d", "a_out"]}, (Port("d", "d", type_), Port("a_out", "a", type_))),
        nodes=(Node("subtract", "d", "", ("a", "b"), ("d",), {}),),
        values={"d": type_},
        weights={},
    )
    return Model(check(graph), {})


def test_signature() -> None:
    assert [(v.name, v.shape, v.dtype) for v in MODEL.inputs] == [("x", (None, 2), F)]
    assert [v.name for v in MODEL.outputs] == ["y"]


@pytest.mark.parametrize("given", [X, [X], X.tolist(), {"x": X}, X.astype(np.float64), (X,)])
def test_one_input_in_every_form(given: Any) -> None:
    np.testing.assert_allclose(MODEL(given), Y)


def test_run_is_flat() -> None:
    assert MODEL.run({"x": X}).keys() == {"y"}


def test_whole_numbers_become_floats() -> None:
    np.testing.assert_allclose(MODEL(np.array([[1, -2]])), np.maximum([[1, -2]] @ KERNEL, 0))


@pytest.mark.parametrize("structure", [["a", "b"], {"p": "a", "q": "b"}, {"z": ["a"], "y": "b"}])
def test_several_inputs_in_every_form(structure: Any) -> None:
    model = two_inputs(structure)
    given: list[tuple[Any, ...]] = [(X, X), ([X, X],), ({"a": X, "b": X},)]
    if structure == {"p": "a", "q": "b"}:
        given.append(({"q": X, "p": X},))
    if isinstance(structure, dict) and "z" in structure:
        given.append(({"y": X, "z": [X]},))
    for call in given:
        d, a = model(*call)["d"]
        np.testing.assert_array_equal(d, np.zeros_like(X))
        np.testing.assert_array_equal(a, X)


WRONG = [
    (np.ones((3, 5)), r"must have the shape \(any, 2\), got \(3, 5\)"),
    (np.ones(2), "the batch, is missing"),
    (np.array([["a", "b"]]), "takes float32, got <U1"),
    (np.array([[1j, 2]]), "takes float32, got complex128"),
    ([[1, 2], [3]], "not a rectangular array"),
    ({"z": X}, "missing: 'x'; unknown: 'z'"),
    ({"x": X, "z": X}, "unknown: 'z'"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_wrong_input_is_named(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MODEL(given)


def test_wrong_number_of_inputs_is_named() -> None:
    with pytest.raises(InputError, match=r"takes 2 inputs \('a', 'b'\); 3 were given"):
        two_inputs(["a", "b"])(X, X, X)
    with pytest.raises(InputError, match="takes 2 inputs"):
        two_inputs(["a", "b"])(X)


def test_integers_must_be_whole() -> None:
    type_ = TensorType((None,), "int32")
    graph = Graph(Signature("i", (Port("i", "i", type_),)), Signature("o", (Port("o", "i", type_),)), (), {}, {})
    model = Model(check(graph), {})
    assert model(np.array([1.0, 2.0])).dtype == np.int32
    with pytest.raises(InputError, match="whole numbers"):
        model(np.array([1.5]))


def test_strings_in_and_out() -> None:
    type_ = TensorType((None, 1), "string")
    graph = Graph(Signature("t", (Port("t", "t", type_),)), Signature("o", (Port("o", "t", type_),)), (), {}, {})
    model = Model(check(graph), {})
    for given in (
        np.array([["ä"], ["b"]]),
        [["ä"], ["b"]],
        np.array(["ä", "b"], object),
        np.array([["ä".encode()], [b"b"]], object),
    ):
        assert model(given).tolist() == [["ä"], ["b"]]
    with pytest.raises(InputError, match="takes strings, got int"):
        model([[1]])


def test_an_empty_batch() -> None:
    assert MODEL(X[:0]).shape == (0, 3)
    assert MODEL.predict(X[:0]).shape == (0, 3)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_predict_equals_a_call(batch_size: int) -> None:
    seen: list[tuple[int, int]] = []
    y = MODEL.predict(X, batch_size=batch_size, progress=lambda done, rows: seen.append((done, rows)))
    np.testing.assert_allclose(y, Y)
    assert seen[-1] == (3, 3)


def test_predict_wants_equal_rows_and_a_batch_size() -> None:
    with pytest.raises(InputError, match="same number of rows"):
        two_inputs(["a", "b"]).predict(X, X[:1])
    with pytest.raises(InputError, match="at least 1"):
        MODEL.predict(X, batch_size=0)


def test_taps_return_layer_outputs() -> None:
    y, taps = MODEL(X, taps=["dense"])
    np.testing.assert_allclose(y, Y)
    before, after = taps["dense"]
    np.testing.assert_allclose(before, X @ KERNEL)
    np.testing.assert_allclose(after, Y)
    with pytest.raises(InputError, match=r"no layer 'dens' to tap. Did you mean 'dense'\?"):
        MODEL(X, taps=["dens"])


def test_a_run_names_the_layer_that_cannot() -> None:
    type_ = TensorType((None,), "int32")
    table = TensorType((4, 2), F)
    graph = Graph(
        inputs=Signature("i", (Port("i", "i", type_),)),
        outputs=Signature("y", (Port("y", "row", TensorType((None, 2), F)),)),
        nodes=(Node("take", "row", "words/embedding", ("table", "i"), ("row",), {"axis": 0}),),
        values={"row": TensorType((None, 2), F)},
        weights={"table": replace(GRAPH.weights["dense/kernel"], type=table)},
    )
    model = Model(check(graph), {"table": np.zeros((4, 2), np.float32)})
    with pytest.raises(InputError, match=r"Layer 'words/embedding' cannot run take on .*: index 4 is outside the 4"):
        model(np.array([4]))


def test_threads_share_a_model() -> None:
    with ThreadPoolExecutor(8) as pool:
        for y in pool.map(lambda _: MODEL(X), range(64)):
            np.testing.assert_allclose(y, Y)


def test_inputs_are_not_written_to() -> None:
    frozen = X.copy()
    frozen.flags.writeable = False
    MODEL(frozen)
    np.testing.assert_array_equal(frozen, X)


def test_load_from_disk(tmp_path: Path) -> None:
    from kconvert_schemas import write_bundle

    write_bundle(tmp_path / "out", GRAPH, lambda name: KERNEL)
    np.testing.assert_allclose(load(tmp_path / "out")(X), Y)
