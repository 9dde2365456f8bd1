"""Mask rules that layers share; the rest stand beside their layers."""

from __future__ import annotations

from typing import Any

from .call import LayerCall
from .emitter import Emitter


def keep(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """Hand on the mask of the inputs: Keras' default for `supports_masking = True`."""
    return mask
