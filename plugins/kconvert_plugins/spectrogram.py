"""STFTSpectrogram and MelSpectrogram (keras/src/layers/preprocessing)."""

from __future__ import annotations

import numpy as np

from kconvert import Config, Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dtypes import Array

from .numerical import EPSILON
from .operations.fourier import framed, real_transform, window_of

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
MEL_BREAK, MEL_SCALE = 700.0, 1127.0


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers; neither supports masking."""
    register("keras.layers.STFTSpectrogram", stft_spectrogram)
    register("keras.layers.MelSpectrogram", mel_spectrogram)


def stft_spectrogram(call: LayerCall, emit: Emitter) -> Symbol:
    """Short-time Fourier transform of each channel by convolution with stored kernels; power, angle and the like."""
    mode = call.config.str("mode", "log", MODES)
    if call.x.rank != 3 or call.x.dtype not in ("float16", "float32", "float64"):
        raise Unsupported(f"it takes float16, float32 or float64 with 3 axes, its input is {call.x.type}")
    if mode in ("real", "imag"):
        return _arranged(call.config, emit, _convolved(call, emit, mode, 0))
    real, imag = (_convolved(call, emit, part, i) for i, part in enumerate(("real", "imag")))
    if mode == "angle":
        return _arranged(call.config, emit, emit.op("arctan2", imag, real))
    if mode == "stft":
        return _arranged(call.config, emit, emit.op("concatenate", real, imag, axis=2))
    power = emit.op("add", emit.op("multiply", real, real), emit.op("multiply", imag, imag))
    if mode == "psd":
        inner = emit.op("slice", power, slices=[None, None, [1, -1, None], None])
        doubled = emit.op("pad", inner, pads=[[0, 0], [0, 0], [1, 1], [0, 0]])
        return _arranged(call.config, emit, emit.op("add", power, doubled))
    least = emit.constant(EPSILON, call.x.dtype)
    magnitude = _arranged(call.config, emit, emit.op("sqrt", emit.op("maximum", power, least)))
    return magnitude if mode == "magnitude" else emit.op("log", emit.op("maximum", magnitude, least))


def _convolved(call: LayerCall, emit: Emitter, part: str, index: int) -> Symbol:
    """One part of the transform, (batch, channels, frequencies, time)."""
    config, x = call.config, call.x
    length, size = config.int("frame_length"), _fft_length(config)
    if config.data_format() == "channels_last":
        x = emit.op("transpose", x, axes=[0, 2, 1])
    channels, frequencies = x.shape[1], size // 2 + 1
    if channels is None:
        raise Unsupported(f"the number of channels of its input must be known, got {call.x.type}")
    signals = emit.op("reshape", x, shape=["x.0*x.1", "x.2", 1])
    kernel = emit.weight(f"{part}_kernel", index, shape=(length, 1, frequencies))
    stride = config.int("frame_step") if config.get("frame_step") is not None else length // 2
    y = emit.op(
        "conv", signals, kernel, strides=[stride], dilation_rate=[1], data_format="channels_last",
        padding=config.str("padding", "valid", ("valid", "same")),
    )  # fmt: skip
    y = emit.op("transpose", y, axes=[0, 2, 1])
    result: Symbol = emit.op("reshape", y, shape=[-1, channels, frequencies, "x.2"])
    return result


def _fft_length(config: Config) -> int:
    """The length given, or the least power of two that holds a frame."""
    given = config.get("fft_length")
    return config.int("fft_length") if given is not None else 1 << max(config.int("frame_length") - 1, 0).bit_length()


def _arranged(config: Config, emit: Emitter, y: Symbol) -> Symbol:
    """Frequencies as an axis of their own, or as channels; time where the data format wants it."""
    last = config.data_format() == "channels_last"
    result: Symbol
    if config.bool("expand_dims", False):
        result = emit.op("transpose", y, axes=[0, 3, 2, 1] if last else [0, 1, 3, 2])
        return result
    channels = (y.shape[1] or 0) * (y.shape[2] or 0)
    result = emit.op("reshape", y, shape=["x.0", channels, "x.3"])
    return emit.op("transpose", result, axes=[0, 2, 1]) if last else result


def mel_spectrogram(call: LayerCall, emit: Emitter) -> Symbol:
    """Power at frequencies that are evenly spaced for the ear, in decibels below the loudest of the whole batch."""
    config, compute = call.config, call.layer.policy.compute
    dtype = compute if compute in ("float32", "float64") else "float32"
    power = _power(call, emit, emit.cast(call.x, dtype))
    y = emit.op("matmul", power, emit.cast(emit.array("mel_weights", _mel_weights(config), "float32"), dtype))
    if config.bool("power_to_db", True):
        y = _decibels(config, emit, y)
    y = emit.op("transpose", y, axes=[*range(y.rank - 2), y.rank - 1, y.rank - 2])
    return emit.cast(y, compute)


def _power(call: LayerCall, emit: Emitter, x: Symbol) -> Symbol:
    """The magnitude of the transform of each frame, to the power mag_exp."""
    length, stride, size = (call.config.int(n) for n in ("sequence_length", "sequence_stride", "fft_length"))
    x = emit.op("pad", x, pads=[*[[0, 0]] * (x.rank - 1), [size // 2, size // 2]], mode="reflect")
    frames, window = framed(emit, x, size, stride), window_of(call, length, size)
    if window is not None:
        frames = emit.op("multiply", frames, emit.array("window", window, x.dtype))
    y = real_transform(emit, frames, size)
    squares = [emit.op("multiply", part, part) for part in (emit.op("real", y), emit.op("imag", y))]
    magnitude = emit.op("sqrt", emit.op("add", *squares))
    power: Symbol = emit.op("power", magnitude, emit.constant(call.config.float("mag_exp", 2.0), x.dtype))
    return power


def _decibels(config: Config, emit: Emitter, y: Symbol) -> Symbol:
    """10 log10 of the power over ref_power, at most top_db below the largest."""
    if y.dtype != "float32":
        raise Unsupported("with power_to_db=True it computes in float32 only; so does Keras")
    least, reference = np.float32(config.float("min_power", 1e-10)), np.float32(config.float("ref_power", 1.0))
    scale = np.float32(10.0) / np.log(np.float32(10.0))
    logs = emit.op("log", emit.op("maximum", y, emit.constant(float(least), y.dtype)))
    shift = 10.0 * np.log10(max(abs(reference), least))
    level = emit.op("multiply", logs, emit.constant(float(scale), y.dtype))
    level = emit.op("subtract", level, emit.constant(float(shift), y.dtype))
    top = emit.op("max", level, axes=None)
    floor = emit.op("subtract", top, emit.constant(config.float("top_db", 80.0), y.dtype))
    result: Symbol = emit.op("maximum", level, floor)
    return result


def _mel_weights(config: Config) -> Array:
    """Triangles over the frequencies, evenly spaced on the mel scale; (fft_length // 2 + 1, num_mel_bins), float32."""
    rate, bins = np.float32(config.float("sampling_rate", 16000)), config.int("num_mel_bins", 128)
    low, high = np.float32(config.float("min_freq", 20.0)), np.float32(config.float("max_freq"))
    frequencies = _evenly(np.float32(0), rate / np.float32(2), config.int("fft_length") // 2 + 1)
    mels = _mel(frequencies[1:])[:, None]
    edges = _evenly(_mel(low), _mel(high), bins + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (mels - lower) / (center - lower), (upper - mels) / (upper - center)
    return np.pad(np.maximum(np.float32(0), np.minimum(rising, falling)), ((1, 0), (0, 0)))


def _mel(frequency: Array) -> Array:
    return np.float32(MEL_SCALE) * np.log(np.float32(1) + frequency / np.float32(MEL_BREAK))


def _evenly(start: Array, stop: Array, count: int) -> Array:
    """`count` numbers from start to stop, rounded in float32 as TensorFlow does."""
    steps = start + (stop - start) / np.float32(max(count - 1, 1)) * np.arange(1, max(count - 1, 1), dtype=np.float32)
    return np.concatenate([np.atleast_1d(start), steps, np.atleast_1d(stop)])[:count].astype(np.float32)
