"""Optimisation at load: pure functions Program -> Program, one file each, run in this order.

A pass keeps the values that are model outputs, and never changes a result beyond float rounding.
"""

from __future__ import annotations

from .drop_identities import drop_identities
from .fold_constants import fold_constants
from .fold_scales import fold_scales
from .look_up_last import look_up_last
from .merge_offsets import merge_offsets
from .one_layout import one_layout
from .pool_first import pool_first
from .program import Pass, Program
from .share_equals import share_equals
from .split_batch_norm import split_batch_norm

PIPELINE: tuple[Pass, ...] = (
    drop_identities, fold_constants, share_equals, split_batch_norm, one_layout, fold_scales, merge_offsets,
    look_up_last, pool_first,
)  # fmt: skip


def optimize(program: Program) -> Program:
    """Run every pass."""
    for step in PIPELINE:
        program = step(program)
    return program


__all__ = ["PIPELINE", "Program", "optimize"]
