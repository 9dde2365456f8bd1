"""Inputs and attributes for every op of the table, one line each. Ops that take any numbers need no line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kconvert_schemas import Body, Node, OpError, OpSpec, TensorType
from kconvert_schemas.attrs import complete
from kconvert_schemas.opset import BUILT_IN

RNG = np.random.default_rng(3)


@dataclass(frozen=True)
class OpCase:
    """What `OpContract` needs, without expected values: those of built-in ops are Keras' (tests/golden)."""

    op: str
    inputs: Sequence[Any]
    batched: Sequence[str] | None = None
    data_dependent: bool = False
    attrs: dict[str, Any] = field(default_factory=dict)


def case(
    op: str, *inputs: Any, batched: Sequence[str] | None = None, data_dependent: bool = False, **attrs: Any
) -> OpCase:
    return OpCase(op, inputs, batched, data_dependent, attrs)


def x(*shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return RNG.uniform(low, high, shape).astype("float32")


def ids(*shape: int, high: int = 3) -> np.ndarray:
    return RNG.integers(0, high, shape).astype("int32")


def complexes(*shape: int) -> np.ndarray:
    return (x(*shape) + 1j * x(*shape)).astype("complex64")


def definite(count: int, size: int) -> np.ndarray:
    """Symmetric matrices with positive eigenvalues."""
    root = x(count, size, size)
    return root @ root.transpose(0, 2, 1) + np.eye(size, dtype="float32")


def bools(*shape: int) -> np.ndarray:
    return RNG.random(shape) < 0.6


def words(*rows: str) -> np.ndarray:
    return np.array(rows, object)


def step() -> Body:
    """(x, h) -> (x + h, x + h)."""
    a, h, s = (TensorType((None, 4), "float32") for _ in range(3))
    return Body(("a", "h"), ("s", "s"), (Node("add", "add", "", ("a", "h"), ("s",), {}),), {"a": a, "h": h, "s": s})


RNN = ("x", "mask", "initial_h")
CASES = [
    case("log", x(3, 4, low=0.1)), case("log1p", x(3, 4)), case("sqrt", x(3, 4, low=0.1)),
    case("arccosh", x(3, 4, low=1.2, high=3)), case("rsqrt", x(3, 4, low=0.1)), case("lgamma", x(3, 4, low=0.1)),
    case("digamma", x(3, 4, low=0.1)), case("power", x(3, 4, low=0.1), x(3, 4), batched=("x", "y")),
    case("divide", x(3, 4), x(4, low=0.5)), case("mod", x(3, 4), x(4, low=0.5)),
    case("floor_divide", x(3, 4), x(4, low=0.5)),
    case("where", bools(3, 4), x(3, 4), x(4), batched=("condition", "x")),
    case("cast", x(3, 4), dtype="int32"), case("cast", x(3, 4), dtype="bfloat16"),
    case("relu", x(3, 4), negative_slope=0.1, max_value=0.5, threshold=-0.3), case("gelu", x(3, 4)),
    case("gelu", x(3, 4), approximate=True), case("softmax", x(3, 2, 4), axes=[-1, 1]),
    case("log_softmax", x(3, 2, 4), axes=[1]), case("sparsemax", x(3, 4, 2), axis=1), case("glu", x(3, 4, 2), axis=1),
    *(case(op, x(3, 2, 4), axes=[1, -1], keepdims=True) for op in ("sum", "mean", "prod", "max", "min")),
    *(case(op, x(3, 2, 4), axes=[-1]) for op in ("sum", "mean", "prod", "max", "min")),
    *(case(op, bools(3, 2, 4), axes=[1]) for op in ("any", "all")),
    *(case(op, x(3, 4, 2), axis=1, keepdims=True) for op in ("argmax", "argmin")),
    *(case(op, x(3, 4, 2), axis=-2) for op in ("cumsum", "cumprod")),
    case("reshape", x(3, 4, 2), shape=["x.0", 2, -1]),
    case("reshape", x(3, 8), x(3, 4), shape=["like.0", "like.1", 2], batched=("x", "like")),
    case("transpose", x(3, 4, 2), axes=[2, 0, 1]), case("flip", x(3, 4, 2), axes=[1, 2]),
    case("concatenate", x(3, 4), x(3, 1), x(3, 2), axis=-1, batched=("xs",)),
    case("slice", x(3, 5, 4), slices=[None, [1, None, 2], [None, None, -1]]),
    *(case("pad", x(3, 4, 5), pads=[[0, 0], [1, 2], [0, 1]], mode=m) for m in ("constant", "reflect", "edge")),
    case("take", x(3, 5), np.array([[0, -1], [4, 2]], "int32"), axis=1),
    case("take", x(5, 2), ids(3, 4), batched=("indices",)),
    case("take_along_axis", x(3, 5), ids(3, 2), axis=1, batched=("x", "indices")),
    case("broadcast_to", x(3, 1, 4), shape=["x.0", 5, 4]),
    case("full", x(3, 4), shape=["like.0", 2], value=1.5, dtype="float32"),
    case("unpack_bits", RNG.integers(-128, 128, (3, 4)).astype("int8"), bits=4, axis=1, size=7),
    case("unpack_bits", RNG.integers(0, 256, (3, 4, 2)).astype("uint8"), bits=2, axis=-2, size=16),
    case("constant", value=[[1, 2], [3, 4]], dtype="float32"), case("one_hot", ids(3, 4), depth=3),
    case("argsort", x(3, 5), axis=-1, descending=True), case("searchsorted", np.sort(x(6)), x(3, 4), batched=("x",)),
    case("scatter", x(3, 4), np.array([[0], [2]], "int32"), x(2, 4), batched=()),
    case("scatter", x(3, 4), np.array([[0], [0]], "int32"), x(2, 4), batched=(), reduction="add"),
    case("matmul", x(3, 2, 4), x(4, 5)), case("matmul", x(3, 2, 4), x(3, 4, 5), batched=("x", "y")),
    case("einsum", x(3, 2, 4), x(4, 5), equation="bij,jk->bik"),
    case("conv", x(2, 7, 4), x(3, 2, 6), strides=[2], dilation_rate=[1], groups=2, padding="same"),
    case("conv", x(2, 4, 7, 6), x(3, 2, 4, 3), strides=[1, 1], dilation_rate=[2, 1], data_format="channels_first"),
    case("conv", x(2, 4, 5, 3, 2), x(2, 1, 2, 2, 3), strides=[1, 2, 1], dilation_rate=[1, 1, 1]),
    case("conv_transpose", x(2, 5, 4), x(3, 2, 4), strides=[2], dilation_rate=[1], padding="same"),
    case("conv_transpose", x(2, 3, 4, 2), x(2, 3, 5, 2), strides=[2, 1], dilation_rate=[1, 1]),
    *(case(op, x(2, 7, 6, 3), pool_size=[3, 2], strides=[2, 2], padding="same") for op in ("max_pool", "avg_pool")),
    case("max_pool", x(2, 3, 7), pool_size=[2], strides=[1], data_format="channels_first"),
    case("avg_pool", x(2, 3, 7), pool_size=[2], strides=[1], data_format="channels_first"),
    case("resize", x(2, 5, 4, 3), size=[3, "x.2*2"]),
    case("resize", x(2, 5, 4, 3), size=[7, 2], interpolation="bicubic"),
    case("resize", x(2, 3, 5, 4), size=[2, 9], interpolation="nearest", data_format="channels_first"),
    case("resize", x(2, 5, 4, 3), size=[2, 3], interpolation="lanczos3", antialias=True),
    case("batch_norm", x(3, 4), x(4), x(4, low=0.5), x(4), x(4)), case("layer_norm", x(3, 2, 4), x(4), x(4)),
    case("batch_norm", x(3, 4, 2), x(4), x(4, low=0.5), None, x(4), axis=1),
    case("stop_gradient", x(3, 4)), case("dropout", x(3, 4), rate=0.5), case("alpha_dropout", x(3, 4), rate=0.5),
    case("gaussian_dropout", x(3, 4), rate=0.5), case("gaussian_noise", x(3, 4), stddev=0.5),
    case("simple_rnn", x(2, 3, 4), x(4, 5), x(5, 5), x(5), bools(2, 3), x(2, 5), batched=RNN),
    case("lstm", x(2, 3, 4), x(4, 20), x(5, 20), x(20), bools(2, 3), x(2, 5), x(2, 5), batched=(*RNN, "initial_c")),
    case("lstm", x(2, 3, 4), x(4, 20), x(5, 20), go_backwards=True),
    case("gru", x(2, 3, 4), x(4, 15), x(5, 15), x(2, 15), bools(2, 3), x(2, 5), batched=RNN),
    case("gru", x(2, 3, 4), x(4, 15), x(5, 15), x(15), reset_after=False),
    case("scan", x(2, 3, 4), bools(2, 3), x(2, 4), body=step(), batched=("x", "mask", "states"),
         data_dependent=True),  # its body leaves the batch open
    case("lookup", words("a", "z", "b"), words("a", "b"), np.array([1, 2], "int64"), np.array(0, "int64")),
    case("hash_bucket", words("a", "b", ""), buckets=7), case("hash_bucket", words("a", "b"), buckets=7, salt=[1, 2]),
    case("bincount", ids(3, 5), data_dependent=True),
    case("view", x(3, 4), source="float32", dtype="uint16"), case("cholesky", x(2, 3, 3), nan=True),
    case("ctc_loss", ids(2, 3, high=4), x(2, 7, 5), np.array([3, 0], "int32"), np.array([7, 6], "int32"),
         blank=4, batched=("labels", "logits", "label_length", "logit_length")),
    case("argwhere", ids(4, 3), data_dependent=True), case("unique", ids(6, 2), data_dependent=True),
    case("unique", ids(9), sorted=False, data_dependent=True),
    case("bincount", ids(3, 5), x(3, 5), minlength=3, maxlength=3, dtype="float32", batched=("x", "weights")),
    case("hash_cross", words("a", "b"), np.array([7, 8], "int64"), buckets=5, batched=("xs",)),
    case("standardize_text", words("A b!", "C"), lower=True, remove="!"),
    case("tokenize", words("a b", "c"), split="whitespace", data_dependent=True),
    case("tokenize", words("abc", "c"), split="character", length=2),
    case("cholesky", definite(3, 4)), case("slogdet", definite(3, 4)),
    case("solve", definite(3, 4), x(3, 4, 2), batched=("x", "y")),
    case("fft", complexes(3, 4), axes=[-1]), case("fft", complexes(3, 4, 2), axes=[1, 2], inverse=True),
    case("gcd", ids(3, 4, high=9), ids(4, high=9)),
]  # fmt: skip


def default(spec: OpSpec) -> OpCase | None:
    """Return a case with numbers for every input, for an op whose attributes all have defaults; None if none fits."""
    if any(attr.required for attr in spec.attrs.values()):
        return None
    names = tuple(name for name in spec.inputs if not name.endswith(("?", "*")))
    for make in (x, lambda *shape: ids(*shape), bools, complexes):
        inputs = [make(3, 2, 4) for _ in names]
        types = [TensorType(array.shape, array.dtype.name) for array in inputs]
        try:
            spec.infer(types, complete(spec, {}))
        except OpError:
            continue
        return OpCase(spec.name, inputs, names)
    return None


def all_cases() -> list[OpCase]:
    """Every line for an op that exists, and a default for the ops without a line."""
    written = [case for case in CASES if case.op in BUILT_IN.ops]
    named = {case.op for case in written}
    found = (default(spec) for name, spec in BUILT_IN.ops.items() if name not in named)
    return [*written, *(case for case in found if case is not None)]
