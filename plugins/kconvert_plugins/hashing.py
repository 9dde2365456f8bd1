"""Hashing and HashedCrossing (keras/src/layers/preprocessing). Both compute hashes of TensorFlow's, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dtypes import FLOATS, INTEGERS

from .encoding import SPARSE, VECTORS, drop_last_axis, encode


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers; they take inputs as they are and do not support masking."""
    register("keras.layers.Hashing", hashing, autocast=False)
    register("keras.layers.HashedCrossing", hashed_crossing, autocast=False)


def hashing(call: LayerCall, emit: Emitter) -> Symbol:
    """Bins of strings and whole numbers (written in decimal), or vectors of them; bin 0 is kept for `mask_value`."""
    config, x = call.config, call.x
    mode, bins = config.str("output_mode", "int", ("int", *VECTORS)), config.int("num_bins")
    if config.bool("sparse", False):
        raise Unsupported(SPARSE)
    if mode == "one_hot" and x.rank == 0:
        raise Unsupported("it takes no scalar in output_mode 'one_hot'")
    if mode == "one_hot" and x.shape[-1] == 1:
        x = drop_last_axis(emit, x)
    salt = None if config.get("salt") is None else config.ints("salt", rank=2)
    masked = config.get("mask_value") is not None and bins > 1
    hashes = emit.op("hash_bucket", _text(emit, x), buckets=bins - masked, salt=salt)
    if masked:
        mask = emit.op("equal", x, _mask_value(emit, config["mask_value"], x))
        shifted = emit.op("add", hashes, emit.constant(1, "int64"))
        hashes = emit.op("where", mask, emit.constant(0, "int64"), shifted)
    dtype = call.layer.policy.variable
    return emit.cast(hashes, dtype) if mode == "int" else encode(emit, hashes, mode, bins, dtype)


def _text(emit: Emitter, x: Symbol) -> Symbol:
    """The strings that are hashed: numbers in decimal, floats cut to whole ones, 'true' and 'false'."""
    if x.dtype in FLOATS:
        x = emit.cast(x, "int64")
    if x.dtype == "bool":
        words = emit.array("words", np.array(["false", "true"], object), "string")
        result: Symbol = emit.op("take", words, emit.cast(x, "int32"), axis=0)
        return result
    return emit.cast(x, "string")


def _mask_value(emit: Emitter, value: Any, x: Symbol) -> Symbol:
    if x.dtype == "string" and isinstance(value, str):
        return emit.array("mask_value", np.array(value, object), "string")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if x.dtype in INTEGERS and whole and np.iinfo(x.dtype).min <= value <= np.iinfo(x.dtype).max:
        return emit.constant(value, x.dtype)
    if x.dtype in FLOATS and (whole or isinstance(value, float)):
        return emit.constant(value, x.dtype)
    raise Unsupported(f"its mask_value {value!r:.60} cannot be a value of its input {x.type}")


def hashed_crossing(call: LayerCall, emit: Emitter) -> Symbol:
    """Bins of combinations of features, or vectors of them."""
    mode, bins = call.config.str("output_mode", "int", ("int", "one_hot")), call.config.int("num_bins")
    if call.config.bool("sparse", False):
        raise Unsupported(SPARSE)
    features = call.inputs
    if not isinstance(features, (list, tuple)) or not all(isinstance(x, Symbol) for x in features) or len(features) < 2:
        raise Unsupported("it must be called with a list of at least two tensors")
    first = features[0]
    if first.rank > 2 or (first.rank == 2 and first.shape[-1] != 1) or any(x.shape != first.shape for x in features):
        raise Unsupported(
            f"its inputs must all be (), (batch,) or (batch, 1), got {', '.join(str(x.type) for x in features)}"
        )
    if not all(x.dtype in INTEGERS or x.dtype == "string" for x in features):
        raise Unsupported("its inputs must be strings and whole numbers")
    keys = [x if x.dtype == "string" else emit.cast(x, "int64") for x in features]
    crossed: Symbol = emit.op("hash_cross", *keys, buckets=bins)
    dtype = call.layer.policy.compute
    return emit.cast(crossed, dtype) if mode == "int" else encode(emit, crossed, mode, bins, dtype)
