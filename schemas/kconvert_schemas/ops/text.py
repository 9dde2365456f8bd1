"""Text to tokens."""

from __future__ import annotations

from ..opspec import OpSpec

OPS: tuple[OpSpec, ...] = ()
