"""Which ops have a gradient, which have none that matters, and why others have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kconvert_schemas.errors import InputError, show
from kconvert_schemas.opset import find_op

from ..registry import VJPS

FLAT = {
    "stop_gradient": "it is there to end them",
    "sign": "it is constant but for one jump",
    "floor": "it is constant between whole numbers",
    "ceil": "it is constant between whole numbers",
    "round": "it is constant between jumps",
    "floor_divide": "it is constant between jumps",
    **dict.fromkeys(
        ("isfinite", "isinf", "isnan", "logical_not", "equal", "not_equal", "less", "less_equal", "greater",
         "greater_equal", "logical_and", "logical_or", "logical_xor", "any", "all"), "it gives truth values",
    ),
    **dict.fromkeys(
        ("gcd", "bitwise_not", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "unpack_bits"),
        "it is for whole numbers",
    ),
    **dict.fromkeys(("argmax", "argmin", "argsort", "searchsorted", "argwhere"), "it gives places"),
    **dict.fromkeys(("one_hot", "full", "constant"), "what it gives depends on no float"),
    **dict.fromkeys(("hash_bucket", "hash_cross", "standardize_text", "tokenize"), "it is for texts and whole numbers"),
}  # fmt: skip
"""Built-in ops whose gradient is 0 wherever it exists: the walk back ends there."""

MISSING = {
    "svd": "the signs of the vectors are left open, and equal singular values have no derivative",
    "unique": "rows that happen to be equal have no one derivative",
    "lookup": "it is for vocabularies",
    "view": "bytes read as another dtype have no derivative",
}
"""Built-in ops that floats pass through and that have no VJP: a gradient that needs one is an error."""


def find_vjp(op: str) -> Callable[..., Any]:
    """Return the VJP of `op`, importing its namespace's package; InputError saying why where there is none."""
    if op not in VJPS:
        find_op(op)
    if op not in VJPS:
        raise InputError(f"the op {show(op)} has no gradient: {MISSING.get(op, 'its package registers none')}")
    return VJPS[op]


def is_flat(op: str) -> bool:
    """Tell whether no gradient passes through `op`."""
    spec = find_op(op)
    return op in FLAT or (spec is not None and "::" in op and not spec.differentiable)
