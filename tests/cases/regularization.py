"""Dropouts and noise, which hand on their input when running."""

from __future__ import annotations

from typing import Any

from .core import POLICIES
from .spec import Case, ids, layer, model, x


def _keeps_the_mask(class_name: str, shape: tuple[int, ...], options: dict[str, Any]) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input(shape)
        y = keras.layers.Masking()(inputs)
        y = getattr(keras.layers, class_name)(**options)(y)
        if len(shape) == 2:
            return keras.Model(inputs, [y, keras.layers.LSTM(2)(y)])
        return keras.Model(inputs, [y, keras.layers.Maximum()([y, keras.layers.Masking()(-inputs)])])

    return build


LAYERS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("Dropout", (4, 3), {"rate": 0.5}),
    ("Dropout", (4, 3), {"rate": 0.2, "noise_shape": (None, 1, 3), "seed": 3}),
    ("Dropout", (4, 3), {"rate": 0}),
    ("SpatialDropout1D", (4, 3), {"rate": 0.3}),
    ("SpatialDropout2D", (4, 3, 2), {"rate": 0.3}),
    ("SpatialDropout2D", (4, 3, 2), {"rate": 0.3, "data_format": "channels_first"}),
    ("SpatialDropout3D", (4, 3, 2, 2), {"rate": 0.3}),
    ("SpatialDropout3D", (4, 3, 2, 2), {"rate": 0.3, "data_format": "channels_first"}),
    ("GaussianDropout", (4, 3), {"rate": 0.3}),
    ("GaussianNoise", (4, 3), {"stddev": 0.3}),
    ("AlphaDropout", (4, 3), {"rate": 0.3}),
    ("AlphaDropout", (4, 3), {"rate": 0.3, "noise_shape": [None, 1, 3]}),
    ("ActivityRegularization", (4, 3), {"l1": 0.1, "l2": 0.2}),
]

CASES: list[Case] = [
    *[layer(name, x(2, *shape), **options) for name, shape, options in LAYERS],
    *[
        model(
            f"{name} {options} keeps the mask",
            _keeps_the_mask(name, shape, options),
            x(2, *shape, masked=((0, 1), (1, 3))),
        )
        for name, shape, options in LAYERS
    ],
    *[layer("Dropout", x(2, 3), rate=0.5, dtype=policy) for policy in POLICIES],
    layer("Dropout", ids(2, 3), rate=0.5),
    layer("Dropout", x(2, 3, 4, dynamic=(1, 2)), rate=0.5),
]
