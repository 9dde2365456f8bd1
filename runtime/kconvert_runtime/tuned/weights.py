"""Constant weights of products, arranged once for all plans of a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from kconvert_schemas.dtypes import Array

from ..products import Factor, arranged
from .site import Site, rows_and_columns
from .tape import Block

Factors: TypeAlias = "Callable[[Sequence[Array], slice], Factor]"
"""Gives the weights to multiply with: factors(inputs, part of the columns)."""


def factors(
    site: Site, way: object, make: Callable[[Array], Array], blocks: Sequence[Block] = ((),), index: int = 1
) -> Factors:  # fmt: skip
    """Return what gives the weights for the columns of each block.

    make: gives the weights (..., depth, width) from the input number `index`; called only once, where that is constant.
    way: what makes these weights different from others made of the same input.
    """
    given = site.constants[index]
    if given is None:
        return lambda arrays, some: make(arrays[index])[..., some]
    cut = site.alone and math.prod(site.shape[:-1]) > 1
    ready: dict[tuple[int | None, int | None], Factor] = {}
    whole: Array | None = None
    for _, some in (rows_and_columns(block, site.shape) for block in blocks):
        part = some.start, some.stop
        key = site.node.inputs[index], way, part, cut
        if part not in ready and key not in site.kept:
            whole = make(given) if whole is None else whole
            site.kept[key] = arranged(whole[..., some]) if cut else whole[..., some]
        ready[part] = site.kept[key]
    return lambda arrays, some: ready[some.start, some.stop]
