"""Run kconvert bundles with NumPy alone."""

from kconvert_schemas.errors import KconvertError

from .model import Model, Value, load
from .registry import kernel, vjp

__all__ = ["KconvertError", "Model", "Value", "kernel", "load", "vjp"]
__version__ = "0.1.0"
