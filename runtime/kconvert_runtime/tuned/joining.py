"""concatenate: the parts copied to where they belong, block by block."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied
from .site import Site, Work, in_blocks, tail_blocks, whole
from .tape import Block


def _cost(site: Site) -> Cost | None:
    dtypes = {type_.dtype for type_ in site.inputs[: site.own] if type_}
    if 0 in site.shape or dtypes != {site.outputs[0].dtype} or site.outputs[0].dtype not in ("float32", "float64"):
        return None
    return copied(math.prod(site.shape))


@candidate("concatenate", "copies", _cost)
def copies(site: Site) -> Call:
    """Along the last axis in blocks of rows, the tail included; along another the parts in turn, then the tail."""
    rank = len(site.shape)
    axis = site.node.attrs["axis"] % rank
    sizes = [site.shape_of(i)[axis] for i in range(site.own)]
    starts = [sum(sizes[:i]) for i in range(site.own)]
    behind = (slice(None),) * (rank - 1 - axis)
    places = [(..., slice(start, start + size), *behind) for start, size in zip(starts, sizes, strict=True)]

    def put(do: Do, y: Array, arrays: Sequence[Array]) -> None:
        for place, array in zip(places, arrays, strict=True):
            do(np.copyto, y[place], array)

    if axis == rank - 1 and rank > 1:

        def prepare(arrays: Sequence[Array]) -> Work:
            own = arrays[: site.own]

            def work(do: Do, out: Array, block: Block) -> None:
                put(do, out, [array[block] for array in own])

            return work

        return in_blocks(site, tail_blocks(site), prepare)
    finish = whole(site) if site.tail else None

    def run(do: Do, y: Array, *arrays: Array) -> None:
        put(do, y, arrays[: site.own])
        if finish:
            finish(do, y, *arrays)

    return run
