"""Activations as Keras serialises them -> the op that computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kconvert_schemas.errors import show

from .errors import Unsupported


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
        "hard_sigmoid", "hard_silu", "hard_tanh", "tanh", "tanh_shrink", "hard_shrink", "soft_shrink", "threshold",
        "softplus", "softsign", "squareplus", "sparse_plus", "sparse_sigmoid", "softmax", "log_softmax", "sparsemax",
        "glu",
    )
}  # fmt: skip
NAMES |= {
    "exponential": ActivationOp("exp"),
    "swish": NAMES["silu"],
    "hard_swish": NAMES["hard_silu"],
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


def _function_name(value: Mapping[str, Any]) -> Any:
    """A function is {'class_name': 'function', 'config': name, 'module': ..., 'registered_name': ...}."""
    name, registered = value.get("config"), value.get("registered_name")
    module = str(value.get("module") or "")
    own = module in ("", "builtins", "keras.activations") or module.startswith("keras.src")
    if value.get("class_name") == "function" and own and registered in (None, name):
        return name
    return registered or name
