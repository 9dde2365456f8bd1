"""Losses as operations (keras/src/ops/nn.py; steps as in keras/src/backend/tensorflow/nn.py)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .nn import EPSILON
from .operands import apply, arguments, axis_of, expanded, register_table, tensor, without_axes


@hookimpl
def register_layers(register: Register) -> None:
    """Register the losses."""
    losses = {
        "BinaryCrossentropy": binary_crossentropy,
        "CategoricalCrossentropy": categorical_crossentropy,
        "SparseCategoricalCrossentropy": sparse_categorical_crossentropy,
    }
    register_table(register, ("target", "output"), losses)


def _pair(call: LayerCall, emit: Emitter, activation: str) -> tuple[Symbol, Symbol, bool]:
    """Return target, output, and whether the output is logits: Keras looks through an activation before the loss."""
    target, output = (tensor(emit, value) for value in arguments(call, "target", "output"))
    source = emit.source(output)
    if source is not None and source[0] == activation:
        return target, source[1], True
    return target, output, call.config.bool("from_logits", False)


def _same(target: Symbol, output: Symbol) -> None:
    if target.dtype != output.dtype:
        raise Unsupported(f"its target is {target.dtype}, its output {output.dtype}; Keras fails on that")


def _clipped(emit: Emitter, x: Symbol) -> Symbol:
    y: Symbol = apply(emit, "maximum", apply(emit, "minimum", x, 1.0 - EPSILON), EPSILON)
    return y


def binary_crossentropy(call: LayerCall, emit: Emitter) -> Symbol:
    """-t log(p) - (1 - t) log(1 - p), p cut to what is not 0 or 1; for logits x: max(x, 0) - x t + log(1 + e^-|x|)."""
    target, output, logits = _pair(call, emit, "sigmoid")
    _same(target, output)
    if logits:
        size = emit.op("log1p", emit.op("exp", emit.op("negative", emit.op("abs", output))))
        linear = emit.op("subtract", emit.op("relu", output), emit.op("multiply", output, target))
        return emit.op("add", linear, size)
    output = _clipped(emit, output)
    hit = emit.op("multiply", target, emit.op("log", output))
    rest = emit.op("log", apply(emit, "subtract", 1, output))
    miss = emit.op("multiply", apply(emit, "subtract", 1, target), rest)
    return emit.op("negative", emit.op("add", hit, miss))


def categorical_crossentropy(call: LayerCall, emit: Emitter) -> Symbol:
    """-sum of t log(p) along an axis, p scaled to add up to 1; log_softmax(x) stands for log(p) of logits x."""
    target, output, logits = _pair(call, emit, "softmax")
    axis = axis_of(call.argument("axis", -1), output.rank)
    if logits:
        wide = _wide(emit, output)
        loss = emit.op("multiply", emit.cast(target, wide.dtype), emit.op("log_softmax", wide, axes=[axis]))
        return emit.cast(emit.op("negative", emit.op("sum", loss, axes=[axis])), output.dtype)
    _same(target, output)
    output = _clipped(emit, emit.op("divide", output, emit.op("sum", output, axes=[axis], keepdims=True)))
    loss = emit.op("multiply", target, emit.op("log", output))
    return emit.op("negative", emit.op("sum", loss, axes=[axis]))


def sparse_categorical_crossentropy(call: LayerCall, emit: Emitter) -> Symbol:
    """-log_softmax(x) at the place of the target, x logits or the logarithms of probabilities."""
    target, output, logits = _pair(call, emit, "softmax")
    if axis_of(call.argument("axis", -1), output.rank) != output.rank - 1:
        raise Unsupported("Keras on TensorFlow runs it along the last axis only")
    target = emit.cast(target, "int64")
    if target.rank == output.rank and target.shape[-1] == 1:
        target = without_axes(emit, target, [target.rank - 1])
    output = output if logits else emit.op("log", _clipped(emit, output))
    wide = emit.op("log_softmax", _wide(emit, output), axes=[output.rank - 1])
    found = emit.op("take_along_axis", wide, expanded(emit, target, [target.rank]), axis=output.rank - 1)
    found = emit.op("negative", without_axes(emit, found, [output.rank - 1]))
    return emit.cast(found, output.dtype)


def _wide(emit: Emitter, x: Symbol) -> Symbol:
    return emit.cast(x, "float32") if x.dtype in ("float16", "bfloat16") else x
