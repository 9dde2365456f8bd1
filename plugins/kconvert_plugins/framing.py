"""Images cut, padded and resampled to a size, with a batch axis (keras/src/backend/tensorflow/image.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kconvert import Emitter, Symbol, Unsupported

from .resampling import saturate

Whole = Callable[[int, int], int]


def first_axis(data_format: str) -> int:
    """Return the axis of the height; that of the width follows."""
    return 1 if data_format == "channels_last" else 2


def resampled(
    emit: Emitter, x: Symbol, size: Sequence[int], data_format: str, interpolation: str, antialias: bool = False
) -> Symbol:
    """Return x resampled as TensorFlow does: in float32, or in its own dtype by 'nearest'; x where it has the size."""
    first = first_axis(data_format)
    if list(x.shape[first : first + 2]) == list(size):
        return x
    nearest = interpolation == "nearest"
    wide = emit.cast(x, "float64" if nearest else "float32")
    y = emit.op(
        "resize", wide, size=list(size), interpolation=interpolation, antialias=antialias, data_format=data_format
    )
    return emit.cast(y, x.dtype) if nearest else y


def resized(
    emit: Emitter, x: Symbol, size: Sequence[int], data_format: str, interpolation: str, antialias: bool = False
) -> Symbol:
    """Return x resampled, in its own dtype: whole numbers rounded, what the dtype cannot hold cut off."""
    y = resampled(emit, x, size, data_format, interpolation, antialias)
    return y if y.dtype == x.dtype else saturate(emit, y, x.dtype)


def single(numerator: int, denominator: int) -> int:
    """Divide as TensorFlow does, in float32, and cut what follows the point off."""
    return int(np.float32(numerator) / np.float32(denominator))


def double(numerator: int, denominator: int) -> int:
    """Divide as Python does, and cut what follows the point off."""
    return int(float(numerator) / denominator)


def middle(emit: Emitter, x: Symbol, size: Sequence[int], first: int, divide: Whole) -> Symbol:
    """Cut the largest window of the shape of `size` out of the middle."""
    slices: list[list[int] | None] = [None] * x.rank
    for axis, length, fitting in _fitting(x, size, first, divide):
        kept = max(min(length, fitting), 1)
        start = (length - kept) // 2
        slices[axis] = [start, start + kept, 1]
    y: Symbol = emit.op("slice", x, slices=slices)
    return y


def framed(emit: Emitter, x: Symbol, size: Sequence[int], first: int, value: float) -> Symbol:
    """Put x into the middle of the smallest frame of the shape of `size`, filled with `value`."""
    pads = [[0, 0] for _ in range(x.rank)]
    for axis, length, fitting in _fitting(x, size, first, single):
        half = (max(length, fitting) - length) // 2
        pads[axis] = [half, half]
    if pads[first][0] and pads[first + 1][0]:
        raise Unsupported("Keras pads images both ways at once here, which fails")
    if not (pads[first][0] or pads[first + 1][0]):
        return x
    if isinstance(value, float) and not x.dtype.startswith(("float", "bfloat")):
        raise Unsupported(f"its fill_value is a float, which Keras does not put into images of {x.dtype}; cast them")
    y: Symbol = emit.op("pad", x, pads=pads, value=value)
    return y


def _fitting(x: Symbol, size: Sequence[int], first: int, divide: Whole) -> list[tuple[int, int, int]]:
    """Return for both axes their number, their size, and the size that goes with the other axis."""
    height, width = x.shape[first : first + 2]
    if height is None or width is None:
        raise Unsupported("it needs to know the size of the images, which the file leaves open")
    fitting = divide(width * size[0], size[1]), divide(height * size[1], size[0])
    return [(first, height, fitting[0]), (first + 1, width, fitting[1])]
