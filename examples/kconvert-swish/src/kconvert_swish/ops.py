"""The op acme::swish: its row, its kernel and its gradient."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kconvert_runtime import kernel, vjp
from kconvert_schemas import Inputs, Opset, OpSpec, TensorType, dtypes, rules
from kconvert_schemas.dtypes import Array


def swish_types(types: Inputs, attrs: Mapping[str, Any]) -> TensorType:
    """The type of x; beta has the size of the last axis of x."""
    rules.one_dtype([types.x, types.beta], dtypes.FLOATS)
    rules.require_shape(types.beta, types.x.shape[-1:], "beta")
    return types.x


SWISH = OpSpec(
    "acme::swish",
    inputs=("x", "beta"),
    rule=swish_types,
    doc="x sigmoid(beta x), with beta along the last axis",
    differentiable=("x", "beta"),
)
OPSET = Opset.of("acme", version=1, specs=[SWISH])


@kernel("acme::swish")
def swish(x: Array, beta: Array) -> Array:
    """Return x sigmoid(beta x) for x (..., n) and beta (n,)."""
    return x / (1 + np.exp(-beta * x))


@vjp("acme::swish")
def swish_vjp(g: Array, y: Array, x: Array, beta: Array) -> tuple[Array, Array]:
    """With s = sigmoid(beta x): dx = g (s + beta x s (1 - s)), dbeta = the sum of g x x s (1 - s)."""
    s = 1 / (1 + np.exp(-beta * x))
    slope = x * s * (1 - s)
    return g * (s + beta * slope), (g * x * slope).sum(axis=tuple(range(x.ndim - 1)))
