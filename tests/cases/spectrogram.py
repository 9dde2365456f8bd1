"""STFTSpectrogram and MelSpectrogram: every mode and option."""

from __future__ import annotations

from typing import Any

from .spec import Case, Tensor, layer, x

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
SIGNAL = x(2, 61, 2)


def stft(inputs: Tensor = SIGNAL, **options: Any) -> Case:
    return layer("STFTSpectrogram", inputs, **{"frame_length": 16, **options})


def mel(inputs: Tensor, **options: Any) -> Case:
    defaults = {"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 10, "sampling_rate": 8000}
    return layer("MelSpectrogram", inputs, **{**defaults, **options})


CASES = [
    *[stft(mode=mode) for mode in MODES],
    *[stft(mode=mode, expand_dims=True, padding="same", fft_length=32) for mode in MODES],
    stft(x(3, 50, 1, dynamic=(1,)), mode="stft", frame_length=12, frame_step=5),
    stft(x(3, 50, 3, dynamic=(1,)), frame_length=9, frame_step=9, fft_length=11, window="hamming", padding="same"),
    stft(mode="magnitude", window=None, scaling=None),
    stft(mode="psd", scaling="spectrum", periodic=True),
    stft(mode="magnitude", dtype="float64"),
    stft(mode="real", dtype="float16"),
    stft(mode="magnitude", dtype="mixed_float16"),
    stft(x(2, 3, 40), mode="magnitude", data_format="channels_first"),
    stft(x(2, 3, 40), mode="stft", data_format="channels_first", expand_dims=True),
    mel(x(2, 200)),
    mel(x(3, 150, dtype="float64"), sequence_length=40, window="hamming"),
    mel(x(2, 200), power_to_db=False, window=None, mag_exp=1.0),
    mel(x(2, 200), power_to_db=False, dtype="float64", min_freq=0.0, max_freq=2000.0),
    mel(x(2, 200), top_db=15.0, ref_power=0.3, min_power=1e-3, mag_exp=1.5),
    mel(x(2, 199), fft_length=33, num_mel_bins=5, sequence_stride=50),
    *[mel(x(2, 200), dtype=policy) for policy in ("float16", "bfloat16", "mixed_float16")],
    mel(x(2, 200, dtype="int32", low=-100, high=100)),
]
