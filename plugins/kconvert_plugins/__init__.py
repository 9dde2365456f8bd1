"""The built-in layers, registered through the same hook as anyone else's."""

from . import (
    activations,
    bidirectional,
    convolution,
    core,
    lookup,
    merging,
    normalization,
    numerical,
    operations,
    pooling,
    recurrent,
    regularization,
    reshaping,
    text,
    time_distributed,
)

MODULES = (
    core,
    activations,
    convolution,
    pooling,
    recurrent,
    bidirectional,
    time_distributed,
    reshaping,
    regularization,
    normalization,
    merging,
    text,
    lookup,
    numerical,
    *operations.MODULES,
)
"""Every module of this package that implements `register_layers`."""
