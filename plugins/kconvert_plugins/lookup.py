"""StringLookup and IntegerLookup (keras/src/layers/preprocessing/index_lookup.py)."""

from __future__ import annotations

from kconvert import Register, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this module."""
