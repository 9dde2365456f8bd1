"""Operations that cannot be converted, with the reason."""

from __future__ import annotations

from kconvert import Register, hookimpl

FUNCTION = "it holds Python functions, which are never run. Write the computation with other operations"
COUNTED = "how many elements it gives depends on their values"
NUMBER = "it gives a Python number, not a tensor"


@hookimpl
def register_layers(register: Register) -> None:
    """Register the refusals."""
    reasons = {
        FUNCTION: ("AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap", "WhileLoop"),
        COUNTED: ("Arange",),
        "Keras on TensorFlow cannot run it inside a model": ("Histogram",),
        NUMBER: ("Ndim",),
        "it is the base class of segment operations": ("SegmentReduction",),
        "it is a base class": ("Operation", "Function"),
    }  # fmt: skip
    register.refuse({f"keras.ops.{name}": reason for reason, names in reasons.items() for name in names})
