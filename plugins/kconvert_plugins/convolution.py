"""Convolution layers (keras/src/layers/convolutional)."""

from __future__ import annotations

from kconvert import Register, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this module."""
