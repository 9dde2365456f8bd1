"""Convolution, pooling and resampling layers that cannot be converted exactly say so; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_schemas.errors import KconvertError
from tests.helpers import layer_config, sequential_config, write_keras

IMAGE = (None, 6, 7, 4)
CONV = {"filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "use_bias": False}

REFUSED: list[tuple[str, str, tuple[int | None, ...], dict[str, Any], list[tuple[int, ...]]]] = [
    ("do not divide into 3 groups", "Conv2D", IMAGE, {**CONV, "groups": 3}, [(3, 3, 1, 4)]),
    ("has the shape (3, 3, 4, 4) in the file", "Conv2D", IMAGE, {**CONV, "kernel_size": [2, 3]}, [(3, 3, 4, 4)]),
    ("must be one of valid, same, got 'causal'", "Conv2D", IMAGE, {**CONV, "padding": "causal"}, [(3, 3, 4, 4)]),
    ("must have 4 axes", "Conv2D", (None, 7, 4), CONV, [(3, 3, 4, 4)]),
    ("channels of its input must be known", "Conv2D", (None, 6, 7, None), CONV, [(3, 3, 4, 4)]),
    ("a window of 3 does not fit into 2 elements", "Conv2D", (None, 2, 7, 4), CONV, [(3, 3, 4, 4)]),
    ("a window of 5 does not fit into 4", "Conv2D", (None, 4, 7, 4), {**CONV, "dilation_rate": 2}, [(3, 3, 4, 4)]),
    (
        "its 5 biases fit the last of its spatial axes too",
        "Conv2D", (None, 4, 6, 7), {**CONV, "filters": 5, "use_bias": True, "data_format": "channels_first"},
        [(3, 3, 4, 5), (5,)],
    ),
    (
        "TensorFlow in float64 disagrees with itself",
        "Conv3D", (None, 8, 8, 8, 2),
        {**CONV, "kernel_size": 2, "strides": 4, "padding": "same", "dtype": "float64"}, [(2, 2, 2, 2, 4)],
    ),
    (
        "output_padding 3 does not fit a window of 3 with stride 2",
        "Conv2DTranspose", IMAGE, {**CONV, "strides": 2, "output_padding": 3}, [(3, 3, 4, 4)],
    ),
    ("must be at least 1", "MaxPooling2D", IMAGE, {"pool_size": 2, "strides": 0, "padding": "valid"}, []),
    ("must have 4 axes", "GlobalMaxPooling2D", (None, 7, 4), {}, []),
    ("sizes of its input must be known", "AdaptiveMaxPooling1D", (None, None, 4), {"output_size": 2}, []),
    ("leaves nothing of the 6 elements", "Cropping2D", IMAGE, {"cropping": 3}, []),
    ("[before, after] for each axis", "ZeroPadding2D", IMAGE, {"padding": [1, 2, 3]}, []),
    ("[before, after] for each axis", "ZeroPadding2D", IMAGE, {"padding": [[1, -2], [0, 0]]}, []),
    ("must be one of nearest, bilinear", "UpSampling2D", IMAGE, {"size": 2, "interpolation": "spline"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "class_name", "shape", "config", "weights"), REFUSED)
def test_refused(
    reason: str, class_name: str, shape: Any, config: dict[str, Any], weights: list[tuple[int, ...]], tmp_path: Path
) -> None:
    """The message names the layer and says what does not fit."""
    model = sequential_config(layer_config(class_name, "it", **config), shape=shape)
    address = {"Conv2D": "conv2d", "Conv3D": "conv3d", "Conv2DTranspose": "conv2d_transpose"}.get(class_name, "")
    stored = {f"layers/{address}/vars/{i}": np.zeros(size, np.float32) for i, size in enumerate(weights)}
    file = write_keras(tmp_path / "model.keras", model, stored)
    with pytest.raises(KconvertError) as error:
        kconvert.convert(file, tmp_path / "out")
    assert "'it'" in str(error.value)
    assert reason in str(error.value)
    assert not (tmp_path / "out").exists()
