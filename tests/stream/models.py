"""Bundles of small recurrent models, made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_runtime import Model
from kconvert_schemas import Graph, Node, TensorType, write_bundle
from tests.helpers import make_graph

ANY = (None, None, 4)


def weights(*names: str) -> dict[str, np.ndarray]:
    """Random weights of LSTMs with 3 units over 4 features, or of a Dense layer with 2 units, by layer name."""
    rng = np.random.default_rng(5)
    found = {}
    for name in names:
        if "dense" in name:
            found[f"{name}/kernel"] = rng.normal(size=(3, 2)).astype("f")
        else:
            shapes = {"kernel": (4, 12), "recurrent_kernel": (3, 12), "bias": (12,)}
            found.update({f"{name}/{key}": rng.normal(size=shape).astype("f") for key, shape in shapes.items()})
    return found


def lstm(name: str, x: str, *states: str, **attrs: Any) -> Node:
    """An LSTM over x; its values are named as the converter does."""
    inputs = (x, *(f"{name}/{key}" for key in ("kernel", "recurrent_kernel", "bias")))
    outputs = tuple(f"{name}:{end}" for end in ("sequence", "last", "h", "c"))
    return Node("lstm", name, name, (*inputs, None, *states) if states else inputs, outputs, attrs)


def dense(x: str) -> Node:
    return Node("matmul", "dense", "dense", (x, "dense/kernel"), ("dense",), {})


Made = tuple[Graph, dict[str, np.ndarray]]


def of(nodes: list[Node], outputs: list[str], *layers: str, **inputs: TensorType) -> Made:
    """A graph of nodes, and random weights of its layers; one output alone, several in a list."""
    made = weights(*layers)
    graph = make_graph(inputs, nodes, outputs, made)
    alone = replace(graph.outputs, structure=outputs[0])
    return graph if len(outputs) > 1 else replace(graph, outputs=alone), made


def tagger() -> Made:
    """LSTM, then Dense, at every step."""
    return of([lstm("lstm", "x"), dense("lstm:sequence")], ["dense"], "lstm", "dense", x=TensorType(ANY, "float32"))


def translator() -> Made:
    """A decoder that starts from the encoder's states."""
    nodes = [lstm("encoder", "source"), lstm("decoder", "target", "encoder:h", "encoder:c"), dense("decoder:sequence")]
    ports = {name: TensorType(ANY, "float32") for name in ("source", "target")}
    return of(nodes, ["dense"], "encoder", "decoder", "dense", **ports)


def bidirectional() -> Made:
    """Two directions, and a mean over time."""
    ahead, back = lstm("bidirectional/forward_lstm", "x"), lstm("bidirectional/backward_lstm", "x", go_backwards=True)
    joined = Node("concatenate", "join", "bidirectional", (ahead.outputs[0], back.outputs[0]), ("join",), {"axis": 2})
    mean = Node("mean", "mean", "pooling", (ahead.outputs[0],), ("mean",), {"axes": [1]})
    layers = ("bidirectional/forward_lstm", "bidirectional/backward_lstm")
    return of([ahead, back, joined, mean], ["join", "mean"], *layers, x=TensorType(ANY, "float32"))


def load(made: Made) -> Model:
    return Model(*made)


def write(folder: Path, made: Made) -> Path:
    write_bundle(folder, made[0], lambda name: made[1][name])
    return folder
