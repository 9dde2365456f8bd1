"""The member `training`: written and read back, its rules, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kconvert_schemas import GraphError, Node, TensorType, check
from kconvert_schemas.codec import decode, encode
from kconvert_schemas.graph import Constraint, Dropped, Graph, Penalty, Spectral, Training
from kconvert_schemas.training import encode_training
from tests.helpers import make_graph

F = "float32"
WHOLE = Training(
    penalties=(Penalty("k", 0.1, 0.2, False), Penalty("r", 0.0, 0.0, False, 0.5, 0.0), Penalty("x", 1.0, 0.0, True)),
    masks={"lstm:sequence": "m"},
    refused={"a layer": "a reason"},
    constraints=(Constraint("k", axes=(0,), most=2.0, rate=1.0), Constraint("r", non_negative=True)),
    dropped=(Dropped("lstm", 0.1, 0.2, 4),),
    spectral=(Spectral("k", "v", 2),),
    norm_masks={"norm": "m"},
    frozen=("norm",),
    norm_steps={"norm": 4},
)


def graph(training: Training) -> Graph:
    weights = {name: np.zeros(shape, F) for name, shape in SHAPES.items()}
    nodes = [
        Node("not_equal", "m", "", ("x", "x"), ("m",), {}),
        Node("any", "any", "", ("m",), ("kept",), {"axes": [2]}),
        Node("batch_norm", "norm", "", ("x", "b", "b"), ("y",), {"axis": 2}),
        Node("lstm", "lstm", "", ("y", "k", "r"), OUTPUTS, {"activation": "tanh", "recurrent_activation": "sigmoid"}),
    ]
    made = make_graph({"x": TensorType((None, 4, 3), F)}, nodes, [OUTPUTS[0]], weights)
    return replace(made, training=replace(training, norm_masks=dict.fromkeys(training.norm_masks, "kept")))


SHAPES = {"k": (3, 8), "r": (2, 8), "b": (3,), "v": (1, 8)}
OUTPUTS = tuple(f"lstm:{name}" for name in ("sequence", "last", "h", "c"))


def test_round_trip() -> None:
    made = graph(WHOLE)
    assert decode(encode(made)) == made
    check(made)


def test_what_is_empty_is_left_out() -> None:
    assert encode_training(Training()) == {}
    assert encode_training(Training(constraints=(Constraint("k", non_negative=True),))) == {
        "constraints": [{"weight": "k", "non_negative": True}]
    }


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"penalties": (Penalty("m", 1, 0, False),)}, "no value of floats"),
    ({"penalties": (Penalty("b", 0, 0, False, 1.0),)}, "no matrix"),
    ({"constraints": (Constraint("x"),)}, "no weight of floats"),
    ({"constraints": (Constraint("b", axes=(1,)),)}, "axes that it has not"),
    ({"dropped": (Dropped("lstm", 0.1, 0, 3),)}, "in 3 parts"),
    ({"dropped": (Dropped("norm", 0.1, 0, 1),)}, "no recurrent node"),
    ({"spectral": (Spectral("k", "b", 1),)}, "no vector"),
    ({"spectral": (Spectral("z", "v", 1),)}, "no vector"),
    ({"norm_masks": {"lstm": "m"}}, "no mask of bools for a batch_norm"),
    ({"frozen": ("lstm",)}, "no batch_norm"),
    ({"norm_steps": {"norm": 0}}, "no batch_norm over 0 steps"),
    ({"masks": {"y": "m"}}, "for an output 'y'"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_rules(change: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphError) as error:
        check(graph(Training(**change)))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("penalties", [{"value": "k", "l1": -1, "l2": 0, "by_batch": False}]),
        ("penalties", [{"value": "k", "l1": 1, "l2": 0}]),
        ("constraints", [{"weight": "k", "norm": 2}]),
        ("dropped", {"node": "lstm"}),
        ("frozen", [""]),
        ("more", []),
    ],
)
def test_other_forms_are_refused(member: str, value: Any) -> None:
    data = encode(graph(Training()))
    data["training"] = {member: value}
    with pytest.raises(GraphError, match=r"\$.training"):
        decode(data)
