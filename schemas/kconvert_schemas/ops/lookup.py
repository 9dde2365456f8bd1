"""Vocabularies: strings and integers to indices, and indices to encodings."""

from __future__ import annotations

from ..opspec import OpSpec

OPS: tuple[OpSpec, ...] = ()
