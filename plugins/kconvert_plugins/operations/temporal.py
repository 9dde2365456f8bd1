"""Connectionist temporal classification (keras/src/ops/nn.py)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .operands import apply, expanded, given, join, known, register_table, sliced
from .positions import arange


@hookimpl
def register_layers(register: Register) -> None:
    """Register the loss and the decoder."""
    register_table(register, ("target", "output", "target_length", "output_length"), {"CTCLoss": ctc_loss})
    register_table(register, ("inputs", "sequence_lengths"), {"CTCDecode": ctc_decode})


def ctc_loss(call: LayerCall, emit: Emitter) -> Symbol:
    """The loss of logits (batch, time, classes) for target labels, computed in float32."""
    target, output = given(call, emit, "target"), given(call, emit, "output")
    lengths = [emit.cast(given(call, emit, name), "int32") for name in ("target_length", "output_length")]
    blank = _blank(call, output)
    target = emit.cast(target, "int32")
    if blank:  # TensorFlow moves the blank to the front, and the label of its number then stands for the class before
        target = apply(emit, "where", apply(emit, "equal", target, blank), blank - 1, target)
    loss = emit.op("ctc_loss", target, emit.cast(output, "float32"), *lengths, blank=blank)
    return emit.cast(loss, join(output.dtype, "float32"))


def _blank(call: LayerCall, x: Symbol) -> int:
    index = call.config.int("mask_index", 0)
    return index if index >= 0 else index + known(x.shape[-1], "the number of classes")


def ctc_decode(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The best class of each step without repeats and blanks (1, batch, time), -1 behind; minus the sum of logits."""
    if call.config.str("strategy", "greedy") != "greedy":
        raise Unsupported("it searches paths with beams through the time steps; decode greedily, or outside the model")
    x = given(call, emit, "inputs")
    if x.rank != 3:
        raise Unsupported(f"it decodes (batch, time, classes), got {x.type}")
    x = emit.cast(x, join(x.dtype, "float32"))
    lengths = expanded(emit, emit.cast(given(call, emit, "sequence_lengths"), "int32"), [1])
    steps = arange(emit, x, 1)
    inside = emit.op("less", steps, lengths)
    best = emit.op("argmax", x, axis=2)
    kept = emit.op("logical_and", inside, apply(emit, "not_equal", best, _blank(call, x)))
    if call.argument("merge_repeated", True):
        kept = emit.op("logical_and", kept, emit.op("not_equal", best, _before(emit, best)))
    order = emit.op("argsort", emit.cast(emit.op("logical_not", kept), "int8"), axis=1)
    count = emit.op("sum", emit.cast(kept, "int32"), axes=[1], keepdims=True)
    found = emit.op("take_along_axis", best, order, axis=1)
    found = apply(emit, "where", emit.op("less", steps, count), found, -1)
    score = apply(emit, "where", inside, emit.op("max", x, axes=[2]), 0.0)
    return [expanded(emit, found, [0]), emit.op("negative", emit.op("sum", score, axes=[1], keepdims=True))]


def _before(emit: Emitter, x: Symbol) -> Symbol:
    """Return what stood one step before, -1 at first."""
    y: Symbol = emit.op("pad", sliced(emit, x, 1, None, -1), pads=[[0, 0], [1, 0]], value=-1)
    return y
