"""Quantization imitated in floats (keras/src/quantizers/quantizers.py, and TensorFlow's kernel of it)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .operands import given, number_like, register_table


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operation."""
    register_table(register, ("inputs", "min_vals", "max_vals"), {"FakeQuantWithMinMaxVars": fake_quant})


def fake_quant(call: LayerCall, emit: Emitter) -> Symbol:
    """The values cut to a range and rounded to the steps of whole numbers of some bits; in float32."""
    if call.config.get("axis") is not None:
        raise Unsupported("it has a range for each channel, which Keras builds no model with")
    x = emit.cast(given(call, emit, "inputs"), "float32")
    low, high = (_scalar(emit, given(call, emit, name)) for name in ("min_vals", "max_vals"))
    most = float(2 ** call.config.int("num_bits", 8) - 1)
    least = 1.0 if call.config.bool("narrow_range", False) else 0.0
    steps, width = number_like(emit, most - least, low), emit.op("subtract", high, low)
    scale, inverse = emit.op("divide", width, steps), emit.op("divide", steps, width)
    zero = _zero_point(emit, low, scale, least, most)
    bottom = emit.op("multiply", emit.op("subtract", number_like(emit, least, low), zero), scale)
    top = emit.op("multiply", emit.op("subtract", number_like(emit, most, low), zero), scale)
    start = _nearest(emit, emit.op("multiply", emit.op("negative", bottom), inverse))
    shifted = emit.op("subtract", emit.op("maximum", emit.op("minimum", x, top), bottom), bottom)
    place = emit.op("subtract", emit.op("divide", shifted, scale), start)
    y = emit.op("multiply", _nearest(emit, place), scale)
    nothing = number_like(emit, 0.0, low)
    empty = emit.op("logical_and", emit.op("equal", low, nothing), emit.op("equal", high, nothing))
    return emit.cast(emit.op("where", empty, nothing, y), given(call, emit, "inputs").dtype)


def _scalar(emit: Emitter, x: Symbol) -> Symbol:
    y: Symbol = emit.op("reshape", emit.cast(x, "float32"), shape=[])
    return y


def _zero_point(emit: Emitter, low: Symbol, scale: Symbol, least: float, most: float) -> Symbol:
    """Return the whole number that stands for 0: ties are rounded up, as all numbers here are positive."""
    place = emit.op("subtract", number_like(emit, least, low), emit.op("divide", low, scale))
    place = emit.op("minimum", emit.op("maximum", place, number_like(emit, least, low)), number_like(emit, most, low))
    whole = emit.op("floor", place)
    half = emit.op("greater_equal", emit.op("subtract", place, whole), number_like(emit, 0.5, low))
    y: Symbol = emit.op("add", whole, emit.cast(half, "float32"))
    return y


def _nearest(emit: Emitter, x: Symbol) -> Symbol:
    y: Symbol = emit.op("floor", emit.op("add", x, number_like(emit, 0.5, x)))
    return y
