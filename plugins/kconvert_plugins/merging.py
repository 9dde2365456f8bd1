"""Layers that merge several inputs (keras/src/layers/merging)."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, promotion

from .shapes import expand, meet, sizes, spread
from .unit_normalization import l2_normalized


@hookimpl
def register_layers(register: Register) -> None:
    """Register the merging layers."""
    register("keras.layers.Add", add, compute_mask=either)
    register("keras.layers.Subtract", subtract, compute_mask=either)
    register("keras.layers.Multiply", multiply, compute_mask=either)
    register("keras.layers.Average", average, compute_mask=either)
    register("keras.layers.Maximum", maximum, compute_mask=either)
    register("keras.layers.Minimum", minimum, compute_mask=either)
    register("keras.layers.Concatenate", concatenate, compute_mask=concatenated)
    register("keras.layers.Dot", dot)


def add(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum of the inputs."""
    return _folded(emit, "add", _aligned(call, emit))


def subtract(call: LayerCall, emit: Emitter) -> Symbol:
    """The first input less the second."""
    return _folded(emit, "subtract", _pair(_aligned(call, emit)))


def average(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum of the inputs over their number; whole numbers divide into float64, those below 32 bits into float32."""
    total = add(call, emit)
    if promotion.is_integer(total.dtype):
        total = emit.cast(total, "float32" if total.dtype.endswith(("int8", "int16")) else "float64")
    return emit.op("divide", total, emit.constant(len(call.inputs), total.dtype))


def maximum(call: LayerCall, emit: Emitter) -> Symbol:
    """The largest of the inputs, among those that are not masked."""
    return _extreme(call, emit, "maximum")


def minimum(call: LayerCall, emit: Emitter) -> Symbol:
    """The smallest of the inputs, among those that are not masked."""
    return _extreme(call, emit, "minimum")


def multiply(call: LayerCall, emit: Emitter) -> Symbol:
    """The product of the inputs that are not masked; 0 where all are."""
    xs = _aligned(call, emit)
    kept = [_feature_mask(emit, x) for x in xs]
    factors = [
        x if mask is None else emit.op("where", mask, x, emit.constant(1, x.dtype))
        for x, mask in zip(xs, kept, strict=True)
    ]
    y = _folded(emit, "multiply", factors)
    found = [mask for mask in kept if mask is not None]
    if len(found) < len(kept):
        return y
    any_kept = _folded(emit, "logical_or", found)
    y = emit.op("where", any_kept, y, emit.constant(0, y.dtype))
    return y.with_mask(emit.op("any", any_kept, axes=[-1]))


def concatenate(call: LayerCall, emit: Emitter) -> Symbol:
    """The inputs joined along axis."""
    xs = _inputs(call)
    return emit.op("concatenate", *meet(emit, *xs, dtype=_common(xs)), axis=call.config.int("axis", -1))


def dot(call: LayerCall, emit: Emitter) -> Symbol:
    """The products of both inputs summed along one axis of each, sample by sample; two vectors give (batch, 1)."""
    x, y = _pair(_inputs(call))
    axes = call.config.ints("axes", rank=2)
    if min(x.rank, y.rank) < 2 or 0 in (axes[0] % x.rank, axes[1] % y.rank):
        raise Unsupported(f"it cannot sum {x.type} and {y.type} along the axes {axes}, batches must stay apart")
    ours, theirs = axes[0] % x.rank, axes[1] % y.rank
    if call.config.bool("normalize", False):
        x, y = l2_normalized(emit, x, [ours]), l2_normalized(emit, y, [theirs])
    x, y = meet(emit, x, y, dtype=_common([x, y]))
    left = ascii_lowercase[: x.rank]
    right = [ascii_lowercase[0], *ascii_lowercase[x.rank : x.rank + y.rank - 1]]
    right[theirs] = left[ours]
    rest = [label for label in (*left, *right[1:]) if label != left[ours]]
    result: Symbol = emit.op("einsum", x, y, equation=f"{left},{''.join(right)}->{''.join(rest)}")
    return expand(emit, result, -1) if result.rank == 1 else result


def either(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """Kept where one input is kept; no mask where an input has none."""
    if any(one is None for one in mask):
        return None
    return _folded(emit, "logical_or", mask)


def concatenated(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """The masks spread over the inputs and joined like them; kept where one feature is."""
    if all(one is None for one in mask):
        return None
    wide = [_widened(emit, x, one) for x, one in zip(_inputs(call), mask, strict=True)]
    return emit.op("any", emit.op("concatenate", *wide, axis=call.config.int("axis", -1)), axes=[-1])


def _widened(emit: Emitter, x: Symbol, mask: Symbol | None) -> Symbol:
    if mask is None:
        return emit.op("full", x, shape=sizes(x, "like"), value=True, dtype="bool")
    if mask.rank >= x.rank:
        return mask
    none = emit.op("full", x, shape=sizes(x, "like"), value=False, dtype="bool")
    return emit.op("logical_or", expand(emit, mask, -1), none)


def _inputs(call: LayerCall) -> list[Symbol]:
    given = call.inputs
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(x, Symbol) for x in given):
        raise Unsupported("it must be called with a list of tensors")
    return list(given)


def _pair(xs: Sequence[Symbol]) -> Sequence[Symbol]:
    if len(xs) != 2:
        raise Unsupported(f"it must be called with two tensors, got {len(xs)}")
    return xs


def _aligned(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """Return the inputs with axes of size 1 behind the batch, up to the largest rank.

    Keras decides when it builds the layer: one that first saw inputs of one rank never adds axes.
    """
    xs = _inputs(call)
    built = call.layer.build_config.get("input_shape")
    shapes = (
        built if isinstance(built, list) and all(isinstance(s, (list, tuple)) for s in built) else [x.shape for x in xs]
    )
    if len({len(shape) for shape in shapes}) == 1:
        return xs
    rank = max(x.rank for x in xs)
    return [x if x.rank == rank else expand(emit, x, 1, rank - x.rank) for x in xs]


def _common(xs: Sequence[Symbol]) -> str:
    return promotion.result_type(*(x.dtype for x in xs)) if len({x.dtype for x in xs}) > 1 else xs[0].dtype


def _folded(emit: Emitter, op: str, xs: Sequence[Symbol]) -> Symbol:
    """Apply a two-input op to the first two, then to that and the third, and so on, meeting in one dtype each time."""
    result = xs[0]
    for x in xs[1:]:
        x = _as_bias(emit, result, x) if op == "add" else x
        result = emit.op(op, *meet(emit, result, x, dtype=_common([result, x])))
    return result


def _as_bias(emit: Emitter, x: Symbol, y: Symbol) -> Symbol:
    """Lay `y` over the channels of `x` where Keras takes it for a bias, wherever its one axis of more than 1 stands.

    Keras does so if no size of `y` is unknown, and that one is the size of the last or of the second axis of `x`.
    """
    wide = [size for size in y.shape if size != 1]
    if x.rank < 2 or len(wide) != 1 or wide[0] is None or wide[0] not in (x.shape[1], x.shape[-1]):
        return y
    shape = [wide[0]] if wide[0] == x.shape[-1] else [wide[0], *[1] * (x.rank - 2)]
    return y if list(y.shape[-len(shape) :]) == shape else emit.op("reshape", y, shape=shape)


def _feature_mask(emit: Emitter, x: Symbol) -> Symbol | None:
    """Return the mask of `x` for each of its features, None if it has none."""
    return None if x.mask is None else spread(emit, expand(emit, x.mask, -1), x)


def _extreme(call: LayerCall, emit: Emitter, op: str) -> Symbol:
    """Fold with `op`; where one side is masked the other is taken, and the masks of all are joined."""
    xs = _aligned(call, emit)
    y, kept = xs[0], _feature_mask(emit, xs[0])
    for x in xs[1:]:
        mask = _feature_mask(emit, x)
        x, y = meet(emit, x, y, dtype=_common([x, y]))
        x = x if mask is None else emit.op("where", mask, x, y)
        y = y if kept is None else emit.op("where", kept, y, x)
        kept = emit.op("logical_or", kept, mask) if kept is not None and mask is not None else None
        y = emit.op(op, y, x)
    return y if kept is None else y.with_mask(emit.op("any", kept, axes=[-1]))
