"""Activations as Keras serialises them -> the op that computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kconvert_schemas.dtypes import HALVES
from kconvert_schemas.errors import show

from .errors import Unsupported

if TYPE_CHECKING:
    from .emitter import Emitter
    from .symbol import Symbol


@dataclass(frozen=True, slots=True)
class ActivationOp:
    """An op with one input, and its attributes."""

    op: str
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def as_attr(self) -> Any:
        """Return the form that an attribute of kind `unary` takes."""
        return {"op": self.op, "attrs": dict(self.attrs)} if self.attrs else self.op


NAMES: dict[str, ActivationOp] = {
    name: ActivationOp(name)
    for name in (
        "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "sigmoid", "log_sigmoid",
        "hard_sigmoid", "hard_silu", "hard_tanh", "tanh", "tanh_shrink", "hard_shrink", "soft_shrink",
        "softplus", "softsign", "squareplus", "sparse_plus", "sparse_sigmoid", "softmax", "log_softmax", "sparsemax",
        "glu",
    )
}  # fmt: skip
NAMES |= {
    "exponential": ActivationOp("exp"),
    "swish": NAMES["silu"],
    "hard_swish": NAMES["hard_silu"],
    "keras2.activations.hard_sigmoid": ActivationOp("hard_sigmoid", {"slope": 0.2, "offset": 0.5}),
}


def lookup(value: Any) -> ActivationOp | None:
    """Return the op of a serialised activation; None for linear. Unsupported for one that is not Keras' own."""
    if isinstance(value, Mapping):
        value = _function_name(value)
    if value is None or value == "linear":
        return None
    found = NAMES.get(value) if isinstance(value, str) else None
    if found is None:
        raise Unsupported(f"its activation {show(value)} is not one of keras.activations; a plugin can convert it")
    return found


def custom_name(value: Any) -> str:
    """Return the registered name of a serialised function that is not Keras' own, '' for all else."""
    if not isinstance(value, Mapping) or value.get("class_name") != "function":
        return ""
    name = _function_name(value)
    return "" if name in NAMES or name == "linear" else str(name)


def write(emit: Emitter, x: Symbol, value: Any) -> Symbol:
    """Write the op of a serialised activation applied to `x`; `x` itself for linear.

    Ops on float16 and bfloat16 round once, at the end. Where Keras rounds after steps whose rounding matters
    (squareplus, whose square overflows) they are written one by one, or refused (sparsemax, which branches).
    """
    found = lookup(value)
    if found is None:
        return x
    if x.dtype in HALVES and found.op == "sparsemax":
        raise Unsupported(f"its activation 'sparsemax' in {x.dtype} depends on how Keras rounds in between")
    if x.dtype in HALVES and found.op == "squareplus":
        root = emit.op("sqrt", emit.op("add", emit.op("multiply", x, x), emit.constant(4, x.dtype)))
        return emit.op("divide", emit.op("add", x, root), emit.constant(2, x.dtype))
    return emit.op(found.op, x, **found.attrs)


def _function_name(value: Mapping[str, Any]) -> Any:
    """A function is {'class_name': 'function', 'config': name, 'module': ..., 'registered_name': ...}."""
    name, module = value.get("config"), str(value.get("module") or "")
    if value.get("class_name") != "function" or not isinstance(name, str):
        raise Unsupported("its activation is Python code (a lambda), which is never run; name one of keras.activations")
    own = module in ("", "builtins", "keras.activations") or module.startswith("keras.src")
    if own and value.get("registered_name") in (None, "function", name):
        return name
    return f"{module}.{name}"
