"""StringLookup and IntegerLookup (keras/src/layers/preprocessing/{index,string,integer}_lookup.py)."""

from __future__ import annotations

import numpy as np

from kconvert import Config, Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .encoding import encode
from .vocabulary import Index, read_index

DROPPED = 2**63 - 1
"""The index of masked tokens in modes that count tokens: beyond every vector."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register the lookup layers; they take inputs as they are and do not support masking."""
    register("keras.layers.StringLookup", string_lookup, autocast=False)
    register("keras.layers.IntegerLookup", integer_lookup, autocast=False)


def string_lookup(call: LayerCall, emit: Emitter) -> Symbol:
    """Indices of strings in a vocabulary, or vectors of them; with `invert` the strings at indices."""
    return index_lookup(call.config, emit, call.x, "string")


def integer_lookup(call: LayerCall, emit: Emitter) -> Symbol:
    """Indices of whole numbers in a vocabulary, or vectors of them; with `invert` the numbers at indices."""
    dtype = call.config.str("vocabulary_dtype", "int64", ("int64",))
    return index_lookup(call.config, emit, call.x, dtype)


def index_lookup(config: Config, emit: Emitter, x: Symbol, dtype: str) -> Symbol:
    """Look up tokens of `dtype` as a layer with this config does."""
    index = read_index(config, emit, dtype)
    x = _as_keys(emit, x, "int64" if index.invert else dtype)
    if index.invert:
        return _tokens(emit, x, index)
    indices = _indices(config, emit, x, index)
    if index.mode == "int":
        return indices
    if index.mode != "tf_idf":
        return encode(emit, indices, index.mode, index.depth, "int64")
    counts = encode(emit, indices, "count", index.depth, "int64")
    weights = emit.weight("idf_weights", "idf_weights", shape=(index.depth,), trainable=False, cast=False)
    y: Symbol = emit.op("multiply", emit.cast(counts, weights.dtype), weights)
    return y


def _as_keys(emit: Emitter, x: Symbol, dtype: str) -> Symbol:
    if "string" in (dtype, x.dtype) and dtype != x.dtype:
        raise Unsupported(f"it takes {dtype}, its input is {x.type}")
    return emit.cast(x, dtype)


def _tokens(emit: Emitter, x: Symbol, index: Index) -> Symbol:
    """The tokens at indices x; the OOV token at others."""
    if index.oov is None:
        raise Unsupported("its oov_token is None with invert=True, so Keras cannot load it either")
    masked = [] if index.mask is None else [0]
    keys = np.array([*masked, *_numbers(index)], np.int64)
    tokens = [*(index.mask for _ in masked), *index.tokens]
    default = emit.array("oov_token", np.array(index.oov, object), index.dtype)
    return _lookup(emit, x, emit.array("indices", keys, "int64"), _vocabulary(emit, tokens, index), default)


def _indices(config: Config, emit: Emitter, x: Symbol, index: Index) -> Symbol:
    """The indices of tokens x. With no OOV index, a token outside the vocabulary is an error at run time."""
    masked = [] if index.mask is None else [0 if index.mode == "int" else DROPPED]
    tokens = [*(index.mask for _ in masked), *index.tokens]
    values = np.array([*masked, *_numbers(index)], np.int64)
    default = _unknown(config, emit, x, index) if index.num_oov else None
    return _lookup(emit, x, _vocabulary(emit, tokens, index), emit.array("indices", values, "int64"), default)


def _unknown(config: Config, emit: Emitter, x: Symbol, index: Index) -> Symbol:
    """The indices of tokens outside the vocabulary: one for all, or by a hash of the token."""
    start = emit.constant(index.oov_start, "int64")
    if index.num_oov == 1:
        return start
    method = config.str("oov_method", "floormod", ("floormod", "farmhash"))
    if index.dtype == "int64" and method == "floormod":
        bucket = emit.op("mod", x, emit.constant(index.num_oov, "int64"))
    else:
        salt = None if config.get("salt") is None else config.ints("salt", rank=2)
        bucket = emit.op("hash_bucket", emit.cast(x, "string"), buckets=index.num_oov, salt=salt)
    y: Symbol = emit.op("add", bucket, start)
    return y


def _numbers(index: Index) -> range:
    return range(index.token_start, index.token_start + len(index.tokens))


def _vocabulary(emit: Emitter, tokens: list[str | int | None], index: Index) -> Symbol:
    values = np.array(tokens, object if index.dtype == "string" else np.int64)
    return emit.array("vocabulary", values, index.dtype)


def _lookup(emit: Emitter, x: Symbol, keys: Symbol, values: Symbol, default: Symbol | None) -> Symbol:
    y: Symbol = emit.op("lookup", x, keys, values, default)
    return y
