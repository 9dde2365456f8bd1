"""mean and sum over neighbouring axes, as a product with a row of one number."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from kconvert_schemas.dtypes import Array, holder

from ..calls import Do
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied
from .site import Site, whole

NARROW = 8
"""Elements that lie side by side, for each place that is summed over, below which a product is slow."""


def _sizes(site: Site) -> tuple[int, int, int] | None:
    """Elements before, along and behind the axes that are summed over; None where these are no neighbours."""
    shape, axes = site.shape_of(0), site.node.attrs["axes"]
    if axes is None or not axes or 0 in shape or site.outputs[0].dtype not in ("float32", "float64"):
        return None
    found = sorted(axis % len(shape) for axis in axes)
    first, end = found[0], found[-1] + 1
    if found != list(range(first, end)):
        return None
    return math.prod(shape[:first]), math.prod(shape[first:end]), math.prod(shape[end:])


def _cost(site: Site) -> Cost | None:
    sizes = _sizes(site)
    return None if sizes is None or sizes[2] < NARROW else copied(math.prod(sizes))


def product(site: Site, mean: bool) -> Call:
    """(before, along, behind) -> (before, behind), then the tail."""
    sizes = _sizes(site)
    assert sizes is not None  # noqa: S101  (the cost is None then)
    before, along, behind = sizes
    row = np.full((1, along), 1 / along if mean else 1.0, holder(site.outputs[0].dtype))
    finish = whole(site) if site.tail else None

    def run(do: Do, y: Array, *arrays: Array) -> None:
        do(np.matmul, row, do.reshaped("rows", arrays[0], sizes), out=y.reshape(before, 1, behind))
        if finish:
            finish(do, y, *arrays)

    return run


for _op in ("mean", "sum"):
    candidate(_op, "product", _cost)(partial(product, mean=_op == "mean"))
