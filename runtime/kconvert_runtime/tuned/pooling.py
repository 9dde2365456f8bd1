"""Pooling in bands of rows, along one axis after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied
from .geometry import Convolution, around, bands, region
from .site import Site, Work, in_blocks
from .tape import Block

PLANE = 1 << 18
"""Elements of the result that are worked on at a time."""


def _geometry(site: Site) -> Convolution | None:
    attrs = site.node.attrs
    if attrs["data_format"] != "channels_last" or 0 in site.shape or 0 in site.shape_of(0):
        return None
    batch, *sizes, channels = site.shape_of(0)
    windows, strides = tuple(attrs["pool_size"]), tuple(attrs["strides"])
    pads = around(attrs, sizes, windows, strides)
    ones = (1,) * len(windows)
    return Convolution(
        batch, tuple(sizes), channels, windows, site.shape[1:-1], channels, strides, ones, channels, pads
    )


def _cost(site: Site) -> Cost | None:
    pool = _geometry(site)
    if pool is None or site.outputs[0].dtype not in ("float32", "float64"):
        return None
    passes = sum(window - 1 for window in pool.windows)
    return copied(math.prod(site.shape_of(0)), 2) + copied(math.prod(site.shape), passes)


def pooled(site: Site, ufunc: np.ufunc, outside: float) -> Call:
    """Combine by `ufunc`; what lies outside of x counts as `outside`. A sum is divided by how many elements it has."""
    pool = _geometry(site)
    assert pool is not None  # noqa: S101  (the cost is None then)
    factor = _factor(pool, site.outputs[0].dtype) if ufunc is np.add else None
    outside = 0.0 if "zeros" in site.node.attrs else outside

    def prepare(arrays: Sequence[Array]) -> Work:
        x = arrays[0]

        def work(do: Do, out: Array, block: Block) -> None:
            values = region(do, x, pool, block, pool.strides, pool.windows, outside)
            for axis in range(1, out.ndim - 1):
                values = _along(do, values, axis, pool, ufunc, out if axis == out.ndim - 2 else None)
            if factor is not None:
                do(np.multiply, out, factor if factor.size == 1 else factor[block[1:]], out=out)

        return work

    return in_blocks(site, bands(pool, PLANE, pool.channels, site.threads), prepare)


def _along(do: Do, values: Array, axis: int, pool: Convolution, ufunc: np.ufunc, out: Array | None) -> Array:
    """Combine windows along one axis: what is left to combine along the others are fewer elements."""
    window, stride = pool.windows[axis - 1], pool.strides[axis - 1]
    count = (values.shape[axis] - window) // stride + 1
    cuts = [slice(i, i + (count - 1) * stride + 1, stride) for i in range(window)]
    lanes = np.moveaxis(values, axis, 0)
    parts = [np.moveaxis(lanes[cut], 0, axis) for cut in cuts]
    if out is None:
        out = do.scratch(f"pooled{axis}", parts[0].shape, values.dtype)
    if window == 1:
        do(np.copyto, out, parts[0])
    else:
        do(ufunc, parts[0], parts[1], out=out)
    for part in parts[2:]:
        do(ufunc, out, part, out=out)
    return out


def _factor(pool: Convolution, dtype: str) -> Array:
    """1 / the number of elements that each window holds: (places..., channels), or 1 in place of what is all the same.

    Channels lie side by side, which is faster to multiply with, unless that takes much memory.
    """
    counts = np.ones(pool.places)
    for axis, (size, window, stride, (before, _)) in enumerate(
        zip(pool.sizes, pool.windows, pool.strides, pool.pads, strict=True)
    ):
        starts = np.arange(pool.places[axis]) * stride - before
        held = np.minimum(starts + window, size) - np.maximum(starts, 0)
        counts *= held.reshape([-1 if i == axis else 1 for i in range(counts.ndim)])
    factor = (1 / counts[..., None]).astype(dtype)
    if (factor == factor.flat[0]).all():
        return factor.reshape(-1)[:1]
    many = factor.size * pool.channels > PLANE
    return factor if many else np.repeat(factor, pool.channels, axis=-1)


candidate("max_pool", "bands", _cost)(partial(pooled, ufunc=np.maximum, outside=-np.inf))
candidate("avg_pool", "bands", _cost)(partial(pooled, ufunc=np.add, outside=0.0))
