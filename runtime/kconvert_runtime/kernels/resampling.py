"""Resampling of images: what stands at each place along an axis is a weighted sum of a few samples.

The weights are TensorFlow's (tensorflow/core/kernels/image), down to its float32 positions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kconvert_schemas.dims import Dim, resolve
from kconvert_schemas.dtypes import Array

from ..registry import kernel

HALF = np.float32(0.5)
STEPS = 1024
"""TensorFlow looks bicubic weights up in a table with so many steps between two samples."""


@kernel("resize")
def resize(x: Array, *, size: list[Dim], interpolation: str, antialias: bool, data_format: str) -> Array:
    """Resample the spatial axes of x to size, in TensorFlow's order, so that halves of whole numbers round as there."""
    first = 1 if data_format == "channels_last" else 2
    lengths = [length or 0 for length in resolve(size, {"x": x.shape})]
    axes = list(range(first, first + len(lengths)))
    scale = np.float32(1)
    for axis in axes if _is_filtered(interpolation, antialias) else reversed(axes):
        indices, weights = taps(x.shape[axis], lengths[axis - first], interpolation, antialias)
        blend = _between if interpolation == "bilinear" and not antialias else _weighted
        scale *= np.float32(x.shape[axis]) / np.float32(lengths[axis - first])
        x = blend(x, axis, indices, weights.astype(x.dtype))
    return x * x.dtype.type(1 / scale) if interpolation == "area" else x


def _is_filtered(interpolation: str, antialias: bool) -> bool:
    """Whether TensorFlow resamples by filters of any width, the first axis first."""
    return interpolation.startswith("lanczos") or (antialias and interpolation in ("bilinear", "bicubic"))


def taps(size: int, length: int, interpolation: str, antialias: bool) -> tuple[Array, Array]:
    """Return which samples of an axis of `size` each of `length` places reads, and their weights: (length, taps).

    The weights add up to 1, but for 'area' to the width of a place.
    """
    scale = np.float32(size) / np.float32(length)
    places = np.arange(length, dtype=np.float32)
    if interpolation == "nearest":
        found = np.floor((places + HALF) * scale)[:, None], np.ones((length, 1), np.float32)
    elif interpolation == "area":
        found = _area(places, scale)
    elif interpolation == "bilinear" and not antialias:
        found = _bilinear((places + HALF) * scale - HALF)
    elif interpolation == "bicubic" and not antialias:
        found = _bicubic((places + HALF) * scale - HALF, size)
    else:
        wide = 1 / (np.float32(length) / np.float32(size))
        found = _filtered((places + HALF) * wide, size, max(wide, np.float32(1)) if antialias else 1, interpolation)
    return np.clip(found[0].astype(np.int64), 0, size - 1), found[1]


def _weighted(x: Array, axis: int, indices: Array, weights: Array) -> Array:
    """Sum samples along an axis: one `take` and one multiplication for each tap."""
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    y = x.take(indices[:, 0], axis=axis)
    if indices.shape[1] == 1 and np.all(weights == 1):
        return y
    y *= weights[:, 0].reshape(shape)
    for tap in range(1, indices.shape[1]):
        y += x.take(indices[:, tap], axis=axis) * weights[:, tap].reshape(shape)
    return y


def _between(x: Array, axis: int, indices: Array, weights: Array) -> Array:
    """As `_weighted` for two taps, written a + (b - a) w as TensorFlow does: ties round as there."""
    y = x.take(indices[:, 0], axis=axis)
    rise = x.take(indices[:, 1], axis=axis) - y
    rise *= weights[:, 1].reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    y += rise
    return y


def _bilinear(positions: Array) -> tuple[Array, Array]:
    """The two neighbours of each position, by distance."""
    before = np.floor(positions)
    after = positions - before
    return np.stack([before, np.ceil(positions)], 1), np.stack([1 - after, after], 1)


def _bicubic(positions: Array, size: int) -> tuple[Array, Array]:
    """Keys' cubic through four neighbours; those outside count nothing, and the rest is scaled to add up to 1."""
    before = np.floor(positions)
    offset = np.rint((positions - before) * STEPS) / np.float32(STEPS)
    samples = before[:, None] + np.arange(-1, 3, dtype=np.float32)
    distances = np.abs(offset[:, None] - np.arange(-1, 3, dtype=np.float32))
    return _scaled(samples, np.where((samples < 0) | (samples >= size), 0, _keys(distances)))


def _area(places: Array, scale: np.float32) -> tuple[Array, Array]:
    """The sum of what each place covers, samples at the ends counted by the part that is covered."""
    begin, end = (places * scale)[:, None], ((places + 1) * scale)[:, None]
    count = int(np.max(np.ceil(end) - np.floor(begin), initial=1))
    samples = np.floor(begin) + np.arange(count, dtype=np.float32)
    covered = np.minimum(samples + 1, end) - np.maximum(samples, begin)
    inside = (samples < begin) & (samples + 1 > end)
    return samples, np.where(inside, scale, np.maximum(covered, 0))


def _filtered(positions: Array, size: int, width: np.float32 | int, interpolation: str) -> tuple[Array, Array]:
    """Samples weighted by a filter of their distance, which `width` stretches, and scaled to add up to 1."""
    radius, weigh = FILTERS[interpolation]
    begin = np.ceil(positions - radius * width - HALF)
    count = int(np.max(np.floor(positions + radius * width - HALF) - begin, initial=0)) + 1
    samples = begin[:, None] + np.arange(count, dtype=np.float32)
    weights = weigh(np.abs(samples + HALF - positions[:, None]) / width)
    return _scaled(samples, np.where((samples < 0) | (samples >= size), 0, weights))


def _scaled(samples: Array, weights: Array) -> tuple[Array, Array]:
    weights = weights.astype(np.float32)
    return samples, weights * (np.float32(1) / weights.sum(axis=1, keepdims=True))


def _triangle(x: Array) -> Array:
    return np.maximum(1 - x, 0)


def _keys(x: Array) -> Array:
    """Keys' cubic convolution with a = -1/2 (IEEE Trans. ASSP 29, 1981)."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0)).astype(np.float32)


def _lanczos(radius: int) -> Callable[[Array], Array]:
    def weigh(x: Array) -> Array:
        return np.where(x <= radius, np.sinc(x) * np.sinc(x / radius), 0).astype(np.float32)

    return weigh


FILTERS: dict[str, tuple[int, Callable[[Array], Array]]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _keys),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
}
"""Radius and weights by distance."""
