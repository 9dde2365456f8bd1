"""Every op of the table with its attributes at their extremes: refused, or run within the limits.

The first seeds give each attribute of each op each extreme in turn; later ones change several, and the inputs too.
"""

from __future__ import annotations

import io
import json
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from kconvert_runtime import load
from kconvert_schemas import KconvertError
from kconvert_schemas.attrs import complete
from kconvert_schemas.bundle import GRAPH, WEIGHTS
from kconvert_schemas.codec import encode
from kconvert_schemas.dtypes import DTYPES, Array, holder
from kconvert_schemas.graph import Body, Graph, Node, Port, Signature, TensorType, Weight
from kconvert_schemas.npz import to_storage, write_npz
from kconvert_schemas.opset import BUILT_IN, find_op
from tests.fuzz.bundle import LIMITS, retype
from tests.plugins.op_cases import OpCase, all_cases

WHOLE = (
    0,
    1,
    -1,
    2,
    -2,
    7,
    33,
    1000,
    65_537,
    2**31 - 1,
    2**31,
    2**32 + 1,
    2**40,
    2**62,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64,
)
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-320, 1e308, -1e308, "inf", "-inf", "nan", 2**63, 10**19)
TEXTS = ("", "x", "a" * 5000, "\x00", "\u202e", "ij,jk->ik", "a->aa", "...->...", "->", ",", "i" * 60 + "->")
DIMS = (
    *WHOLE,
    "x.0",
    "x.9",
    "x.0*x.0*x.0*x.0",
    "x.0*4611686018427387904",
    "like.0",
    "0",
    "9" * 19,
    "x.0*-1",
    "a.0",
    "",
)
OTHER: tuple[Any, ...] = (None, True, 0.5, "x", [], [[]], {}, {"op": "relu", "attrs": {}}, [None], "nan")
UNARY = ("relu", "softmax", "glu", "cast", "matmul", "scan", "", "os::system", "one_hot", "cholesky",
         {"op": "one_hot", "attrs": {"depth": 2**40}}, {"op": "relu", "attrs": {"max_value": "nan"}},
         {"op": "softmax", "attrs": {"axes": []}}, {"op": "softmax", "attrs": {"axes": [5]}},
         {"op": "reshape", "attrs": {"shape": [2**40]}}, {"op": "constant", "attrs": {}},
         {"op": "sum", "attrs": {}}, {"op": "pad", "attrs": {"pads": [[9, 9], [10**6, 10**6]]}},
         {"op": "scan", "attrs": {"body": {}}}, {"op": "cast", "attrs": {"dtype": "string"}})  # fmt: skip
SLICES = ([0, 1, 0], [2**62, None, None], [None, None, -(2**62)], [0.5, 1, 1], [None, None, True], [1], 3)


@cache
def cases() -> list[OpCase]:
    return all_cases()


def extremes(kind: str, good: Any) -> Iterator[Any]:
    """Yield values for an attribute of this kind which has the value `good` in a graph that runs."""
    yield from OTHER
    single = {"int": WHOLE, "float": FLOATS, "str": TEXTS, "dtype": (*DTYPES, "float8", ""), "unary": UNARY}
    yield from single.get(kind, ())
    entries = {"ints": WHOLE, "floats": FLOATS, "strs": TEXTS, "dims": DIMS}.get(kind, ())
    listed = good if isinstance(good, list) and good else [1]
    length = len(listed)
    for entry in entries:
        yield [entry] * length
        yield [*listed[:-1], entry]
    if kind in ("ints", "dims", "pairs"):
        yield from ([listed] * 2, listed * 2, listed[:-1], [1] * 40, [1] * 100_000)
    if kind == "pairs":
        yield from ([[entry, 0]] * length for entry in WHOLE)
        yield from ([[0, 0]] * (length - 1) + [[entry, entry]] for entry in WHOLE)
    if kind == "value":
        yield from (*WHOLE, *FLOATS, *TEXTS, [[1], [1, 2]], [[[[[[[1]]]]]]], [1, "a"], [True, 2], [0] * 100_000)
        yield from ([part] * length for part in SLICES)
        yield from ([*listed[:-1], part] for part in SLICES)
    if kind == "body":
        yield from bodies(good)


def bodies(good: Body) -> Iterator[Any]:
    """Yield subgraphs that are not what their node needs."""
    node = good.nodes[0]
    yield {"inputs": [], "outputs": [], "nodes": [], "values": {}}
    for change in ({"outputs": ()}, {"outputs": good.inputs}, {"inputs": ()}, {"inputs": good.inputs * 2},
                   {"outputs": good.outputs * 3}, {"nodes": ()}, {"values": {}}):  # fmt: skip
        yield Body(**{**{name: getattr(good, name) for name in ("inputs", "outputs", "nodes", "values")}, **change})
    for op, attrs in (
        ("full", {"shape": [2**40], "value": 0, "dtype": "float32"}),
        ("broadcast_to", {"shape": [2**22]}),
    ):
        bad = Node(op, node.name, "", (node.inputs[0],), node.outputs, attrs)
        yield Body(good.inputs, good.outputs, (bad,), good.values)


@cache
def singles() -> list[tuple[int, str, Any]]:
    """Every attribute of every case with every extreme."""
    return [
        (index, name, value)
        for index, case in enumerate(cases())
        for name, attr in BUILT_IN.ops[case.op].attrs.items()
        for value in extremes(attr.kind, case.attrs.get(name, attr.default if not attr.required else None))
    ]


def chosen(seed: int) -> tuple[OpCase, dict[str, Any], list[Array | None]]:
    """Case, attributes and inputs number `seed`."""
    random = Random(seed)
    if seed < len(singles()):
        index, name, value = singles()[seed]
        case = cases()[index]
        return case, {**case.attrs, name: value}, list(case.inputs)
    case = random.choice(cases())
    attrs, spec = dict(case.attrs), BUILT_IN.ops[case.op]
    for name in random.sample(sorted(spec.attrs), min(len(spec.attrs), random.randint(0, 2))):
        found = list(extremes(spec.attrs[name].kind, attrs.get(name)))
        attrs[name] = random.choice(found)
    return case, attrs, [None if array is None else other(array, random) for array in case.inputs]


def other(array: Array, random: Random) -> Array:
    """Return an array of another type or shape, or with other values, or the same."""
    kind = random.randrange(8)
    if kind == 0 and array.ndim:
        return array[:0]
    if kind == 1 and array.ndim:
        return np.moveaxis(array, 0, -1)
    if kind == 2:
        return array[None]
    if kind == 3 and array.ndim:
        return np.asarray(array[0], array.dtype)
    if kind == 4 and array.ndim:
        return np.repeat(array, random.choice((2, 3)), random.randrange(array.ndim))
    if kind == 5 and array.dtype != object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return array.astype(holder(random.choice([dtype for dtype in DTYPES if dtype != "string"])))
    if kind == 6 and array.dtype.kind in "fiu":
        low = np.finfo if array.dtype.kind == "f" else np.iinfo
        worst = (low(array.dtype).min, low(array.dtype).max, *((np.nan, np.inf) if array.dtype.kind == "f" else ()))
        return np.full_like(array, random.choice(worst))
    return array


def written(
    case: OpCase, attrs: dict[str, Any], inputs: list[Array | None], random: Random
) -> tuple[bytes, bytes, dict[str, Array]]:
    """Return the graph and weights of a bundle of one node, and what to feed; inputs after the first may be weights."""
    types = [None if array is None else type_of(array) for array in inputs]
    held = {i for i in range(1, len(inputs)) if inputs[i] is not None and random.random() < 0.5}
    names = [None if array is None else f"i{i}" for i, array in enumerate(inputs)]
    outputs = tuple(f"o{i}" for i in range(count(case, attrs, types)))
    blank = TensorType((None,), "float32")
    ports = tuple(
        Port(f"i{i}", f"i{i}", opened(types[i], random)) for i in range(len(inputs)) if types[i] and i not in held
    )
    graph = Graph(
        Signature([port.name for port in ports], ports),
        Signature(list(outputs), tuple(Port(name, name, blank) for name in outputs)),
        (Node(case.op, "n", "layer", tuple(names), outputs, attrs),),
        dict.fromkeys(outputs, blank),
        {f"i{i}": Weight(types[i], True, f"i{i}") for i in sorted(held)},
        opsets={"kconvert": 1},
    )
    data = json.loads(json.dumps(encode(graph)))
    retype(data)
    buffer = io.BytesIO()
    write_npz(buffer, ((f"i{i}", to_storage(inputs[i], types[i].dtype)) for i in sorted(held)))
    return json.dumps(data).encode(), buffer.getvalue(), {port.name: inputs[int(port.name[1:])] for port in ports}


def type_of(array: Array) -> TensorType:
    return TensorType(array.shape, "string" if array.dtype == object else array.dtype.name)


def opened(type_: TensorType, random: Random) -> TensorType:
    """Leave the batch open, or every axis, or none."""
    kind = random.randrange(3)
    shape = type_.shape
    return TensorType(
        shape if kind == 0 or not shape else (None, *shape[1:]) if kind == 1 else (None,) * len(shape), type_.dtype
    )


def count(case: OpCase, attrs: dict[str, Any], types: list[TensorType | None]) -> int:
    """Return how many outputs a node has; where it cannot have these attributes, as many as it is said to have."""
    spec = find_op(case.op)
    assert spec is not None
    try:
        return len(spec.infer(types, complete(spec, attrs)))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return len(spec.outputs)


def check(seed: int) -> bool:
    """Load and run bundle number `seed`; tell whether it was refused."""
    case, attrs, inputs = chosen(seed)
    random = Random(seed)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph, weights, feeds = written(case, attrs, inputs, random)
        (Path(name) / GRAPH).write_bytes(graph)
        (Path(name) / WEIGHTS).write_bytes(weights)
        try:
            model = load(name, optimize=seed % 2 == 0, limits=LIMITS)
            model.run(feeds)
        except KconvertError:
            return True
        return False
