"""How long a node will compute, estimated from its types: enough to tell a model from a trap."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kconvert_schemas.graph import Node, TensorType

from .work import multiply_adds

Types = Sequence[TensorType | None]
Estimate = Callable[[Types, Sequence[TensorType], Mapping[str, Any]], float]

NODE, STEP = 2e-6, 3e-5
"""Seconds of a call, and of a time step, whatever their sizes."""
ELEMENT, SORTED, STRING = 2e-9, 1e-7, 1e-6
"""Seconds of an element that is read or written, that is put in order, or that is a string."""
PRODUCT, SLOW_PRODUCT, FACTOR = 4e-11, 1.5e-9, 1e-9
"""Seconds of a multiplication and addition: of float32 by BLAS, without BLAS, and in factors of matrices."""
FAST = {"float32": 1, "float16": 1, "bfloat16": 1, "float64": 2, "complex64": 4, "complex128": 8}
"""How many times longer than for float32 BLAS takes."""


def seconds(node: Node, inputs: Types, outputs: Sequence[TensorType]) -> float:
    """Return about how long one core takes for a node; sizes that are not known count as 1."""
    estimate = ESTIMATES.get(node.op)
    elements = sum(map(_elements, (*inputs, *outputs)))
    found = NODE + elements * ELEMENT + (estimate(inputs, outputs, node.attrs) if estimate else 0.0)
    if node.op != "einsum":
        shapes = [None if type_ is None else tuple(map(size, type_.shape)) for type_ in inputs]
        found += _product(multiply_adds(node, shapes, tuple(map(size, outputs[0].shape))), outputs[0].dtype)
    return found + STRING * sum(_elements(type_) for type_ in outputs if type_.dtype == "string")


def _elements(type_: TensorType | None) -> int:
    return 0 if type_ is None else math.prod(size(n) for n in type_.shape)


def size(n: int | None) -> int:
    """Return a size of an axis, 1 for one that is not known."""
    return 1 if n is None else n


def _shape(types: Types, index: int) -> list[int]:
    type_ = types[index] if index < len(types) else None
    return [] if type_ is None else [size(n) for n in type_.shape]


def _product(count: float, dtype: str) -> float:
    return count * (PRODUCT * FAST[dtype] if dtype in FAST else SLOW_PRODUCT)


def _einsum(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    return _product(sum(work for work, _ in contractions(inputs, attrs["equation"])), outputs[0].dtype)


def contractions(inputs: Types, equation: str) -> Iterator[tuple[int, int]]:
    """Yield the products and the elements of each step of `einsum`, which multiplies pair by pair from the left."""
    left, _, result = equation.replace(" ", "").partition("->")
    first, *terms = left.split(",")
    sizes: dict[str, int] = {}
    for index, term in enumerate((first, *terms)):
        for label, n in zip(term, _shape(inputs, index), strict=False):
            sizes[label] = max(n, sizes.get(label, 1))
    kept = set(first)
    for i, term in enumerate(terms):
        shared = kept & set(term)  # what only one of them has, and nothing later, is summed before
        kept = (kept | set(term)) & set(result).union(*terms[i + 1 :])
        yield math.prod(sizes[label] for label in kept | shared), math.prod(sizes[label] for label in kept)


def _grouped(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    """A convolution of groups goes over its input tap by tap."""
    taps = math.prod(_shape(inputs, 1)[:-1])
    return _elements(outputs[0]) * taps * ELEMENT / 2 if attrs["groups"] > 1 else 0.0


def _pool(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    """One axis is pooled after the other."""
    windows = sum(min(window, n) for window, n in zip(attrs["pool_size"], _spatial(inputs, attrs), strict=False))
    return max(_elements(inputs[0]), _elements(outputs[0])) * windows * ELEMENT / 2


def _spatial(inputs: Types, attrs: Mapping[str, Any]) -> list[int]:
    return _shape(inputs, 0)[2:] if attrs["data_format"] == "channels_first" else _shape(inputs, 0)[1:-1]


def _steps(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    return _shape(inputs, 0)[1] * STEP


def _resize(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    """Taps of each axis; antialiased filters and areas widen with the scale."""
    taps = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10, "area": 2}[attrs["interpolation"]]
    old, new = _spatial(inputs, attrs), _spatial(outputs, attrs)
    widened = attrs["antialias"] or attrs["interpolation"] == "area"
    total = sum(taps * (max(m / max(n, 1), 1) if widened else 1) for m, n in zip(old, new, strict=False))
    return max(_elements(inputs[0]), _elements(outputs[0])) * total * ELEMENT * 4


def _factors(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    """A number of products that grows with the cube of the side, with full factors of the longer one."""
    *batch, rows, columns = _shape(inputs, 0)
    longest = max(rows, columns)
    return math.prod(batch) * longest * columns * (longest if attrs.get("full") else min(rows, columns)) * FACTOR


def _svd(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    return 4 * _factors(inputs, outputs, attrs)


def _each(time: float) -> Estimate:
    """Return the estimate of an op that takes so many seconds for each element."""
    return lambda inputs, outputs, attrs: sum(map(_elements, inputs)) * time


def _ctc(inputs: Types, outputs: Sequence[TensorType], attrs: Mapping[str, Any]) -> float:
    batch, time, _ = _shape(inputs, 1)
    return time * (STEP * 4 + batch * _shape(inputs, 0)[-1] * ELEMENT * 50)


ESTIMATES: dict[str, Estimate] = {
    "einsum": _einsum, "conv": _grouped, "max_pool": _pool, "avg_pool": _pool, "lstm": _steps, "gru": _steps,
    "simple_rnn": _steps, "resize": _resize, "cholesky": _factors, "qr": _factors, "slogdet": _factors,
    "solve": _factors, "svd": _svd, "ctc_loss": _ctc,
    **dict.fromkeys(("fft", "argsort", "searchsorted", "sparsemax", "bincount", "scatter"), _each(SORTED)),
    "unique": _each(4 * SORTED), "erfinv": _each(1e-5), "erfc": _each(4e-6), "erf": _each(2e-7), "gelu": _each(3e-8),
    **dict.fromkeys(("i0", "gcd", "arctanh", "cosh", "sinh", "tan", "power", "arccosh", "arcsinh"), _each(5e-8)),
}  # fmt: skip
