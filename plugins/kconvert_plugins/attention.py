"""Attention and AdditiveAttention, and what all attention layers share (keras/src/layers/attention)."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, promotion

from .shapes import expand, meet, sizes

ARGUMENTS = ("inputs", "mask", "training", "return_attention_scores", "use_causal_mask")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers that attend with one head."""
    register("keras.layers.Attention", attention, arguments=ARGUMENTS, compute_mask=query_mask)
    register("keras.layers.AdditiveAttention", additive_attention, arguments=ARGUMENTS, compute_mask=query_mask)


def attention(call: LayerCall, emit: Emitter) -> Any:
    """softmax(query keyT) value; score_mode 'concat' scores by the summed tanh(query + key)."""
    query, _, key = _inputs(call)
    scaled = call.config.bool("use_scale", False)
    scale = emit.weight("scale", 0, shape=()) if scaled else None
    if call.config.str("score_mode", "dot", ("dot", "concat")) == "dot":
        query, key = meet(emit, query, key, dtype=promotion.result_type(query.dtype, key.dtype))
        scores = _scaled(emit, emit.op("matmul", query, swapped(emit, key)), scale)
    else:
        weight = emit.weight("concat_score_weight", int(scaled), shape=())
        summed = _scaled(emit, _each_pair(emit, query, key), scale)
        scores = _scaled(emit, emit.op("sum", emit.op("tanh", summed), axes=[-1]), weight)
    return _attend(call, emit, scores)


def additive_attention(call: LayerCall, emit: Emitter) -> Any:
    """softmax(sum(scale tanh(query + key))) value (Bahdanau)."""
    query, _, key = _inputs(call)
    scale = emit.weight("scale", 0, shape=(query.shape[-1],)) if call.config.bool("use_scale", True) else None
    scores = emit.op("sum", _scaled(emit, emit.op("tanh", _each_pair(emit, query, key)), scale), axes=[-1])
    return _attend(call, emit, scores)


def query_mask(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """The mask of the query."""
    return mask[0] if mask else None


def swapped(emit: Emitter, x: Symbol) -> Symbol:
    """Return `x` with its last two axes swapped."""
    return emit.op("transpose", x, axes=[*range(x.rank - 2), x.rank - 1, x.rank - 2])


def boolean(emit: Emitter, mask: Symbol) -> Symbol:
    """Return a mask as true and false: whatever is not 0 is true."""
    return emit.cast(mask, "bool")


def both(emit: Emitter, mask: Symbol | None, other: Symbol | None) -> Symbol | None:
    """Return what two masks keep; None is a mask that keeps all."""
    if mask is None or other is None:
        return other if mask is None else mask
    return emit.op("logical_and", mask, other)


def places(emit: Emitter, like: Symbol, axis: int, shape: list[int | str]) -> Symbol:
    """Return the numbers from 1 to the size of an axis of `like`, in `shape`, where 'x.0' is that size."""
    ones = emit.op("full", like, shape=[sizes(like, "like")[axis]], value=1, dtype="int32")
    return emit.op("reshape", emit.op("cumsum", ones, axis=0), shape=shape)


def dropped(call: LayerCall, emit: Emitter, weights: Symbol) -> Symbol:
    """Return attention weights of which some are dropped in training."""
    rate = call.config.float("dropout", 0.0)
    y: Symbol = emit.op("dropout", weights, rate=rate) if rate > 0 else weights
    return y


def _inputs(call: LayerCall) -> tuple[Symbol, Symbol, Symbol]:
    """Return query, value and key; the key is the value where none is given."""
    given = call.inputs
    if (
        not isinstance(given, (list, tuple))
        or len(given) not in (2, 3)
        or not all(isinstance(x, Symbol) for x in given)
    ):
        raise Unsupported("it must be called with [query, value] or [query, value, key]")
    return given[0], given[1], given[-1] if len(given) == 3 else given[1]


def _each_pair(emit: Emitter, query: Symbol, key: Symbol) -> Symbol:
    """Return query (..., T, 1, d) + key (..., 1, S, d)."""
    query, key = meet(emit, query, key, dtype=promotion.result_type(query.dtype, key.dtype))
    return emit.op("add", expand(emit, query, query.rank - 1), expand(emit, key, key.rank - 2))


def _scaled(emit: Emitter, x: Symbol, scale: Symbol | None) -> Symbol:
    return x if scale is None else emit.op("multiply", x, emit.cast(scale, x.dtype))


def _attend(call: LayerCall, emit: Emitter, scores: Symbol) -> Any:
    """Mask the scores, take their softmax, and weigh the values; positions that the query's mask leaves out are 0."""
    value, mask = _inputs(call)[1], call.mask or [None, None]
    kept = _kept(call, emit, scores, mask[1])
    if kept is not None:
        least = emit.constant(65504.0 if scores.dtype == "float16" else 1e9, scores.dtype)
        scores = emit.op("where", kept, scores, emit.op("subtract", scores, least))
    weights = emit.op("softmax", scores, axes=[-1])
    weights = dropped(call, emit, weights)
    dtype = promotion.result_type(weights.dtype, value.dtype)
    y = emit.op("matmul", *meet(emit, weights, value, dtype=dtype))
    if mask[0] is not None:
        y = emit.op("where", expand(emit, boolean(emit, mask[0]), -1), y, emit.constant(0, y.dtype))
    return (y, weights) if call.get("return_attention_scores") else y


def _kept(call: LayerCall, emit: Emitter, scores: Symbol, mask: Symbol | None) -> Symbol | None:
    """Return where to attend: the value's mask, and with use_causal_mask nothing that comes later."""
    kept = None if mask is None else boolean(emit, mask)
    if not call.get("use_causal_mask"):
        return expand(emit, kept, -2) if kept is not None and kept.rank == 2 else kept
    rows, columns = places(emit, scores, -2, [1, "x.0", 1]), places(emit, scores, -1, [1, 1, "x.0"])
    before: Symbol = emit.op("greater_equal", rows, columns)
    return before if kept is None else emit.op("logical_and", expand(emit, kept, -2), before)
