"""softmax and layer_norm along the last axis: block by block, in place, while a block is in cache."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..scratch import scratch
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied
from .site import Site, Work, in_blocks, tail_blocks
from .tape import Block


def _cost(site: Site) -> Cost | None:
    axes = site.node.attrs["axes"]
    rank = len(site.shape)
    if rank < 2 or len(axes) != 1 or axes[0] % rank != rank - 1 or 0 in site.shape:
        return None
    return copied(math.prod(site.shape), 4)


@candidate("softmax", "rows", _cost)
def softmax(site: Site) -> Call:
    """exp(x - max x) over its sum."""

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        return lambda out, block: softmax_into(x[block], out)

    return in_blocks(site, tail_blocks(site), prepare)


def softmax_into(values: Array, out: Array) -> None:
    """Write the softmax of values along their last axis to out, which may be the same array."""
    np.subtract(values, values.max(axis=-1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.multiply(out, 1 / out.sum(axis=-1, keepdims=True), out=out)


@candidate("layer_norm", "rows", _cost)
def layer_norm(site: Site) -> Call:
    """x factor + (offset - mean factor), factor = scale / sqrt(variance + epsilon)."""
    count, epsilon = site.shape[-1], site.node.attrs["epsilon"]

    def prepare(arrays: Sequence[Array]) -> Work:
        x, scale, offset = [*arrays[: site.own], None, None][:3]
        assert x is not None  # noqa: S101  (the op requires it)

        def work(out: Array, block: Block) -> None:
            values = x[block]
            number = values.dtype.type
            mean = values.sum(axis=-1, keepdims=True) / number(count)
            np.subtract(values, mean, out=out)
            variance = np.einsum("...i,...i->...", out, out)[..., None] / number(count)
            factor = 1 / np.sqrt(variance + number(epsilon))
            if scale is not None:  # not in fresh memory, which costs more than what is done in it
                factor = np.multiply(factor, scale, out=scratch("factor", out.shape, out.dtype))
            np.multiply(values, factor, out=out)
            np.multiply(factor, mean, out=factor)
            if offset is None:
                np.subtract(out, factor, out=out)
            else:
                shift = scratch("shift", out.shape, out.dtype)
                np.add(out, np.subtract(offset, factor, out=shift), out=out)

        return work

    return in_blocks(site, tail_blocks(site), prepare)
