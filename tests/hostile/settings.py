"""Hostile settings of layers and operations: extremes, names of files and functions, things of another kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers import layer_config, sequential_config, write_keras
from tests.hostile.configs import functional, tensor

HUGE = 2**62
MANY = 10**9
Write = Callable[[Path], object]
VOCABULARY = {"num_oov_indices": 1, "max_tokens": None, "mask_token": None, "oov_token": "[UNK]", "output_mode": "int"}


def layer(name: str, shape: tuple[int | None, ...] = (None, 8), **settings: Any) -> Write:
    return lambda path: write_keras(path, sequential_config(layer_config(name, "a", **settings), shape=shape), {})


def words(name: str, **settings: Any) -> Write:
    """A layer that takes strings."""
    start = layer_config("InputLayer", "i", batch_shape=[None, 1]) | {}
    start["config"]["dtype"] = "string"
    config = sequential_config(layer_config(name, "a", **{**settings, "dtype": "string"}))
    config["config"]["layers"][0] = start
    return lambda path: write_keras(path, config, {})


def operation(name: str, module: str = "keras.src.ops.numpy", **settings: Any) -> Write:
    node = {"module": module, "class_name": name, "config": {"name": "o", **settings}, "registered_name": name,
            "name": "o", "inbound_nodes": [{"args": [tensor("i")], "kwargs": {}}]}  # fmt: skip
    return lambda path: write_keras(path, functional("m", [node], ("o", 0)), {})


def wrapped(name: str, depth: int) -> Write:
    inner = layer_config("Dense", "d", units=3)
    for i in range(depth):
        inner = layer_config(name, f"w{i}", layer=inner)
    return lambda path: write_keras(path, sequential_config(inner, shape=(None, *[2] * 20)), {})


FOREIGN = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
CODE = {"class_name": "__lambda__", "config": {"code": "AAAA", "defaults": None, "closure": None}}
SEQUENCE, PICTURE = (None, 4, 8), (None, 8, 8, 3)

SETTINGS: dict[str, tuple[Write, str]] = {
    "vocabulary in a file": (words("StringLookup", **{**VOCABULARY, "vocabulary": "/etc/passwd"}), "list of str"),
    "vocabulary elsewhere": (words("StringLookup", **{**VOCABULARY, "vocabulary": "http://localhost:1/x"}), "list of"),
    "numbers in a file": (layer("IntegerLookup", **{**VOCABULARY, "vocabulary": "/etc/passwd", "oov_token": -1}),
                          "vocabulary must be a list of int"),
    "text vocabulary in a file": (
        words("TextVectorization", vocabulary="/etc/passwd", output_mode="int", split="whitespace"), "vocabulary"),
    "weights of words in a file": (
        words("TextVectorization", vocabulary=["a"], idf_weights="/etc/passwd", output_mode="tf_idf"), "idf_weights"),
    "endless places for words": (
        words("StringLookup", **{**VOCABULARY, "vocabulary": ["a"], "num_oov_indices": HUGE}), "list of"),
    "endless n-grams": (words("TextVectorization", vocabulary=["a"], ngrams=MANY, output_mode="int"), "list of"),
    "padding": (layer("ZeroPadding2D", PICTURE, padding=[[MANY, MANY], [MANY, MANY]]), "limit value_size"),
    "upsampling": (layer("UpSampling2D", PICTURE, size=[HUGE, HUGE]), "reshape"),
    "cropping below 0": (layer("Cropping2D", PICTURE, cropping=[[-5, -5], [0, 0]]), "cropping"),
    "windows of 0": (layer("MaxPooling2D", PICTURE, pool_size=[0, 0], padding="same"), "at least 1"),
    "resizing": (layer("Resizing", PICTURE, height=MANY, width=MANY), "limit value_size"),
    "reshape": (layer("Reshape", target_shape=[HUGE, HUGE]), "limit value_size"),
    "repetitions": (layer("RepeatVector", n=HUGE), "limit value_size"),
    "categories": (layer("CategoryEncoding", num_tokens=HUGE, output_mode="multi_hot"), "limit value_size"),
    "axis": (layer("Softmax", axis=10**18), "outside a rank"),
    "order of axes": (layer("Permute", dims=[9]), "outside a rank"),
    "bytecode": (layer("Lambda", function=CODE), "never run"),
    "program in a folder": (layer("TFSMLayer", filepath="/etc", call_endpoint="serve"), "outside the file"),
    "pickled module": (layer("TorchModuleWrapper", module="gASV"), "pickled Python"),
    "pickled functions": (layer("JaxLayer", call_fn="x"), "pickled Python"),
    "expression for an activation": (layer("Activation", activation="__import__('os').system('id')"), "not one of"),
    "function for an activation": (layer("Activation", activation=FOREIGN), "'os.system' is not one of"),
    "word for a number": (layer("SimpleRNN", SEQUENCE, units="3"), "whole number"),
    "groups of 0": (layer("GroupNormalization", SEQUENCE, groups=0), "0 groups"),
    "long equation": (layer("EinsumDense", equation="a" * 100_000 + "->b", output_shape=[3]), "kernel"),
    "units": (layer("LSTM", SEQUENCE, units=HUGE), "the file holds no 'kernel'"),
    "embedding": (layer("Embedding", SEQUENCE, input_dim=HUGE, output_dim=HUGE), "the file holds no"),
    "wrappers in wrappers": (wrapped("TimeDistributed", 150), "json_depth"),
    "pieces": (operation("Split", indices_or_sections=HUGE, axis=0), "list of"),
    "stack": (operation("Unstack", num=HUGE, axis=0), "list of"),
    "powers": (operation("Vander", N=HUGE), "of"),
    "differences": (operation("Diff", n=HUGE, axis=-1), "limit nodes"),
    "tiles": (operation("Tile", repeats=[HUGE, HUGE]), "reshape"),
    "repeated": (operation("Repeat", repeats=HUGE, axis=0), "limit value_size"),
    "broadcast": (operation("BroadcastTo", shape=[HUGE, 2]), "limit value_size"),
    "one-hot": (operation("OneHot", "keras.src.ops.nn", num_classes=HUGE), "one_hot"),
    "axes": (operation("ExpandDims", axis=[0] * 10_000), "limit rank"),
    "function of the system": (operation("system", "os", command="id"), "no plugin"),
}  # fmt: skip
