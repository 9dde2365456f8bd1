"""Gradients: the VJP of each op, a module for each family as in `kernels`, and the walk back through a graph.

Importing this package registers the VJPs. Nothing that only runs a model imports it.
"""

from . import (
    activation,
    convolution,
    elementwise,
    fourier,
    functions,
    gelu,
    linalg,
    matrix,
    normalization,
    pooling,
    recurrent,
    reduction,
    resampling,
    scan,
    selection,
    sequences,
    shape,
)
from .model import gradients

__all__ = [
    "activation",
    "convolution",
    "elementwise",
    "fourier",
    "functions",
    "gelu",
    "gradients",
    "linalg",
    "matrix",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "resampling",
    "scan",
    "selection",
    "sequences",
    "shape",
]
