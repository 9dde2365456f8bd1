"""Categories as vectors: what lookups and the categorical layers do in every output mode but 'int'.

Reference: keras/src/utils/numerical_utils.py (`encode_categorical_inputs`).
"""

from __future__ import annotations

from kconvert import Emitter, Symbol, Unsupported
from kconvert_schemas.dtypes import INTEGERS

SPARSE = "its setting sparse=True makes sparse tensors; rebuild it with sparse=False, the values are the same"
SUMMED = {"int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}
"""What keras.ops.sum makes of small integers."""
VECTORS = ("one_hot", "multi_hot", "count")


def encode(emit: Emitter, x: Symbol, mode: str, depth: int, dtype: str, weights: Symbol | None = None) -> Symbol:
    """Return the vectors of the categories x in mode 'one_hot', 'multi_hot' or 'count'.

    weights: of `dtype`, what each category counts in mode 'count'. A scalar and x of shape (n,) and (batch, n)
    become vectors over the last axis. From three axes on, Keras reduces over axis 1, and the vectors come last.
    """
    if x.rank == 0:
        x = emit.op("reshape", x, shape=[1])
        weights = None if weights is None else emit.op("reshape", weights, shape=[1])
    if mode == "one_hot":
        return one_hot(emit, x, depth, dtype)
    binary = mode == "multi_hot"
    y: Symbol
    if x.rank <= 2:
        y = emit.op("bincount", x, weights, minlength=depth, maxlength=depth, binary=binary, dtype=dtype)
        return y
    vectors = emit.op("one_hot", x, depth=depth, dtype=dtype if binary else SUMMED.get(dtype, dtype))
    if weights is not None:
        axes = [f"x.{i}" for i in range(weights.rank)]
        vectors = emit.op("multiply", vectors, emit.op("reshape", weights, shape=[*axes, 1]))
    y = emit.op("max" if binary else "sum", vectors, axes=[1])
    return y


def one_hot(emit: Emitter, x: Symbol, depth: int, dtype: str) -> Symbol:
    """Return x as vectors on a new last axis, which replaces a last axis of size 1."""
    if x.rank > 1:
        if x.shape[-1] is None:
            raise Unsupported("the size of its input's last axis must be known: Keras drops that axis where it is 1")
        if x.shape[-1] == 1:
            x = drop_last_axis(emit, x)
    vectors: Symbol = emit.op("one_hot", x, depth=depth, dtype=dtype)
    return vectors


def drop_last_axis(emit: Emitter, x: Symbol) -> Symbol:
    """Return x without its last axis, of size 1."""
    y: Symbol = emit.op("reshape", x, shape=[f"x.{i}" for i in range(x.rank - 1)])
    return y


def as_integers(emit: Emitter, x: Symbol) -> Symbol:
    """Return x as whole numbers: floats are cut towards zero."""
    if x.dtype == "string":
        raise Unsupported(f"it takes whole numbers, its input is {x.type}")
    return x if x.dtype in INTEGERS else emit.cast(x, "int64")
