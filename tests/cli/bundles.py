"""Bundles made by hand for the commands: one for each kind of input that people have."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas import Graph, Layer, Node, Port, Signature, Source, TensorType, Weight, write_bundle
from tests.helpers import KERNEL, F, dense_graph

WORDS = np.array(["bagus", "biasa", "buruk"], object)
SCORES = np.array([[2.0, 0.0, -2.0]], np.float32)


def signature(**types: TensorType) -> Signature:
    """Ports named like their values; one alone, or a list."""
    ports = tuple(Port(name, name, type_) for name, type_ in types.items())
    return Signature(ports[0].name if len(ports) == 1 else [port.name for port in ports], ports)


def text_graph() -> tuple[Graph, dict[str, Any]]:
    """One word, string[?, 1], to three probabilities."""
    score, y = TensorType((None, 1), F), TensorType((None, 3), F)
    weights = {"keys": WORDS, "values": np.array([1, 0, -1], np.float32), "default": np.float32(0), "kernel": SCORES}
    types = {"keys": TensorType((3,), "string"), "values": TensorType((3,), F), "default": TensorType((), F)}
    types["kernel"] = TensorType((1, 3), F)
    graph = Graph(
        inputs=signature(text=TensorType((None, 1), "string")),
        outputs=signature(label=y),
        nodes=(
            Node("lookup", "score", "words", ("text", "keys", "values", "default"), ("score",), {}),
            Node("matmul", "logits", "classes", ("score", "kernel"), ("logits",), {}),
            Node("softmax", "label", "classes", ("logits",), ("label",), {}),
        ),
        values={"score": score, "logits": y, "label": y},
        weights={name: Weight(type_, True, f"{name}/0") for name, type_ in types.items()},
        layers={"words": Layer("Words", (("score",),)), "classes": Layer("Dense", (("label",),))},
        opsets={"kconvert": 1},
        source=Source("sentiment.keras", "0" * 64, "3.15.0", "keras zip"),
    )
    return graph, weights


def two_graph() -> tuple[Graph, dict[str, Any]]:
    """a[?, 2] - b[?, 1], and a as it is."""
    a, b = TensorType((None, 2), F), TensorType((None, 1), F)
    graph = Graph(
        inputs=signature(a=a, b=b),
        outputs=Signature({"difference": "difference", "kept": "kept"}, (
            Port("difference", "difference", a), Port("kept", "a", a),
        )),
        nodes=(Node("subtract", "difference", "minus", ("a", "b"), ("difference",), {}),),
        values={"difference": a},
        weights={},
        layers={"minus": Layer("Subtract", (("difference",),))},
        opsets={"kconvert": 1},
    )  # fmt: skip
    return graph, {}


def identity_graph(type_: TensorType) -> tuple[Graph, dict[str, Any]]:
    """An input x handed on by a dropout or, where that takes no such dtype, by a reshape to itself."""
    node = Node("dropout", "y", "dropout", ("x",), ("y",), {"rate": 0.5})
    if type_.dtype not in ("float32", "float64", "float16"):
        shape = [f"x.{i}" for i in range(len(type_.shape))]
        node = Node("reshape", "y", "reshape", ("x",), ("y",), {"shape": shape})
        type_ = replace(type_)
    graph = Graph(
        inputs=signature(x=type_),
        outputs=signature(y=type_),
        nodes=(node,),
        values={"y": type_},
        weights={},
        layers={node.layer: Layer(node.layer.title(), (("y",),))},
        opsets={"kconvert": 1},
    )
    return graph, {}


def dense() -> tuple[Graph, dict[str, Any]]:
    """relu(x[?, 2] kernel) -> y[?, 3]."""
    return replace(dense_graph(), layers={"dense": Layer("Dense", (("act",),))}), {"dense/kernel": KERNEL}


def write(folder: Path, made: tuple[Graph, Mapping[str, Any]]) -> Path:
    """Write a graph and its weights as a bundle, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    graph, weights = made
    write_bundle(folder, graph, lambda name: np.asarray(weights[name]))
    return folder
