"""softmax and layer_norm along the last axis: block by block, in place, while a block is in cache."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
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

        return lambda do, out, block: softmax_into(do, x[block], out)

    return in_blocks(site, tail_blocks(site), prepare)


def softmax_into(do: Do, values: Array, out: Array) -> None:
    """Write the softmax of values along their last axis to out, which may be the same array."""
    one = do.scratch("one", (*out.shape[:-1], 1), out.dtype)
    do(np.maximum.reduce, values, axis=-1, keepdims=True, out=one)
    do(np.subtract, values, one, out=out)
    do(np.exp, out, out=out)
    do(np.add.reduce, out, axis=-1, keepdims=True, out=one)
    do(np.reciprocal, one, out=one)
    do(np.multiply, out, one, out=out)


@candidate("layer_norm", "rows", _cost)
def layer_norm(site: Site) -> Call:
    """x factor + (offset - mean factor), factor = scale / sqrt(variance + epsilon)."""
    count, epsilon = site.shape[-1], site.node.attrs["epsilon"]

    def prepare(arrays: Sequence[Array]) -> Work:
        x, scale, offset = [*arrays[: site.own], None, None][:3]
        assert x is not None  # noqa: S101  (the op requires it)

        def work(do: Do, out: Array, block: Block) -> None:
            values = x[block]
            number = values.dtype.type
            mean, factor = (do.scratch(name, (*out.shape[:-1], 1), out.dtype) for name in ("mean", "one"))
            do(np.add.reduce, values, axis=-1, keepdims=True, out=mean)
            do(np.divide, mean, number(count), out=mean)
            do(np.subtract, values, mean, out=out)
            do(np.einsum, "...i,...i->...", out, out, out=factor[..., 0])
            do(np.divide, factor, number(count), out=factor)
            do(np.add, factor, number(epsilon), out=factor)
            do(np.sqrt, factor, out=factor)
            do(np.reciprocal, factor, out=factor)
            if scale is not None:
                one, factor = factor, do.scratch("factor", out.shape, out.dtype)
                do(np.multiply, one, scale, out=factor)
            do(np.multiply, values, factor, out=out)
            do(np.multiply, factor, mean, out=factor)
            if offset is None:
                do(np.subtract, out, factor, out=out)
            else:
                shift = do.scratch("shift", out.shape, out.dtype)
                do(np.subtract, offset, factor, out=shift)
                do(np.add, out, shift, out=out)

        return work

    return in_blocks(site, tail_blocks(site), prepare)
