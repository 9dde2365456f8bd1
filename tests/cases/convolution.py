"""Cases of this family."""

from __future__ import annotations

from .spec import Case

CASES: list[Case] = []
