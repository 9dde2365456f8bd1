"""What ops that work element by element are made of: calls of NumPy's ufuncs on a tape.

An expansion takes the tape, the op's inputs and its attributes and returns the result, or None where the attributes
ask for something that only the op's kernel does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np

from .tape import Operand, Ref, Tape

ROOT = math.sqrt(2 / math.pi)
Expansion: TypeAlias = Callable[..., "Ref | None"]
E = TypeVar("E", bound=Expansion)

DIRECT = (
    "negative", "abs", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "add", "subtract", "multiply",
    "divide", "maximum", "minimum",
)  # fmt: skip

EXPANSIONS: dict[str, Expansion] = {}


def expand(tape: Tape, op: str, inputs: list[Operand], attrs: Mapping[str, Any]) -> Ref | None:
    """Record an op; None if it has no expansion."""
    expansion = EXPANSIONS.get(op)
    return expansion(tape, *inputs, **attrs) if expansion else None


def _direct(ufunc: np.ufunc) -> Expansion:
    return lambda tape, *inputs: tape(ufunc, *inputs)


EXPANSIONS.update({name: _direct(getattr(np, "absolute" if name == "abs" else name)) for name in DIRECT})


def expansion(op: str) -> Callable[[E], E]:
    """Register the decorated function as the expansion of `op`."""

    def register(function: E) -> E:
        EXPANSIONS[op] = function
        return function

    return register


@expansion("relu")
def relu(
    tape: Tape, x: Operand, *, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Ref | None:
    """min(max(x, 0), max_value)."""
    if negative_slope or threshold:
        return None
    return tape(np.maximum, x, 0.0) if max_value is None else tape(np.clip, x, 0.0, max_value)


@expansion("relu6")
def relu6(tape: Tape, x: Operand) -> Ref:
    """min(max(x, 0), 6)."""
    return tape(np.clip, x, 0.0, 6.0)


@expansion("leaky_relu")
def leaky_relu(tape: Tape, x: Operand, *, negative_slope: float = 0.2) -> Ref | None:
    """max(x, slope x), which holds for slopes up to 1."""
    slope = float(np.float32(negative_slope))
    return tape(np.maximum, x, tape(np.multiply, x, slope)) if 0 < slope <= 1 else None


@expansion("elu")
def elu(tape: Tape, x: Operand, *, alpha: float = 1.0) -> Ref:
    """max(x, 0) + alpha (exp(min(x, 0)) - 1)."""
    below = tape(np.multiply, tape(np.expm1, tape(np.minimum, x, 0.0)), alpha)
    return tape(np.add, tape(np.maximum, x, 0.0), below)


@expansion("sigmoid")
def sigmoid(tape: Tape, x: Operand) -> Ref:
    """1 / (1 + exp(-x)); where exp overflows the result is 0."""
    return tape(np.reciprocal, tape(np.add, tape(np.exp, tape(np.negative, x)), 1.0))


@expansion("silu")
def silu(tape: Tape, x: Operand) -> Ref:
    """x / 2 (1 + tanh(x / 2)): what is lost by rounding is as small beside x as in x / (1 + exp(-x))."""
    half = tape(np.multiply, x, 0.5)
    return tape(np.multiply, half, tape(np.add, tape(np.tanh, half), 1.0))


@expansion("hard_sigmoid")
def hard_sigmoid(tape: Tape, x: Operand, *, slope: float = 1 / 6, offset: float = 0.5) -> Ref:
    """clip(slope x + offset, 0, 1)."""
    line = tape(np.add, tape(np.multiply, x, slope), offset)
    return tape(np.clip, line, 0.0, 1.0)


@expansion("hard_silu")
def hard_silu(tape: Tape, x: Operand) -> Ref:
    """x clip(x / 6 + 1 / 2, 0, 1)."""
    return tape(np.multiply, x, hard_sigmoid(tape, x))


@expansion("hard_tanh")
def hard_tanh(tape: Tape, x: Operand) -> Ref:
    """clip(x, -1, 1)."""
    return tape(np.clip, x, -1.0, 1.0)


@expansion("softplus")
def softplus(tape: Tape, x: Operand) -> Ref:
    """max(x, 0) + log(1 + exp(-|x|))."""
    tail = tape(np.log1p, tape(np.exp, tape(np.negative, tape(np.absolute, x))))
    return tape(np.add, tape(np.maximum, x, 0.0), tail)


@expansion("softsign")
def softsign(tape: Tape, x: Operand) -> Ref:
    """x / (1 + |x|)."""
    return tape(np.divide, x, tape(np.add, tape(np.absolute, x), 1.0))


ERF = (1.12837970, 0.102765478, -1.84383549e-4, -6.25719724e-4, 8.97126374e-5, -5.98569977e-6, 1.58960773e-7)
"""erf(x) = tanh(x P(x^2)), P a polynomial fitted to it for float32: error below 1.4e-7."""


def _tanh_of_erf(tape: Tape, x: Operand, scale: float) -> Ref:
    """erf(scale x)."""
    square = tape(np.multiply, x, x)
    *lower, highest = (c * scale ** (2 * i + 1) for i, c in enumerate(ERF))
    p = tape(np.add, tape(np.multiply, square, highest), lower.pop())
    for coefficient in reversed(lower):
        p = tape(np.add, tape(np.multiply, p, square), coefficient)
    return tape(np.tanh, tape(np.multiply, p, x))


@expansion("erf")
def erf(tape: Tape, x: Operand) -> Ref | None:
    """tanh(x P(x^2)), in float32."""
    return _tanh_of_erf(tape, x, 1.0) if tape.dtype == "float32" else None


@expansion("gelu")
def gelu(tape: Tape, x: Operand, *, approximate: bool = False) -> Ref | None:
    """x (1 + tanh(...)) / 2: of 0.798 (x + 0.0447 x^3), or of what gives erf(x / sqrt 2), in float32."""
    if approximate:
        factor = tape(np.multiply, tape(np.multiply, x, x), ROOT * float(np.float32(0.044715)))
        squashed = tape(np.tanh, tape(np.multiply, x, tape(np.add, factor, ROOT)))
    elif tape.dtype == "float32":
        squashed = _tanh_of_erf(tape, x, math.sqrt(0.5))
    else:
        return None
    return tape(np.multiply, x, tape(np.add, tape(np.multiply, squashed, 0.5), 0.5))
