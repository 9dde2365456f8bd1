"""Building a network with weights that keep its activations in bounds, converting it, and comparing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import kconvert
from tests.compare import relative_error

from .variants import Variant

TOLERANCE = 1e-4
FEATURE_SIZE = (83, 78)
"""Height and width of the images that the features are computed from: odd, uneven, above the least of every family."""


@dataclass(frozen=True)
class Measurement:
    """What converting one variant gave. seconds: to read the file, convert it and write the bundle."""

    variant: Variant
    size: int
    parameters: int
    nodes: int
    bytes: int
    seconds: float
    error: float


def measure(variant: Variant, folder: Path) -> Measurement:
    """Compare a variant whole and as features; the error is the largest relative one of both."""
    import keras

    function = getattr(keras.applications, variant.function)
    shape = (variant.size, variant.size, 3) if variant.size else None
    # No softmax at the end: its outputs lie close together, and so would hide differences.
    whole = function(weights=None, input_shape=shape, classifier_activation=None, **variant.options)
    size = whole.inputs[0].shape[1]
    images = _images(1, size, size)
    report, error, seconds = _compare(whole, images, folder / "whole")
    del whole
    features_error, *_ = _features(function, variant, folder)
    nodes = sum(report.ops.values())
    return Measurement(variant, size, report.parameters, nodes, report.bytes, seconds, max(error, features_error))


def _features(function: Any, variant: Variant, folder: Path) -> tuple[float, float]:
    options = {key: value for key, value in variant.options.items() if key != "classes"}
    size = FEATURE_SIZE if variant.family == "NASNet" else (None, None)  # Keras' NASNet fails on unknown sizes
    model = function(weights=None, include_top=False, input_shape=(*size, 3), pooling=variant.pooling, **options)
    _, error, seconds = _compare(model, _images(2, *FEATURE_SIZE), folder / "features")
    return error, seconds


def _compare(model: Any, images: np.ndarray, folder: Path) -> tuple[kconvert.Report, float, float]:
    import keras

    settle(model, _images(4, *images.shape[1:3]))
    file = folder.with_suffix(".keras")
    model.save(file)
    expected = keras.ops.convert_to_numpy(model(images))
    keras.utils.clear_session()
    start = time.perf_counter()
    report = kconvert.convert(file, folder)
    seconds = time.perf_counter() - start
    file.unlink()
    found = kconvert.load(folder)(images)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert expected.std() > 1e-3, "the weights make every output the same"
    return report, relative_error(found, expected), seconds


def settle(model: Any, images: np.ndarray) -> None:
    """Give every weight random values that keep activations near 1.

    Kernels stay as their initialisers made them; scales, offsets and biases become random; the statistics of each
    batch normalisation become those of its inputs for `images`, times random factors.
    """
    import keras

    rng = np.random.default_rng(3)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    for weight in model.weights:
        if weight.name in RANGES:
            weight.assign(rng.uniform(*RANGES[weight.name], weight.shape))
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with copies of its weights
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer in norms:
        layer.momentum = 0.99
        mean, variance = (keras.ops.convert_to_numpy(v) for v in (layer.moving_mean, layer.moving_variance))
        # Never so small a variance that the division would enlarge the rounding of what it divides.
        layer.moving_variance.assign((variance + 0.1 * mean**2 + 0.01) * rng.uniform(0.7, 1.4, variance.shape))


RANGES = {"gamma": (0.2, 0.6), "beta": (-0.2, 0.2), "bias": (-0.1, 0.1), "mean": (0.4, 0.5), "variance": (0.04, 0.06)}
"""From where the values of weights with these names are drawn."""


def _images(count: int, height: int, width: int) -> np.ndarray:
    """Pixels between 0 and 255, as every network that contains its own preprocessing takes them, with large shapes."""
    rng = np.random.default_rng(11)
    coarse = rng.uniform(0, 255, (count, 7, 7, 3))
    rows, columns = np.arange(height) * 7 // height, np.arange(width) * 7 // width
    smooth = coarse[:, rows][:, :, columns]
    return (0.7 * smooth + 0.3 * rng.uniform(0, 255, smooth.shape)).astype("float32")
