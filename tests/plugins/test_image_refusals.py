"""Image layers and layers of other libraries that cannot be converted exactly say so; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import kconvert
from kconvert_schemas.errors import KconvertError
from tests.helpers import layer_config, sequential_config, write_keras

IMAGE = (None, 6, 7, 3)
OPEN = (None, None, None, 3)
SIZE = {"height": 4, "width": 5}
EQUALIZE = "ContrastLimitedAdaptiveHistogramEqualization"
PICKLED = {"class_name": "__bytes__", "config": {"value": "gASVBQAAAAAAAABLKi4="}}

REFUSED: list[tuple[str, str, tuple[int | None, ...], dict[str, Any]]] = [
    ("three or four axes", "RandomFlip", (None, 6), {}),
    ("three or four axes", "Resizing", (None, 2, 6, 7, 3), SIZE),
    ("needs to know the size of the images", "CenterCrop", OPEN, SIZE),
    ("needs to know the size of the images", "Resizing", OPEN, {**SIZE, "crop_to_aspect_ratio": True}),
    ("needs to know the size of the images", "Resizing", OPEN, {**SIZE, "pad_to_aspect_ratio": True}),
    ("needs to know the size of the images", EQUALIZE, OPEN, {}),
    ("is too fine for images of 6 x 7", EQUALIZE, IMAGE, {"tile_grid_size": [6, 20]}),
    ("must be two numbers", "AutoContrast", IMAGE, {"value_range": [0, 1, 2]}),
    ("one of floats", "AutoContrast", IMAGE, {"dtype": "uint8"}),
    ("at least 1", "Resizing", IMAGE, {"height": 0, "width": 5}),
    ("fill_mode must be constant", "Resizing", IMAGE, {**SIZE, "fill_mode": "reflect"}),
    ("one of the two", "Resizing", IMAGE, {**SIZE, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}),
    ("must be one of nearest, bilinear", "Resizing", IMAGE, {**SIZE, "interpolation": "spline"}),
    ("must hold a list of layers", "Pipeline", IMAGE, {"layers": []}),
    ("no plugin converts", "Pipeline", IMAGE, {"layers": [layer_config("RandomApply", "inner")]}),
    ("JAX functions, as pickled Python", "JaxLayer", IMAGE, {"call_fn": PICKLED}),
    ("a Flax module, as pickled Python", "FlaxLayer", IMAGE, {"module": PICKLED}),
    ("a PyTorch module, as pickled Python", "TorchModuleWrapper", IMAGE, {"module": PICKLED}),
    ("a folder outside the file", "TFSMLayer", IMAGE, {"filepath": "/nowhere"}),
]


@pytest.mark.parametrize(("reason", "class_name", "shape", "config"), REFUSED)
def test_refused(
    reason: str, class_name: str, shape: tuple[int | None, ...], config: dict[str, Any], tmp_path: Path
) -> None:
    """The message names the layer and says what does not fit."""
    model = sequential_config(layer_config(class_name, "it", **config), shape=shape)
    with pytest.raises(KconvertError) as error:
        kconvert.convert(write_keras(tmp_path / "model.keras", model, {}), tmp_path / "out")
    assert reason in str(error.value)
    assert "'it'" in str(error.value) or "inner" in str(error.value)
    assert not (tmp_path / "out").exists()
