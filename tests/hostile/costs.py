"""Hostile bundles that are well formed, but whose run would take more memory or time than what they are given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.npz import write_npz
from tests.hostile.bundles import IMAGE, Make, good

Type = tuple[list[int | None], str]
F = "float32"


def program(*steps: tuple[str, str, str, dict[str, Any]], values: Mapping[str, Type],
            inputs: list[int | None] | None = None, weights: Mapping[str, Array] | None = None) -> Make:  # fmt: skip
    """A graph of several ops: each step is (op, names it reads, names it writes, attributes); '-' reads nothing."""

    def change(folder: Path) -> None:
        data = good(folder)
        port = {"name": "x", "value": "x", "shape": inputs or [None, 2], "dtype": F}
        shape, dtype = values[list(values)[-1]]
        out = {"name": "y", "value": list(values)[-1], "shape": shape, "dtype": dtype}
        nodes = [
            {"op": op, "name": f"n{i}", "layer": "", "attrs": attrs, "outputs": writes.split(),
             "inputs": [None if name == "-" else name for name in reads.split()]}
            for i, (op, reads, writes, attrs) in enumerate(steps)
        ]  # fmt: skip
        stored = weights or {}
        entry = next(iter(data["weights"].values()))
        data |= {
            "inputs": {"structure": "x", "tensors": [port]}, "outputs": {"structure": "y", "tensors": [out]},
            "layers": {}, "nodes": nodes, "values": {k: {"shape": s, "dtype": d} for k, (s, d) in values.items()},
            "weights": {k: {**entry, "shape": list(v.shape), "dtype": v.dtype.name} for k, v in stored.items()},
        }  # fmt: skip
        data.pop("weights_sha256", None)
        with (folder / "weights.npz").open("wb") as file:
            write_npz(file, sorted(stored.items()))
        (folder / "graph.json").write_text(json.dumps(data))

    return change


def full(name: str, shape: Sequence[int], dtype: str = F, value: Any = 1) -> tuple[str, str, str, dict[str, Any]]:
    return "full", "-", name, {"shape": list(shape), "value": value, "dtype": dtype}


def chain(op: str, shape: list[int | None], length: int, value: float = 1.0) -> Make:
    """One op again and again on a large value."""
    names = [f"v{i}" for i in range(length)]
    steps = [(op, f"{a} {names[0]}" if op == "matmul" else a, b, dict[str, Any]()) for a, b in pairwise(names)]
    sizes = [size or 0 for size in shape]
    return program(full(names[0], sizes, value=value), *steps, values=dict.fromkeys(names, (shape, F)))


def strings(times: int) -> Make:
    """A text repeated a thousand times and joined, again and again."""
    steps: list[tuple[str, str, str, dict[str, Any]]] = [full("s0", (1, 1), "string", "hello")]
    values: dict[str, Type] = {"s0": ([1, 1], "string")}
    for i in range(times):
        steps.append(("broadcast_to", f"s{i}", f"b{i}", {"shape": [1, 1000]}))
        steps.append(("tokenize", f"b{i}", f"s{i + 1}", {"ngrams": [1000]}))
        values |= {f"b{i}": ([1, 1000], "string"), f"s{i + 1}": ([1, 1], "string")}
    return program(*steps, values=values)


KERNEL = np.ones((1000, 1000, 1, 1), np.float32)
WINDOW = {"strides": [1, 1], "dilation_rate": [1, 1]}
LONG: list[int | None] = [None, 2_000_000, 1]

COSTS: dict[str, tuple[Make, str]] = {
    "large values": (chain("relu", [2**28], 5), "limit run_memory"),
    "products of matrices": (chain("matmul", [8192, 8192], 7), "limit run_seconds"),
    "products of whole numbers": (
        program(full("a", (3000, 3000), "int32"), ("matmul", "a a", "b", {}),
                values=dict.fromkeys("ab", ([3000, 3000], "int32"))), "limit run_seconds"),
    "factors": (
        program(full("a", (4000, 4000)), ("svd", "a", "u s v", {}),
                values={"a": ([4000, 4000], F), "u": ([4000, 4000], F), "s": ([4000], F), "v": ([4000, 4000], F)}),
        "limit run_seconds"),
    "einsum of two": (
        program(full("a", (3000, 3000)), ("einsum", "a a", "b", {"equation": "ij,kj->ik"}),
                ("einsum", "b a b", "c", {"equation": "ij,kl,mj->ikm"}),
                values={"a": ([3000, 3000], F), "b": ([3000, 3000], F), "c": ([3000, 3000, 3000], F)}),
        "limit value_size"),
    "what einsum holds meanwhile": (
        program(full("a", (300, 300)), ("einsum", "a a a", "c", {"equation": "ij,kl,il->jk"}),
                values={"a": ([300, 300], F), "c": ([300, 300], F)}), "limit run_memory"),
    "strings that grow": (strings(4), "limit strings_size"),
    "counts up to a value": (
        program(full("a", (1, 3), "int32", 2**30), ("bincount", "a", "b", {}),
                values={"a": ([1, 3], "int32"), "b": ([1, None], "int32")}), "limit value_size"),
    "filters of many taps": (
        program(("resize", "x", "a", {"size": [10_000, 10_000], "interpolation": "nearest"}),
                ("resize", "a", "b", {"size": [8000, 8000], "interpolation": "lanczos5", "antialias": True}),
                values={"a": ([None, 10_000, 10_000, 1], F), "b": ([None, 8000, 8000, 1], F)}, inputs=IMAGE),
        "limit run_seconds"),
    "pool of a large window": (
        program(("resize", "x", "a", {"size": [4000, 4000], "interpolation": "nearest"}),
                ("max_pool", "a", "b", {"pool_size": [2000, 2000], "strides": [1, 1]}),
                values={"a": ([None, 4000, 4000, 1], F), "b": ([None, 2001, 2001, 1], F)}, inputs=IMAGE),
        "limit run_seconds"),
    "convolution with a large window": (
        program(("resize", "x", "a", {"size": [2000, 2000], "interpolation": "nearest"}), ("conv", "a k", "b", WINDOW),
                values={"a": ([None, 2000, 2000, 1], F), "b": ([None, 1001, 1001, 1], F)}, inputs=IMAGE,
                weights={"k": KERNEL}), "limit run_memory"),
    "dilation": (
        program(("conv", "x k", "b", {**WINDOW, "dilation_rate": [10**5, 10**5], "padding": "same"}),
                values={"b": ([None, 8, 8, 1], F)}, inputs=IMAGE, weights={"k": np.ones((3, 3, 1, 1), np.float32)}),
        "limit run_memory"),
    "slow functions": (chain("erfinv", [2**24], 3, 0.5), "limit run_seconds"),
    "transforms": (
        program(full("a", (2**25,), "complex64"), ("fft", "a", "b", {"axes": [0]}),
                values=dict.fromkeys("ab", ([2**25], "complex64"))), "limit run_memory"),
    "order": (
        program(full("a", (2**26,)), ("argsort", "a", "b", {}), values={"a": ([2**26], F), "b": ([2**26], "int32")}),
        "limit run_memory"),
    "places of values": (
        program(full("a", (2**14,)), ("argwhere", "a", "b", {}), ("transpose", "b", "c", {"axes": [1, 0]}),
                ("multiply", "b c", "d", {}),
                values={"a": ([2**14], F), "b": ([None, 1], "int32"), "c": ([1, None], "int32"),
                        "d": ([None, None], "int32")}), "limit run_memory"),
    "steps": (
        program(("full", "x", "a", {"shape": ["like.0", 2_000_000, 1], "value": 1, "dtype": F}),
                ("simple_rnn", "a k r", "b c d", {}),
                values={"a": (LONG, F), "b": ([None, 2_000_000, 2], F), "c": ([None, 2], F), "d": ([None, 2], F)},
                weights={"k": np.ones((1, 2), np.float32), "r": np.ones((2, 2), np.float32)}), "limit run_seconds"),
    "window of nothing": (
        program(("conv", "x k", "b", {**WINDOW, "padding": "same"}), values={"b": ([None, 8, 8, 1], F)}, inputs=IMAGE,
                weights={"k": np.ones((0, 3, 1, 1), np.float32)}), "holds nothing"),
    "parameters of two sizes": (
        program(("batch_norm", "x m v", "y", {}), values={"y": ([None, None], F)}, inputs=[None, None],
                weights={"m": np.ones(2, np.float32), "v": np.ones(3, np.float32)}), "must have the shape (2,)"),
    "slice of fractions": (
        program(("slice", "x", "y", {"slices": [None, [0.5, 2, None]]}), values={"y": ([None, 2], F)}),
        "a slice is null or"),
    "slice of words": (
        program(("slice", "x", "y", {"slices": [None, ["a", None, None]]}), values={"y": ([None, 2], F)}),
        "a slice is null or"),
}  # fmt: skip
