"""Activations in bfloat16 op by op, each rounding as TensorFlow's own.

An op of the table rounds once, at the end. The difference is at most a few units in the last of eight bits:
too small to matter in one layer, but a recurrent layer feeds it back at every step.
"""

from __future__ import annotations

from collections.abc import Callable

from kconvert import Emitter, Symbol


def _one(emit: Emitter, x: Symbol) -> Symbol:
    return emit.constant(1, x.dtype)


def sigmoid(emit: Emitter, x: Symbol) -> Symbol:
    """As e / (1 + e), e = exp(x); 1 for infinite e."""
    e = emit.op("exp", x)
    ratio = emit.op("divide", e, emit.op("add", _one(emit, x), e))
    y: Symbol = emit.op("where", emit.op("isinf", e), _one(emit, x), ratio)
    return y


def silu(emit: Emitter, x: Symbol) -> Symbol:
    """As x sigmoid(x)."""
    y: Symbol = emit.op("multiply", x, sigmoid(emit, x))
    return y


def elu(emit: Emitter, x: Symbol) -> Symbol:
    """As x above 0, exp(x) - 1 below."""
    below = emit.op("subtract", emit.op("exp", x), _one(emit, x))
    return _split(emit, x, x, below)


def selu(emit: Emitter, x: Symbol) -> Symbol:
    """1.0507 x above 0, 1.7581 (exp(x) - 1) below."""
    low = emit.op("subtract", emit.op("exp", x), _one(emit, x))
    above = emit.op("multiply", emit.constant(1.0507009873554805, x.dtype), x)
    return _split(emit, x, above, emit.op("multiply", emit.constant(1.7580993408473766, x.dtype), low))


def leaky_relu(emit: Emitter, x: Symbol) -> Symbol:
    """As x above 0, 0.2 x below."""
    return _split(emit, x, x, emit.op("multiply", x, emit.constant(0.2, x.dtype)))


def softsign(emit: Emitter, x: Symbol) -> Symbol:
    """As x / (1 + |x|)."""
    y: Symbol = emit.op("divide", x, emit.op("add", _one(emit, x), emit.op("abs", x)))
    return y


def hard_sigmoid(emit: Emitter, x: Symbol) -> Symbol:
    """relu6(x + 3) / 6."""
    shifted = emit.op("relu6", emit.op("add", x, emit.constant(3, x.dtype)))
    y: Symbol = emit.op("divide", shifted, emit.constant(6, x.dtype))
    return y


def hard_silu(emit: Emitter, x: Symbol) -> Symbol:
    """As x hard_sigmoid(x)."""
    y: Symbol = emit.op("multiply", x, hard_sigmoid(emit, x))
    return y


def tanh_shrink(emit: Emitter, x: Symbol) -> Symbol:
    """As x - tanh(x)."""
    y: Symbol = emit.op("subtract", x, emit.op("tanh", x))
    return y


def log_softmax(emit: Emitter, x: Symbol) -> Symbol:
    """As s - log(sum(exp(s))), s = x - max(x), over the last axis."""
    shifted = emit.op("subtract", x, emit.op("max", x, axes=[-1], keepdims=True))
    total = emit.op("sum", emit.op("exp", shifted), axes=[-1], keepdims=True)
    y: Symbol = emit.op("subtract", shifted, emit.op("log", total))
    return y


def _split(emit: Emitter, x: Symbol, above: Symbol, below: Symbol) -> Symbol:
    y: Symbol = emit.op("where", emit.op("greater", x, emit.constant(0, x.dtype)), above, below)
    return y


STEPWISE: dict[str, Callable[[Emitter, Symbol], Symbol]] = {
    function.__name__: function
    for function in (
        sigmoid, silu, elu, selu, leaky_relu, softsign, hard_sigmoid, hard_silu, tanh_shrink, log_softmax,
    )
}  # fmt: skip
"""By the name of the op that computes the activation with its default attributes."""
