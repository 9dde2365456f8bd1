"""The built-in layers, registered through the same hook as anyone else's."""

from __future__ import annotations

from kconvert import Register, hookimpl

from . import (
    activations,
    adaptive_pooling,
    applications,
    attention,
    augmentation,
    bidirectional,
    categorical,
    clahe,
    conv_lstm,
    convolution,
    core,
    einsum_dense,
    foreign,
    hashing,
    image_layers,
    locally_connected,
    lookup,
    merging,
    multi_head_attention,
    normalization,
    numerical,
    operations,
    pipeline,
    pooling,
    recurrent,
    regularization,
    resampling,
    reshaping,
    spectrogram,
    tensorflow,
    text,
    time_distributed,
    unit_normalization,
)

MODULES = (
    core,
    einsum_dense,
    activations,
    convolution,
    pooling,
    adaptive_pooling,
    recurrent,
    conv_lstm,
    bidirectional,
    time_distributed,
    reshaping,
    resampling,
    regularization,
    normalization,
    unit_normalization,
    merging,
    attention,
    multi_head_attention,
    text,
    lookup,
    numerical,
    categorical,
    hashing,
    spectrogram,
    locally_connected,
    applications,
    image_layers,
    clahe,
    augmentation,
    pipeline,
    foreign,
    *operations.MODULES,
    *tensorflow.MODULES,
)
"""Every module of this package with a `register_layers` of its own."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register every built-in layer and operation, family by family."""
    for module in MODULES:
        module.register_layers(register)
