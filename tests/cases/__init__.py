"""Every case that is compared with Keras, by family. A module of this package adds its list here."""

from __future__ import annotations

from importlib import import_module

FAMILIES = (
    "core", "activations", "convolution", "pooling", "images", "recurrent", "wrappers", "reshaping", "resampling",
    "regularization", "normalization", "merging", "attention", "text", "lookup", "numerical", "categorical",
    "spectrogram", "quantization", "operations", "operations_shapes", "operations_reductions", "operations_functions",
    "operations_tensors", "operations_images", "operations_values", "models", "networks_images",
    "networks_sequences",
)  # fmt: skip

CASES = {family: import_module(f"{__name__}.{family}").CASES for family in FAMILIES}
