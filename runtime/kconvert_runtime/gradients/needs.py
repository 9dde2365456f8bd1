"""Which values a VJP looks at. Of the others it gets the shape and dtype alone, so that their memory is let go.

Every VJP that is not named here may look at all inputs and outputs.
"""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.ops.normalization import TRAINING_ONLY

SHAPES = frozenset((
    "add", "subtract", "negative", "reshape", "transpose", "concatenate", "slice", "pad", "flip", "broadcast_to", "sum",
    "mean", "cumsum", "resize", "avg_pool", "real", "imag", "complex", "cast", "fft", *TRAINING_ONLY,
))  # fmt: skip
"""Those that look at no values."""
INPUTS = frozenset((
    "matmul", "einsum", "multiply", "maximum", "minimum", "where", "conv", "conv_transpose", "relu", "relu6",
    "leaky_relu", "elu", "silu", "gelu", "softplus", "abs", "log", "log1p", "sin", "cos", "batch_norm", "layer_norm",
    "take", "take_along_axis", "lstm", "gru", "simple_rnn", "scan", "arctan2", "glu", "prod", "cumprod", "mod",
))  # fmt: skip
"""Those that look at inputs only."""
OUTPUTS = frozenset(("tanh", "sigmoid", "softmax", "log_softmax", "exp", "sqrt"))
"""Those that look at outputs only."""


def needs_inputs(op: str) -> bool:
    """Tell whether the VJP of `op` looks at values of its inputs."""
    return op not in SHAPES and op not in OUTPUTS


def needs_outputs(op: str) -> bool:
    """Tell whether the VJP of `op` looks at values of its outputs."""
    return op not in SHAPES and op not in INPUTS


def stand_in(array: Array) -> Array:
    """Return an array of the same shape and dtype that takes no memory."""
    if array.dtype == object:
        return array
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)
