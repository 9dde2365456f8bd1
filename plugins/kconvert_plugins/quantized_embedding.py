"""Embedding and ReversibleEmbedding under quantized dtype policies (keras/src/layers/core)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from kconvert import Emitter, LayerCall, Symbol, promotion

from .quantizers import (
    DEFAULT,
    block_size,
    dequantize,
    inputs_quantizer,
    last_expanded,
    promoted,
    quantization,
    quantize,
    unpacked,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A quantized table of `rows` vectors of `size` numbers.

    values: int8, in int4 two numbers to a byte. scale: for each row, or for each row and block of it; then `zero`
    and `groups`, the block of each number, are there too.
    """

    rows: int
    size: int
    packed: bool
    values: Symbol
    scale: Symbol
    zero: Symbol | None = None
    groups: Symbol | None = None


def quantized_embedding(call: LayerCall, emit: Emitter) -> Symbol:
    """Rows of a quantized table, divided by their scales, or with blocks (row - zero) scale."""
    table, compute = _table(call, emit), call.layer.policy.compute
    indices = call.x if call.x.dtype in ("int32", "int64") else emit.cast(call.x, "int32")
    y = emit.op("take", table.values, indices, axis=0)
    y = emit.cast(unpacked(emit, y, y.rank - 1, table.size) if table.packed else y, compute)
    scale = emit.op("take", table.scale, indices, axis=0)
    if table.zero is None or table.groups is None:
        return promoted(emit, "divide", y, last_expanded(emit, scale))
    return dequantize(emit, y, scale, emit.op("take", table.zero, indices, axis=0), table.groups, y.rank - 1)


def quantized_reversible_embedding(call: LayerCall, emit: Emitter) -> Symbol:
    """A quantized embedding, without a mask; with `reverse` the product with its table, or with one of its own."""
    if not call.get("reverse"):
        return quantized_embedding(call, emit)
    table, x, compute = _reverse_table(call, emit), call.x, call.layer.policy.compute
    quantizer, scale = inputs_quantizer(call, DEFAULT), emit.constant([1.0], compute)
    if quantizer is not None:
        x, scale = quantize(emit, x, quantizer, quantizer.axes or (-1,))
    kernel = unpacked(emit, table.values, 0, table.size) if table.packed else table.values
    if table.zero is not None and table.groups is not None:
        kernel = dequantize(emit, emit.cast(kernel, compute), table.scale, table.zero, table.groups, 0)
        return _capped(call, emit, promoted(emit, "divide", _product(emit, x, kernel), scale))
    y = emit.cast(_product(emit, x, kernel), compute)
    return _capped(call, emit, promoted(emit, "divide", y, promoted(emit, "multiply", scale, table.scale)))


def _product(emit: Emitter, x: Symbol, kernel: Symbol) -> Symbol:
    whole = x.dtype == kernel.dtype == "int8"
    dtype = "int32" if whole else promotion.result_type(x.dtype, kernel.dtype)
    y: Symbol = emit.op("matmul", emit.cast(x, dtype), emit.cast(kernel, dtype))
    return y


def _capped(call: LayerCall, emit: Emitter, y: Symbol) -> Symbol:
    """Return tanh(y / cap) cap with a logit_soft_cap."""
    if call.config.get("logit_soft_cap") is None:
        return y
    cap = emit.constant(call.config.float("logit_soft_cap"), y.dtype)
    capped: Symbol = emit.op("multiply", emit.op("tanh", emit.op("divide", y, cap)), cap)
    return capped


def _table(call: LayerCall, emit: Emitter) -> Table:
    """Read the table of the embedding; its variables are numbered in this order."""
    rows, size, block = _sizes(call)
    packed = quantization(call).mode == "int4"
    shape = (rows, ceil(size / 2) if packed else size)
    values = emit.weight("embeddings", 0, shape=shape, dtype="int8", trainable=False)
    if block is None:
        return Table(rows, size, packed, values, emit.weight("embeddings_scale", 1, shape=(rows,), trainable=False))
    shape = (rows, ceil(size / block))
    return Table(
        rows, size, packed, values, emit.weight("embeddings_scale", 1, shape=shape, trainable=False),
        emit.weight("embeddings_zero", 2, shape=shape, dtype="int8", trainable=False),
        emit.weight("g_idx", 3, shape=(size,), trainable=False),
    )  # fmt: skip


def _sizes(call: LayerCall) -> tuple[int, int, int | None]:
    found = quantization(call)
    block = block_size(call, found) if found.mode == "int4" else None
    return call.config.int("input_dim"), call.config.int("output_dim"), block


def _reverse_table(call: LayerCall, emit: Emitter) -> Table:
    """Read the table (size, rows) that `reverse` multiplies by: the transposed one, or one of its own."""
    table = _table(call, emit)
    if call.config.bool("tie_weights", True):
        zero = None if table.zero is None else _transposed(emit, table.zero)
        values, scale = _transposed(emit, table.values), _transposed(emit, table.scale)
        return replace(table, values=values, scale=scale, zero=zero)
    first, (rows, size, block) = 2 if table.zero is None else 4, _sizes(call)
    shape = (ceil(size / 2) if table.packed else size, rows)
    values = emit.weight("reverse_embeddings", first, shape=shape, dtype="int8", trainable=False)
    if block is None:
        scale = emit.weight("reverse_embeddings_scale", first + 1, shape=(rows,), trainable=False)
        return Table(rows, size, table.packed, values, scale)
    shape = (ceil(size / block), rows)
    scale = emit.weight("reverse_embeddings_scale", first + 1, shape=shape, trainable=False)
    zero = emit.weight("reverse_embeddings_zero", first + 2, shape=shape, trainable=False)
    return Table(rows, size, table.packed, values, scale, zero, table.groups)


def _transposed(emit: Emitter, x: Symbol) -> Symbol:
    return x if x.rank < 2 else emit.op("transpose", x, axes=[1, 0])
