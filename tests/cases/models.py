"""Whole models: nesting, sharing, several inputs and outputs, masks through everything."""

from __future__ import annotations

from .spec import Case

CASES: list[Case] = []
