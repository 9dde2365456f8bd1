"""Hostile configs: deep, endless, doubled, twisted."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.helpers import layer_config, sequential_config, write_keras
from tests.hostile.zips import rewritten

DENSE = layer_config("Dense", "dense", units=3, use_bias=False)
GOOD = sequential_config(DENSE)


def text(content: str | bytes) -> Callable[[Path], None]:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return lambda path: rewritten(path, lambda m: m.update({"config.json": data}))


def good_with(old: str, new: str) -> Callable[[Path], None]:
    found = json.dumps(GOOD)
    assert old in found
    return text(found.replace(old, new, 1))


def config(make: Callable[[], Any]) -> Callable[[Path], None]:
    return lambda path: write_keras(path, make(), {}) and None


def tensor(layer: str, node: int = 0) -> dict[str, Any]:
    place = {"shape": [None, 2], "dtype": "float32", "keras_history": [layer, node, 0]}
    return {"class_name": "__keras_tensor__", "config": place}


def call(*layers: tuple[str, int]) -> dict[str, Any]:
    return {"args": [tensor(*layer) for layer in layers], "kwargs": {}}


def functional(name: str, layers: list[dict[str, Any]], end: tuple[str, int] | tuple[()] = ("i", 0)) -> dict[str, Any]:
    start = {**layer_config("InputLayer", "i", batch_shape=[None, 2]), "name": "i", "inbound_nodes": []}
    settings = {
        "name": name,
        "layers": [start, *layers],
        "input_layers": [["i", 0, 0]],
        "output_layers": [[*end, 0] if end else []],
    }
    return {"module": "keras", "class_name": "Functional", "name": name, "config": settings, "registered_name": None}


def layer(class_name: str, name: str, *calls: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {**layer_config(class_name, name, **settings), "name": name, "inbound_nodes": list(calls)}


def twice(depth: int) -> dict[str, Any]:
    """Models that call each other twice: 2 ** depth calls from a few kilobytes."""
    model = functional("m0", [layer("ReLU", "r", call(("i", 0)))], ("r", 0))
    for i in range(1, depth):
        inner = {**model, "inbound_nodes": [call(("i", 0)), call((model["name"], 0))]}
        model = functional(f"m{i}", [inner], (model["name"], 1))
    return model


def backwards(count: int) -> dict[str, Any]:
    """A chain of layers, the last one first; and a class of its own."""
    names = ["i", *(f"r{i}" for i in range(count))]
    layers = [layer("ReLU", b, call((a, 0))) for a, b in pairwise(names)]
    return functional("m", layers[::-1], (names[-1], 0))


def repeated(count: int) -> dict[str, Any]:
    return functional("m", [layer("ReLU", "r", *[call(("i", 0))] * count)], ("r", 0))


WORD = {"args": ["a"], "kwargs": {}}


def nested_lists(depth: int) -> Any:
    found: Any = []
    for _ in range(depth):
        found = [found]
    return sequential_config(layer_config("Dense", "dense", units=found))


CONFIGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "deep": (text("[" * 100_000), "not valid JSON"),
    "deep but whole": (text("[" * 900 + "]" * 900), "limit json_depth"),
    "deep objects": (text('{"a":' * 300 + "1" + "}" * 300), "limit json_depth"),
    "deep setting": (config(lambda: nested_lists(150)), "cannot be converted exactly"),
    "doubled key": (good_with('"units": 3', '"units": 3, "units": 4'), "stands twice"),
    "endless number": (good_with('"units": 3', '"units": ' + "9" * 100_000), "has more than 20 digits"),
    "NaN": (good_with('"units": 3', '"units": NaN'), "units"),
    "infinite": (good_with('"units": 3', '"units": 1e999'), "units"),
    "negative": (good_with('"units": 3', '"units": -3'), "its config asks for (2, -3)"),
    "enormous": (good_with('"units": 3', '"units": 1000000000000'), "kernel"),
    "half a character": (good_with('"name": "dense"', r'"name": "\ud800"'), "lone surrogate"),
    "escape sequences": (good_with('"class_name": "Dense"', r'"class_name": "\u001b[2J\nDense"'), "no plugin"),
    "not UTF-8": (text(b'{"a": "\xff"}'), "not UTF-8"),
    "half": (text(json.dumps(GOOD)[:200]), "not valid JSON"),
    "number": (text("3"), "not a serialised model"),
    "null": (text("null"), "null.keras"),
    "list": (text("[]"), "not a serialised model"),
    "text": (text('"a"'), "not a serialised model"),
    "empty": (text("{}"), "not a serialised model"),
    "layers are a number": (text('{"module":"keras","class_name":"Sequential","config":{"layers":3}}'), "layers"),
    "layers are numbers": (text('{"module":"keras","class_name":"Sequential","config":{"layers":[3]}}'), "layers"),
    "layer without config": (
        text('{"module":"keras","class_name":"Sequential","config":{"layers":[{"class_name":"Dense"}]}}'),
        "not a serialised layer",
    ),
    "name is a list": (good_with('"name": "dense"', '"name": [[1]]'), "is named '[[1]]'"),
    "config is a list": (good_with('"config": {"name": "dense"', '"config": [], "x": {"name": "dense"'), "layer"),
    "called twice thirty deep": (config(lambda: twice(30)), "limit calls"),
    "nested forty deep": (config(lambda: twice(40)), "deep"),
    "a cycle": (
        config(lambda: functional("m", [layer("Add", "a", call(("b", 0))), layer("ReLU", "b", call(("a", 0)))])),
        "read tensors that no layer gives",
    ),
    "no such layer": (config(lambda: functional("m", [layer("ReLU", "b", call(("x", 0)))], ("b", 0))), "no layer"),
    "outputs of another form": (config(lambda: functional("m", [], ()) | {"name": "m"}), "do not give the outputs"),
    "output that is a word": (
        config(lambda: functional("m", [layer("ActivityRegularization", "r", WORD)], ("r", 0))),
        "do not give the outputs",
    ),
    "no such output": (config(lambda: functional("m", [], ("x", 3))), "does not describe"),
    "history of lies": (
        config(lambda: functional("m", [layer("ReLU", "b", {"args": [tensor("i", -1)], "kwargs": {}})], ("b", 0))),
        "history",
    ),
    "backwards": (config(lambda: backwards(8_000) | {"module": None, "class_name": "acme"}), "graph"),
    "too many calls": (config(lambda: repeated(61_000)), "limit calls"),
    "spectrogram": (
        config(
            lambda: sequential_config(
                layer_config("STFTSpectrogram", "s", mode="magnitude", frame_length=1 << 40, frame_step=1,
                             fft_length=1 << 41, window="hann", periodic=True, scaling="density",
                             padding="valid", expand_dims=False, data_format="channels_last"),
                shape=(None, 100),
            )
        ),
        "cannot be converted",
    ),
}  # fmt: skip
