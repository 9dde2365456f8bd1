"""Fourier transforms and windows (keras/src/ops/math.py). Complex numbers are pairs of tensors here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dims import Dim

from .operands import Lower, documented, given, known, register_table, reshaped, sizes, sliced, tensor

COMPLEX = {"float32": "complex64", "float64": "complex128"}


@hookimpl
def register_layers(register: Register) -> None:
    """Register the Fourier transforms."""
    register_table(register, ("x",), TRANSFORMS)


def _pair(call: LayerCall, emit: Emitter) -> Symbol:
    """Return the pair (real, imaginary) that the transforms take as one complex tensor."""
    value = call.argument("x")
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise Unsupported("it must be called with a pair of real and imaginary part")
    return emit.op("complex", *(tensor(emit, part) for part in value))


def _parts(emit: Emitter, y: Symbol) -> list[Symbol]:
    return [emit.op("real", y), emit.op("imag", y)]


def _fft(axes: int, inverse: bool = False) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = _pair(call, emit)
        return _parts(emit, emit.op("fft", x, axes=list(range(x.rank - axes, x.rank)), inverse=inverse))

    return documented(lower, f"The {'inverse ' if inverse else ''}Fourier transform over the last {axes} axes.")


def rfft(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The half of the transform of real numbers that is not redundant, of `fft_length` elements (cut or padded)."""
    return _parts(emit, real_transform(emit, given(call, emit), call.argument("fft_length", None)))


def real_transform(emit: Emitter, x: Symbol, length: int | None) -> Symbol:
    """Return the first half of the transform over the last axis."""
    x = _resized(emit, x, length)
    half = known(x.shape[-1], "the length that it transforms") // 2 + 1
    y = emit.op("fft", emit.cast(x, COMPLEX[x.dtype]), axes=[x.rank - 1])
    return sliced(emit, y, x.rank - 1, 0, half)


def _resized(emit: Emitter, x: Symbol, length: int | None) -> Symbol:
    """Return `x` with its last axis cut or padded with zeros to `length`."""
    if length is None or x.shape[-1] == length:
        return x
    size = known(x.shape[-1], "the length that it transforms")
    if size > length:
        return sliced(emit, x, x.rank - 1, 0, length)
    zero: Any = 0
    return emit.op("pad", x, pads=[*[[0, 0]] * (x.rank - 1), [0, length - size]], value=zero)


def irfft(call: LayerCall, emit: Emitter) -> Symbol:
    """The real numbers that a half transform came from, `fft_length` of them (by default twice the half, less two)."""
    parts = [tensor(emit, part) for part in call.argument("x")]
    return inverse_real(emit, parts, call.argument("fft_length", None))


def inverse_real(emit: Emitter, parts: list[Symbol], length: int | None) -> Symbol:
    """Return the inverse of `real_transform`: the other half is the mirrored conjugate."""
    last = parts[0].rank - 1
    length = 2 * (known(parts[0].shape[-1], "the length that it transforms") - 1) if length is None else length
    half = length // 2 + 1
    parts = [_resized(emit, part, half) for part in parts]
    mirrored = [emit.op("flip", sliced(emit, part, last, 1, length - half + 1), axes=[last]) for part in parts]
    mirrored[1] = emit.op("negative", mirrored[1])
    whole = [emit.op("concatenate", a, b, axis=last) for a, b in zip(parts, mirrored, strict=True)]
    return emit.op("real", emit.op("fft", emit.op("complex", *whole), axes=[last], inverse=True))


def istft(call: LayerCall, emit: Emitter) -> Symbol:
    """The signal that `stft` took: windows back in place, corrected for their overlap, and added up."""
    parts = [tensor(emit, part) for part in call.argument("x")]
    config = call.config
    length, stride, size = (config.int(name) for name in ("sequence_length", "sequence_stride", "fft_length"))
    frames = inverse_real(emit, parts, size)
    window = window_of(call, length, size)
    if window is not None:
        frames = emit.op("multiply", frames, emit.array("window", _corrected(window, stride), frames.dtype))
    y = overlapped(emit, frames, stride)
    center, wanted = config.bool("center", True), call.argument("length", None)
    start = size // 2 if center else 0
    end = start + wanted if wanted is not None else (-(size // 2) or None) if center else None
    return sliced(emit, y, y.rank - 1, start, end)


def _corrected(window: Any, stride: int) -> Any:
    """Return the window over the sum of the squares of all windows that overlap (Griffin and Lim, equation 7)."""
    count = -(-window.size // stride)
    squares = np.pad(np.square(window), (0, count * stride - window.size)).reshape(count, stride).sum(axis=0)
    total = np.tile(squares, count)[: window.size]
    return np.divide(window, total, out=np.zeros_like(window), where=total != 0)


def overlapped(emit: Emitter, frames: Symbol, stride: int) -> Symbol:
    """Add windows (..., count, size) up, each `stride` after the one before: piece i of each moves i pieces on."""
    size = known(frames.shape[-1], "the size of the windows")
    pieces = -(-size // stride)
    before = [[0, 0]] * (frames.rank - 2)
    padded = emit.op("pad", frames, pads=[*before, [0, 0], [0, pieces * stride - size]])
    total: Symbol | None = None
    for i in range(pieces):
        piece = sliced(emit, padded, frames.rank - 1, i * stride, (i + 1) * stride)
        piece = emit.op("pad", piece, pads=[*before, [i, pieces - 1 - i], [0, 0]])
        total = piece if total is None else emit.op("add", total, piece)
    if total is None:
        raise Unsupported("its windows are empty")
    y = reshaped(emit, total, [*sizes(total)[:-2], -1])
    return sliced(emit, y, y.rank - 1, None, (size - pieces * stride) or None)


def extract_sequences(call: LayerCall, emit: Emitter) -> Symbol:
    """Windows of `sequence_length` elements of the last axis, one every `sequence_stride`."""
    length, stride = call.config.int("sequence_length"), call.config.int("sequence_stride")
    return framed(emit, given(call, emit), length, stride)


def framed(emit: Emitter, x: Symbol, length: int, stride: int) -> Symbol:
    """Return windows of the last axis as two axes: window, place in it."""
    size = known(x.shape[-1], "the length that it cuts into windows")
    count = max((size - length) // stride + 1, 0)
    places = np.arange(count)[:, None] * stride + np.arange(length)
    if count == 0:
        shape: list[Dim] = [f"like.{i}" if n is None else n for i, n in enumerate(x.shape[:-1])]
        return emit.op("full", x, shape=[*shape, 0, length], value=0, dtype=x.dtype)
    return emit.op("take", x, emit.array("places", places, "int32"), axis=x.rank - 1)


def stft(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The Fourier transforms of windows, each multiplied by a window function of `sequence_length` elements."""
    x = given(call, emit)
    config = call.config
    length, stride, size = (config.int(name) for name in ("sequence_length", "sequence_stride", "fft_length"))
    if x.dtype not in COMPLEX or size < length:
        raise Unsupported(f"Keras on TensorFlow does not run it on {x.dtype} with windows of {length} out of {size}")
    if config.bool("center", True):
        x = emit.op("pad", x, pads=[*[[0, 0]] * (x.rank - 1), [size // 2, size // 2]], mode="reflect")
    frames = framed(emit, x, size, stride)
    window = window_of(call, length, size)
    if window is not None:
        frames = emit.op("multiply", frames, emit.array("window", window, x.dtype))
    return _parts(emit, real_transform(emit, frames, size))


def window_of(call: LayerCall, length: int, size: int) -> Any:
    """Return the window in the middle of `size` elements; None for none."""
    window = call.argument("window", "hann")
    if window is None:
        return None
    if isinstance(window, str):
        low = {"hann": 0.5, "hamming": 0.54}.get(window)
        if low is None:
            raise Unsupported(f"its window {window!r:.40} is not known")
        period = max(length - length % 2, 1)  # TensorFlow's windows of odd lengths are symmetric
        turns = 2 * math.pi * np.arange(length) / period
        values = low - (1 - low) * np.cos(turns) if length > 1 else np.ones(length)
    else:
        values = np.asarray(window, np.float64)
    before = (size - length) // 2
    return np.pad(values, (before, size - length - before))


TRANSFORMS: dict[str, Lower] = {
    "FFT": _fft(1),
    "FFT2": _fft(2),
    "IFFT2": _fft(2, inverse=True),
    "RFFT": rfft,
    "IRFFT": irfft,
    "ExtractSequences": extract_sequences,
    "STFT": stft,
    "ISTFT": istft,
}
