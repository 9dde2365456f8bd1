"""CategoryEncoding and Discretization (keras/src/layers/preprocessing)."""

from __future__ import annotations

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dtypes import COMPLEXES, Array

from .encoding import SPARSE, VECTORS, as_integers, encode


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers; neither supports masking."""
    register("keras.layers.CategoryEncoding", category_encoding, arguments=("inputs", "count_weights"), autocast=False)
    register("keras.layers.Discretization", discretization, autocast=False)


def category_encoding(call: LayerCall, emit: Emitter) -> Symbol:
    """Vectors of categories that are whole numbers; those from num_tokens on are left out."""
    mode, depth = call.config.str("output_mode", "multi_hot", VECTORS), call.config.int("num_tokens")
    policy, weights = call.layer.policy, call.get("count_weights")
    if call.config.bool("sparse", False):
        raise Unsupported(SPARSE)
    if weights is not None:
        if not isinstance(weights, Symbol) or mode != "count":
            raise Unsupported("its count_weights must be one tensor, in output_mode 'count'")
        weights = emit.cast(weights, policy.compute)
    dtype = policy.variable if weights is None else policy.compute
    return encode(emit, as_integers(emit, call.x), mode, depth, dtype, weights)


def discretization(call: LayerCall, emit: Emitter) -> Symbol:
    """How many of bin_boundaries are not above x, or vectors of that; all in float32 whatever the policy."""
    mode = call.config.str("output_mode", "int", ("int", *VECTORS))
    if call.config.bool("sparse", False):
        raise Unsupported(SPARSE)
    if call.x.dtype in ("string", "uint64", *COMPLEXES):
        raise Unsupported(f"it takes real numbers of up to 63 bits, its input is {call.x.type}")
    boundaries = _boundaries(call)
    edges = emit.array("bin_boundaries", boundaries, "float32")
    bins: Symbol = emit.op("searchsorted", edges, emit.cast(call.x, "float32"), side="right")
    if mode == "int":
        return bins
    return encode(emit, bins, mode, boundaries.size + 1, call.layer.policy.compute)


def _boundaries(call: LayerCall) -> Array:
    given = call.config.get("bin_boundaries")
    if given is None:
        raise Unsupported("it has no bin_boundaries; call adapt() on data, then save again")
    try:
        with np.errstate(over="ignore"):
            boundaries = np.asarray(given, np.float32)
    except (TypeError, ValueError):
        boundaries = np.full((), np.nan, np.float32)
    if boundaries.ndim != 1 or not np.array_equal(boundaries, np.sort(boundaries)):
        raise Unsupported(f"its bin_boundaries must be numbers in rising order, got {given!r:.60}")
    return boundaries
