"""Run kconvert bundles with NumPy alone.

What is named here is imported when it is first used, so that a program which may never run a model starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kconvert_schemas.errors import KconvertError

    from .model import Model, Value, load
    from .registry import kernel, vjp

__all__ = ["KconvertError", "Model", "Value", "kernel", "load", "vjp"]
__version__ = "0.1.0"

_HOMES = {
    "KconvertError": "kconvert_schemas.errors", "Model": ".model", "Value": ".model", "kernel": ".registry",
    "load": ".model", "vjp": ".registry",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
    return value
