"""Adaptive pooling layers: windows as large as the output size asks for (keras/src/layers/pooling)."""

from __future__ import annotations

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the adaptive pooling layers; none of them supports masking."""
    register([f"keras.layers.AdaptiveAveragePooling{rank}D" for rank in (1, 2, 3)], adaptive_average_pooling)
    register([f"keras.layers.AdaptiveMaxPooling{rank}D" for rank in (1, 2, 3)], adaptive_max_pooling)


def adaptive_average_pooling(call: LayerCall, emit: Emitter) -> Symbol:
    """Mean of each of `output_size` windows along each axis."""
    return _layer(call, emit, "avg_pool")


def adaptive_max_pooling(call: LayerCall, emit: Emitter) -> Symbol:
    """Largest of each of `output_size` windows along each axis."""
    return _layer(call, emit, "max_pool")


def _layer(call: LayerCall, emit: Emitter, op: str) -> Symbol:
    rank = int(call.layer.key[-2])
    if call.x.rank != rank + 2:
        raise Unsupported(f"its input must have {rank + 2} axes, got {call.x.type}")
    return adaptive(emit, call.x, op, call.config.ints("output_size", rank=rank), call.config.data_format())


def adaptive(emit: Emitter, x: Symbol, op: str, output_size: list[int], data_format: str) -> Symbol:
    """Pool `x` to `output_size`, axis by axis."""
    first = 1 if data_format == "channels_last" else 2
    for axis, count in enumerate(output_size, first):
        size = x.shape[axis]
        if not size:
            raise Unsupported(f"the sizes of its input must be known, got {x.type}")
        if count < 1:
            raise Unsupported(f"its output_size must be at least 1, got {count}")
        x = _along(emit, op, x, axis, windows(size, count), data_format)
    return x


def windows(size: int, count: int) -> list[tuple[int, int]]:
    """Return (start, length) of each window: from floor(i size / count) to ceil((i + 1) size / count)."""
    starts = [i * size // count for i in range(count)]
    stops = [-(-(i + 1) * size // count) for i in range(count)]
    return [(start, stop - start) for start, stop in zip(starts, stops, strict=True)]


def _along(
    emit: Emitter, op: str, x: Symbol, axis: int, wanted: list[tuple[int, int]], data_format: str
) -> Symbol:  # fmt: skip
    """Pool along one axis: every window of each length that occurs, of which the wanted ones are taken."""
    size = x.shape[axis] or 0
    lengths = sorted({length for _, length in wanted})
    if len(lengths) == 1 and lengths[0] * len(wanted) == size:
        return _pool(emit, op, x, axis, lengths[0], lengths[0], data_format)
    pooled = [_pool(emit, op, x, axis, length, 1, data_format) for length in lengths]
    joined = pooled[0] if len(pooled) == 1 else emit.op("concatenate", *pooled, axis=axis)
    offsets = {length: sum(size - other + 1 for other in lengths[:i]) for i, length in enumerate(lengths)}
    places = emit.constant([start + offsets[length] for start, length in wanted], "int32")
    taken: Symbol = emit.op("take", joined, places, axis=axis)
    return taken


def _pool(emit: Emitter, op: str, x: Symbol, axis: int, window: int, stride: int, data_format: str) -> Symbol:
    first = 1 if data_format == "channels_last" else 2
    pool_size, strides = ([n if first + i == axis else 1 for i in range(x.rank - 2)] for n in (window, stride))
    y: Symbol = emit.op(op, x, pool_size=pool_size, strides=strides, padding="valid", data_format=data_format)
    return y
