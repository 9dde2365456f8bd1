"""pad and take: elements copied to where they belong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..kernels.shape import check_indices
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied
from .fuse import DTYPES
from .site import Site, whole


def _pad_cost(site: Site) -> Cost | None:
    attrs = site.node.attrs
    negative = any(n < 0 for pair in attrs["pads"] for n in pair)
    if attrs["mode"] != "constant" or negative or site.outputs[0].dtype not in DTYPES or 0 in site.shape:
        return None
    return copied(math.prod(site.shape))


@candidate("pad", "copies", _pad_cost)
def pad(site: Site) -> Call:
    """The borders, each once, then what they surround."""
    value, pads = site.node.attrs["value"], site.node.attrs["pads"]
    inside: list[Any] = [slice(before, size - after) for (before, after), size in zip(pads, site.shape, strict=True)]
    borders = [
        (*inside[:axis], edge)
        for axis, size in enumerate(site.shape)
        for edge in (slice(0, inside[axis].start), slice(inside[axis].stop, size))
        if edge.start < edge.stop
    ]
    finish = whole(site) if site.tail else None

    def run(do: Do, y: Array, *arrays: Array) -> None:
        for border in borders:
            do(np.copyto, y[border], value)
        do(np.copyto, y[tuple(inside)], arrays[0])
        if finish:
            finish(do, y, *arrays)

    return run


def _take_cost(site: Site) -> Cost | None:
    x, indices = site.inputs[:2]
    if x is None or indices is None or site.outputs[0].dtype not in DTYPES or 0 in site.shape:
        return None
    return copied(math.prod(site.shape)) if indices.dtype.startswith(("int", "uint")) else None


@candidate("take", "copies", _take_cost)
def take(site: Site) -> Call:
    """The entries, once all indices are known to be inside."""
    axis = site.node.attrs["axis"]
    size = site.shape_of(0)[axis]
    finish = whole(site) if site.tail else None

    def run(do: Do, y: Array, *arrays: Array) -> None:
        x, indices = arrays[:2]
        do(check_indices, indices, size)
        do(np.take, x, indices, axis=axis, out=y, mode="wrap")  # "raise" would fill a copy first
        if finish:
            finish(do, y, *arrays)

    return run
