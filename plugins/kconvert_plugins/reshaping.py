"""Layers that only rearrange (keras/src/layers/reshaping). None of these supports masking."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .shapes import expand, sizes


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this module."""
    register("keras.layers.Flatten", flatten)
    register("keras.layers.Reshape", reshape)
    register("keras.layers.Permute", permute)
    register("keras.layers.RepeatVector", repeat_vector)


def flatten(call: LayerCall, emit: Emitter) -> Symbol:
    """(batch, ...) -> (batch, everything else); channels_first is brought to channels_last first."""
    x = call.x
    if x.rank < 1:
        raise Unsupported(f"its input must have a batch axis, got {x.type}")
    if call.config.data_format() == "channels_first" and x.rank > 1:
        x = emit.op("transpose", x, axes=[0, *range(2, x.rank), 1])
    return emit.op("reshape", x, shape=[sizes(x)[0], _product(sizes(x)[1:])])


def reshape(call: LayerCall, emit: Emitter) -> Symbol:
    """(batch, ...) -> (batch, *target_shape), where one entry may be -1."""
    target = call.config.ints("target_shape")
    if min(target, default=0) < -1 or target.count(-1) > 1:
        raise Unsupported(f"its target_shape must be sizes and at most one -1, got {target}")
    batch, *rest = sizes(call.x)
    shape = [_left_over(rest, target) if size == -1 else size for size in target]
    return emit.op("reshape", call.x, shape=[batch, *shape])


def permute(call: LayerCall, emit: Emitter) -> Symbol:
    """The axes after the batch in the order `dims`, which counts them from 1."""
    return emit.op("transpose", call.x, axes=[0, *call.config.ints("dims")])


def repeat_vector(call: LayerCall, emit: Emitter) -> Symbol:
    """(batch, features) -> (batch, n, features), n times the same."""
    if call.x.rank != 2:
        raise Unsupported(f"its input must have 2 axes, got {call.x.type}")
    batch, features = sizes(call.x)
    return emit.op("broadcast_to", expand(emit, call.x, 1), shape=[batch, call.config.int("n"), _third(features)])


def _third(size: int | str) -> int | str:
    return "x.2" if isinstance(size, str) else size


def _product(dims: Sequence[int | str]) -> int | str:
    """Multiply dimension expressions."""
    known = prod(size for size in dims if isinstance(size, int))
    unknown = [size for size in dims if isinstance(size, str)]
    if not unknown or known == 0:
        return known
    return "*".join([*unknown, *([str(known)] if known != 1 else [])])


def _left_over(dims: Sequence[int | str], target: Sequence[int]) -> int | str:
    """Return what -1 stands for: an expression if the known sizes divide, so that it holds for an empty batch too."""
    known, wanted = prod(size for size in dims if isinstance(size, int)), prod(size for size in target if size != -1)
    if wanted == 0 or known % wanted:
        return -1
    return _product([known // wanted, *(size for size in dims if isinstance(size, str))])
