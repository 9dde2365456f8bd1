"""Vocabularies, hashes, and categories as vectors."""

from __future__ import annotations

from ..dims import Shape
from ..dtypes import FLOATS, INTEGERS, SIGNED
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, broadcast, one_dtype, require_rank, require_shape


def _lookup(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x, types.keys], ("string", *INTEGERS))
    require_rank(types.keys, 1, "keys")
    require_shape(types.values, types.keys.shape, "values")
    default = types.get("default")
    if default is not None:
        one_dtype([types.values, default])
        if len(default.shape) > len(types.x.shape):
            raise OpError(f"default must broadcast to {types.x}, got {default}")
        require_shape(types.x, broadcast([types.x.shape, default.shape]), "x")
    return TensorType(types.x.shape, types.values.dtype)


def _hash_bucket(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], ("string",))
    if attrs["salt"] is not None and len(attrs["salt"]) != 2:
        raise OpError(f"salt must be two integers, got {len(attrs['salt'])}")
    return TensorType(types.x.shape, "int64")


def _hash_cross(types: Inputs, attrs: Attrs) -> TensorType:
    if not types.present:
        raise OpError("takes at least one input")
    for type_ in types.present:
        one_dtype([type_], ("string", "int64"))
        require_shape(type_, types[0].shape, "each input")
    return TensorType(types[0].shape, "int64")


def _bincount(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], INTEGERS)
    weights = types.get("weights")
    if weights is not None:
        require_shape(weights, types.x.shape, "weights")
        one_dtype([weights], SIGNED + FLOATS)
        if weights.dtype != attrs["dtype"] or attrs["binary"]:
            raise OpError(f"weights of {weights.dtype} are summed in that dtype, never binary")
    return TensorType((*_rows(types.x.shape), _length(attrs)), attrs["dtype"])


def _rows(shape: Shape) -> Shape:
    if not shape:
        raise OpError("takes no scalars")
    return shape[:-1]


def _length(attrs: Attrs) -> int | None:
    low, high = attrs["minlength"], attrs["maxlength"]
    if high is not None and low > high:
        raise OpError(f"minlength {low} is above maxlength {high}")
    return low if low == high else None


OPS = (
    OpSpec("lookup", ("x", "keys", "values", "default?"), _lookup,
           "the entry of values beside x in keys; default where x is not among them, an error if there is none"),
    OpSpec("hash_bucket", ("x",), _hash_bucket,
           "hash of the UTF-8 bytes of x modulo buckets: FarmHash's Fingerprint64, or SipHash-2-4 keyed by salt",
           {"buckets": Attr("int", minimum=1), "salt": Attr("ints", None, nullable=True, doc="two integers")}),
    OpSpec("hash_cross", ("xs*",), _hash_cross,
           "one hash of several features (strings by Fingerprint64, integers as they are), modulo buckets",
           {"buckets": Attr("int", minimum=1)}),
    OpSpec("bincount", ("x", "weights?"), _bincount,
           "how often each whole number from 0 stands in a row of x (the last axis), or the sum of its weights; "
           "numbers from maxlength on are left out, negative ones are an error",
           {"minlength": Attr("int", 0, minimum=0, doc="the least length of y's last axis; otherwise largest x + 1"),
            "maxlength": Attr("int", None, nullable=True, minimum=0),
            "binary": Attr("bool", False, doc="1 for numbers that stand there at all"),
            "dtype": Attr("dtype", "int32")}, differentiable=("weights",)),
)  # fmt: skip
