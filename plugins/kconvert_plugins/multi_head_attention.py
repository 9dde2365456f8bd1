"""MultiHeadAttention and GroupQueryAttention (keras/src/layers/attention).

Keras computes the softmax in one of two ways: in float32 with masked scores at the lowest number, or, with
dropout, attention scores to return, or more than one attention axis, by a Softmax layer.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from string import ascii_lowercase
from typing import Any

from kconvert import Emitter, LayerCall, LayerSpec, Register, Symbol, Unsupported, hookimpl, masks, promotion

from . import rounded
from .activations import masked_softmax
from .attention import boolean, both, dropped, places
from .shapes import added, expand

ARGUMENTS = (
    "query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask", "return_attention_scores",
    "training", "use_causal_mask",
)  # fmt: skip
LOWEST = -0.7 * 3.38953e38


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers that attend with several heads."""
    register("keras.layers.MultiHeadAttention", multi_head, arguments=ARGUMENTS, compute_mask=masks.keep)
    register("keras.layers.GroupQueryAttention", grouped, arguments=ARGUMENTS, compute_mask=masks.keep)


def multi_head(call: LayerCall, emit: Emitter) -> Any:
    """Attention of each head over projections of query, key and value, and a projection of what they give.

    The layer takes the masks off its inputs, for itself and for all that read them later.
    """
    query, value, key = _inputs(call)
    for x in (query, value, key):
        emit.clear_mask(x)
    kept, given = _kept(call, emit, query.mask), call.get("attention_mask")
    kept = kept if given is None else both(emit, boolean(emit, given), kept)
    heads, size = call.config.int("num_heads"), call.config.int("key_dim")
    deep = call.config.int("value_dim") if call.config.get("value_dim") else size
    projected = _project(call, emit, query, "query", heads, size)
    keys, values = _project(call, emit, key, "key", heads, size), _project(call, emit, value, "value", heads, deep)
    axes = _attention_axes(call, values.rank)
    y, scores = _attend(call, emit, (projected, keys, values), kept, axes, 1 / sqrt(size))
    if call.config.bool("use_gate", False):
        y = emit.op("multiply", y, _gate(call, emit, query, heads, deep))
    wanted = call.config.get("output_shape")
    shape: list[int | None] = [query.shape[-1]]
    if wanted:
        shape = [wanted] if isinstance(wanted, int) else list(wanted)
    y = _project_back(call, emit, y, shape).with_mask(query.mask)
    return (y, scores) if call.get("return_attention_scores") else y


def grouped(call: LayerCall, emit: Emitter) -> Any:
    """Multi-head attention where groups of query heads share a head of key and value."""
    query, value, key = _inputs(call)
    if {query.rank, value.rank, key.rank} != {3}:
        raise Unsupported(f"its inputs must have 3 axes, got {query.type}, {value.type}, {key.type}")
    kept, given = _kept(call, emit, call.get("query_mask")), call.get("attention_mask")
    if given is not None:
        kept = given if kept is None else both(emit, boolean(emit, given), kept)
    size, heads = call.config.int("head_dim"), call.config.int("num_query_heads")
    pairs = call.config.int("num_key_value_heads")
    if heads % pairs:
        raise Unsupported(f"its {heads} query heads do not divide into {pairs} groups")
    projected = _project(call, emit, query, "query", heads, size)
    source = emit.constant([head // (heads // pairs) for head in range(heads)], "int32")
    keys, values = (
        emit.op("take", _project(call, emit, x, name, pairs, size), source, axis=2)
        for x, name in ((key, "key"), (value, "value"))
    )
    y, scores = _attend(call, emit, (projected, keys, values), kept, [1], 1 / sqrt(size))
    if call.config.bool("use_gate", False):
        y = emit.op("multiply", y, _gate(call, emit, query, heads, size))
    y = _project_back(call, emit, y, [query.shape[-1]])
    return (y, scores) if call.get("return_attention_scores") else y


def _inputs(call: LayerCall) -> tuple[Symbol, Symbol, Symbol]:
    query, value, key = call.get("query"), call.get("value"), call.get("key")
    key = value if key is None else key
    if not all(isinstance(x, Symbol) for x in (query, value, key)):
        raise Unsupported("it must be called with the tensors query, value and perhaps key")
    return query, value, key


def _attention_axes(call: LayerCall, rank: int) -> list[int]:
    """Return the axes attended over, of projections with `rank` axes; by default all but batch, heads and channels."""
    given = call.config.get("attention_axes")
    if given is None:
        return list(range(1, rank - 2))
    return [axis if axis >= 0 else rank - 1 + axis for axis in ([given] if isinstance(given, int) else given)]


def _project(call: LayerCall, emit: Emitter, x: Symbol, name: str, heads: int, size: int) -> Symbol:
    """Multiply x (..., d) by a kernel (d, heads, size), plus a bias (heads, size)."""
    axes = ascii_lowercase[: x.rank - 1]
    equation = f"{axes}x,xyz->{axes}yz"
    return _dense(call, emit, x, name, equation, (x.shape[-1], heads, size), (heads, size))


def _gate(call: LayerCall, emit: Emitter, query: Symbol, heads: int, size: int) -> Symbol:
    """Return the sigmoid of a projection; in 16 bits each step rounded, or sums that cancel out show the difference."""
    x = _project(call, emit, query, "gate", heads, size)
    gate: Symbol = rounded.sigmoid(emit, x) if x.dtype in ("float16", "bfloat16") else emit.op("sigmoid", x)
    return gate


def _project_back(call: LayerCall, emit: Emitter, y: Symbol, shape: list[int | None]) -> Symbol:
    """Multiply y (..., heads, size) by a kernel (heads, size, *shape), plus a bias of `shape`."""
    axes, result = ascii_lowercase[: y.rank - 2], ascii_lowercase[-len(shape) :].upper()
    equation = f"{axes}xy,xy{result}->{axes}{result}"
    return _dense(call, emit, y, "output", equation, (*y.shape[-2:], *shape), tuple(shape))


def _dense(
    call: LayerCall, emit: Emitter, x: Symbol, name: str, equation: str, kernel_shape: Any, bias_shape: Any
) -> Symbol:
    """Apply the dense layer `name`, whose variables newer files keep under a name without underscore."""
    child = next((c for c in (f"{name}_dense", f"_{name}_dense") if emit.has_weight(0, c)), f"{name}_dense")
    made = "attention_output" if name == "output" else name
    policy = call.layer.policy_of(made)
    if policy != call.layer.policy:
        return _dense_of_its_own(
            call, emit, x, child, equation, bias_shape, replace(call.layer, name=made, policy=policy)
        )
    if emit.has_weight(2 if call.config.bool("use_bias", True) else 1, child):
        raise Unsupported(f"its layer {made!r} was quantized, which Keras does not save: it cannot load it either")
    kernel = emit.weight(f"{name}/kernel", 0, child=child, shape=kernel_shape)
    dtype = promotion.result_type(x.dtype, kernel.dtype)
    y: Symbol = emit.op("einsum", emit.cast(x, dtype), emit.cast(kernel, dtype), equation=equation)
    if not call.config.bool("use_bias", True):
        return y
    bias = emit.weight(f"{name}/bias", 1, child=child, shape=bias_shape)
    return added(emit, y, emit.cast(bias, dtype))


def _dense_of_its_own(
    call: LayerCall, emit: Emitter, x: Symbol, child: str, equation: str, bias_shape: Any, made: LayerSpec
) -> Symbol:
    """Call a dense layer that has another dtype policy than the attention layer as the EinsumDense that it is."""
    result, biased = equation.partition("->")[2], call.config.bool("use_bias", True)
    config = {
        "name": made.name,
        "equation": equation,
        "output_shape": [None] * (len(result) - 1 - len(bias_shape)) + list(bias_shape),
        "bias_axes": result[-len(bias_shape) :] if biased else None,
        "trainable": call.config.get("trainable", True),
    }
    dense = replace(
        made, key="keras.layers.EinsumDense", class_name="EinsumDense", config=config, build_config={},
        path=f"{made.path}/{made.name}", address=f"{made.address}/{child}", scope=f"{made.scope}/{made.name}",
    )  # fmt: skip
    y: Symbol = emit.call(dense, x)
    return y


def _kept(call: LayerCall, emit: Emitter, query_mask: Symbol | None) -> Symbol | None:
    """Return where to attend by the masks of the inputs, (batch, T, S) or what broadcasts to it; None: everywhere."""
    query, value, _ = _inputs(call)
    kept = None if query_mask is None else expand(emit, boolean(emit, query_mask), -1)
    for mask in (call.get("value_mask"), call.get("key_mask")):
        kept = kept if mask is None else both(emit, kept, expand(emit, boolean(emit, mask), -2))
    return both(emit, kept, _near(call, emit, query, value))


def _near(call: LayerCall, emit: Emitter, query: Symbol, value: Symbol) -> Symbol | None:
    """Return (1, T, S): nothing that comes later with use_causal_mask, nothing beyond the sliding window."""
    causal, window = call.get("use_causal_mask"), call.config.get("sliding_window")
    if not causal and window is None:
        return None
    row, column = places(emit, query, 1, [1, "x.0", 1]), places(emit, value, 1, [1, 1, "x.0"])
    kept = emit.op("greater_equal", row, column) if causal else None
    if window is not None:
        distance = emit.op("abs", emit.op("subtract", row, column))
        kept = both(emit, kept, emit.op("less", distance, emit.constant(window, "int32")))
    return kept


def _attend(
    call: LayerCall, emit: Emitter, heads: tuple[Symbol, Symbol, Symbol], kept: Symbol | None, axes: list[int],
    scale: float,
) -> tuple[Symbol, Symbol | None]:  # fmt: skip
    """Return (what each head attends to, attention scores or None) for projections of query, key and value."""
    query, key, value = heads
    fused = not (call.config.float("dropout", 0.0) > 0 or call.get("return_attention_scores") or query.rank != 4)
    product, combine, rank = _equations(query.rank, [1] if fused else axes)
    if kept is not None and kept.rank < rank:
        if kept.rank < 2 * len(axes):
            raise Unsupported(f"its mask {kept.type} does not fit its {len(axes)} attention axes")
        kept = expand(emit, kept, kept.rank - 2 * len(axes), rank - kept.rank)
    if fused:
        weights = _fused(emit, emit.op("einsum", key, query, equation=product), kept, scale)
        return emit.op("einsum", weights, value, equation=combine), None
    query = emit.op("multiply", query, emit.constant(scale, query.dtype))
    scores = emit.op("einsum", key, query, equation=product)
    weights = masked_softmax(emit, scores, kept, list(range(rank - len(axes), rank)))
    return emit.op("einsum", dropped(call, emit, weights), value, equation=combine), weights


def _fused(emit: Emitter, scores: Symbol, kept: Symbol | None, scale: float) -> Symbol:
    """Return softmax(scale scores) in float32 or wider, rounded to the dtype of the scores at the end."""
    dtype = promotion.result_type(scores.dtype, "float32")
    wide = emit.op("multiply", emit.cast(scores, dtype), emit.constant(scale, dtype))
    if kept is not None:
        wide = emit.op("where", boolean(emit, kept), wide, emit.constant(LOWEST, dtype))
    return emit.cast(emit.op("softmax", wide, axes=[-1]), scores.dtype)


def _equations(rank: int, axes: list[int]) -> tuple[str, str, int]:
    """Return key,query->scores and scores,value->result, and the rank of the scores.

    Axes of the inputs: batch, others, heads, channels. Axes of the scores: batch, others, heads, then the axes
    attended from, then those attended to.
    """
    target = ascii_lowercase[:rank]
    source = list(target)
    for count, axis in enumerate(sorted(axes)):
        source[axis] = ascii_lowercase[rank + count]
    batch = [target[axis] for axis in range(rank - 1) if axis not in axes]
    scores = "".join([*batch, *(target[axis] for axis in axes), *(source[axis] for axis in axes)])
    return f"{''.join(source)},{target}->{scores}", f"{scores},{''.join(source)}->{target}", len(scores)
