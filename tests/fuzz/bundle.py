"""Bundles whose graph or weights are damaged: loading, planning and running raise KconvertErrors only, soon."""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from kconvert.api import convert
from kconvert_runtime import Model, load
from kconvert_schemas import KconvertError
from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.graph import Port, TensorType
from kconvert_schemas.limits import MB, BundleLimits
from kconvert_schemas.opset import find_op
from tests.fuzz import model
from tests.fuzz.mutate import mutated

LIMITS = BundleLimits(run_memory=256 * MB, value_size=64 * MB)
WHOLE = (0, 1, 2, 3, -1, -2, 7, 31, 1000, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
WORDS = ("x.0", "x.0*x.1", "x.9", "x.0*4611686018427387904", "same", "valid", "channels_first", "float16", "string",
         "int64", "bool", "complex64", "tanh", "softmax", "bilinear", "lanczos5", "reflect", "edge", "inf", "a,b->ab",
         "whitespace")  # fmt: skip
ANY = (*WHOLE, *WORDS, [], [[]], None, 0.5, {"op": "relu", "attrs": {}})
ELEMENTS = 200_000


@lru_cache(maxsize=4096)
def bundle(index: int) -> tuple[str, bytes] | None:
    """Graph and weights of a small golden model; None for one that is refused."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "model.keras").write_bytes(model.seeds()[index])
        try:
            convert(place / "model.keras", place / "out", registry=model.REGISTRY)
        except KconvertError:
            return None
        return (place / "out" / "graph.json").read_text(), (place / "out" / "weights.npz").read_bytes()


def damaged(seed: int) -> tuple[bytes, bytes]:
    """Bundle number `seed`: usually with a damaged graph, now and then with damaged bytes of either file."""
    random = Random(seed)
    found = None
    while found is None:
        found = bundle(random.randrange(len(model.seeds())))
    text, weights = found
    kind = random.random()
    if kind < 0.1:
        return text.encode(), mutated(weights, random)
    if kind < 0.15:
        return mutated(text.encode(), random), weights
    graph = json.loads(text)
    for _ in range(random.randint(1, 2)):
        if random.random() < 0.85:
            stretch(graph.get("nodes"), random)
        else:
            model.twist(graph, random)
    if random.random() < 0.8:
        retype(graph)
    return json.dumps(graph).encode(), weights


def stretch(nodes: Any, random: Random) -> None:
    """Give an attribute of a node, or a part of one, an extreme value."""
    if not isinstance(nodes, list):
        return
    attrs = [node["attrs"] for node in nodes if isinstance(node, dict) and isinstance(node.get("attrs"), dict)]
    places = [place for one in attrs for place in model.walk(one)]
    if places:
        owner, key = random.choice(places)
        owner[key] = extreme(owner[key], random)


def extreme(old: Any, random: Random) -> Any:
    """Return another value, usually of the same kind."""
    if random.random() < 0.1:
        return random.choice(ANY)
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return random.choice(WHOLE)
    if isinstance(old, float):
        return random.choice((0.0, -1.0, 1e-300, 1e308, "inf", "nan", "-inf"))
    if isinstance(old, str):
        return random.choice(WORDS)
    if isinstance(old, list):
        return random.choice(([], old * 2, old[:-1], old[::-1], [random.choice(WHOLE) for _ in old]))
    return random.choice(ANY)


def retype(graph: Any) -> None:
    """Declare the types that the op table gives, so that damage gets past the comparison with those declared."""
    try:
        known = {port["value"]: _type(port) for port in graph["inputs"]["tensors"]}
        known.update({name: _type(entry) for name, entry in (graph["weights"] | graph["values"]).items()})
        for node in graph["nodes"]:
            spec = find_op(node["op"])
            if spec is None or "body" in node["attrs"]:
                continue
            types = spec.infer([known.get(name) for name in node["inputs"]], complete(spec, node["attrs"]))
            for name, type_ in zip(node["outputs"], types, strict=True):
                known[name] = type_
                graph["values"][name] = {"shape": list(type_.shape), "dtype": type_.dtype}
        for port in graph["outputs"]["tensors"]:
            port |= graph["values"].get(port["value"], {})
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return  # the damage is elsewhere


def _type(entry: Any) -> TensorType:
    return TensorType(tuple(entry["shape"]), entry["dtype"])


def check(seed: int) -> bool:
    """Load and run bundle number `seed`; tell whether it was refused."""
    graph, weights = damaged(seed)
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (Path(folder) / "graph.json").write_bytes(graph)
        (Path(folder) / "weights.npz").write_bytes(weights)
        try:
            loaded = load(folder, optimize=random.random() < 0.7, verify=random.random() < 0.1, limits=LIMITS)
            run(loaded, random)
        except KconvertError:
            return True
        return False


def run(loaded: Model, random: Random) -> None:
    """Run a model on a few rows of numbers, if its inputs are small."""
    rows = random.randint(0, 3)
    feeds = {port.name: values(port, rows) for port in loaded.graph.inputs.ports}
    if all(array is not None for array in feeds.values()):
        loaded.run(feeds)


def values(port: Port, rows: int) -> Array | None:
    """Small whole numbers, or words; None for an input that is large."""
    shape = tuple(rows if n is None else n for n in port.type.shape)
    if math.prod(shape) > ELEMENTS or len(shape) > 8 or any(n > ELEMENTS for n in shape):
        return None
    if port.type.dtype == "string":
        return np.full(shape, "a word", object)
    return (np.arange(math.prod(shape)).reshape(shape) % 3).astype(holder(port.type.dtype))
