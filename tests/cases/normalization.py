"""BatchNormalization, LayerNormalization, GroupNormalization, UnitNormalization, RMSNormalization, SpectralNormalization."""

from __future__ import annotations

from itertools import product
from typing import Any

from .core import POLICIES
from .spec import Case, layer, model, x


def _masked(class_name: str, **options: Any) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input((4, 3))
        y = getattr(keras.layers, class_name)(**options)(keras.layers.Masking()(inputs))
        return keras.Model(inputs, [y, keras.layers.LSTM(2)(y)])

    return build


def _frozen(keras: Any) -> Any:
    inputs = keras.Input((4, 3))
    y = keras.layers.BatchNormalization(trainable=False)(inputs)
    return keras.Model(inputs, keras.layers.LayerNormalization(trainable=False)(y, training=False))


def _half_input(policy: str) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input((4, 3), dtype="float16")
        layers = [keras.layers.LayerNormalization(dtype=policy), keras.layers.BatchNormalization(dtype=policy)]
        return keras.Model(inputs, [made(inputs) for made in layers])

    return build


def _spectral(keras: Any) -> Any:
    inputs = keras.Input((4, 3))
    y = keras.layers.Masking()(inputs)
    same = keras.layers.SpectralNormalization(keras.layers.Dense(3))(y)
    other = keras.layers.SpectralNormalization(keras.layers.Dense(3, dtype="float64"))(y)
    return keras.Model(inputs, [keras.layers.Maximum()([same, y]), keras.layers.Maximum()([other, y])])


SWITCHES = list(product((True, False), (True, False)))
MASKED = x(2, 4, 3, masked=((0, 1), (1, 3)))

CASES: list[Case] = [
    *[layer("BatchNormalization", x(4, 3), center=center, scale=scale) for center, scale in SWITCHES],
    *[layer("BatchNormalization", x(2, 4, 3, 5), axis=axis, epsilon=0.01) for axis in (1, 2, 3, -1, -2, -3)],
    layer("BatchNormalization", x(2, 4, 3, dynamic=(1,)), momentum=0.5),
    layer("BatchNormalization", x(2, 4, 3, dynamic=(2,)), axis=1),
    layer("BatchNormalization", x(2, 4, 3), renorm=True),
    layer("BatchNormalization", x(2, 4, 3), renorm=True, renorm_clipping={"rmax": 3.0}, center=False),
    layer("BatchNormalization", x(2, 4, 3), synchronized=True),
    layer("BatchNormalization", x(2, 4, 3, dtype="int32")),
    layer("BatchNormalization", x(2, 4, 3, dtype="float64")),
    layer("BatchNormalization", x(2, 4, 3, low=-6e4, high=6e4), dtype="float16"),
    *[layer("BatchNormalization", x(2, 4, 3), axis=1, dtype=policy) for policy in POLICIES],
    model("masked BatchNormalization", _masked("BatchNormalization"), MASKED),
    *[layer("LayerNormalization", x(4, 3), center=center, scale=scale) for center, scale in SWITCHES],
    *[
        layer("LayerNormalization", x(2, 4, 3, 5), axis=axis)
        for axis in (1, 2, -1, -2, [1, 2], [2, 1], [3, 1], [1, 2, 3])
    ],
    *[layer("LayerNormalization", x(2, 4, 3, 5), axis=axis) for axis in ([-1, 1], [-1, -3], [1, -1], (-2,), [2, -3])],
    layer("LayerNormalization", x(2, 4, 3, dynamic=(1,)), epsilon=0.1),
    layer("LayerNormalization", x(2, 4, 1)),
    layer("LayerNormalization", x(2, 4, 3, low=10.0, high=11.0)),
    layer("LayerNormalization", x(2, 4, 3, dtype="int32", low=-9, high=9)),
    layer("LayerNormalization", x(1, 3, 5, low=1e4, high=1.0002e4)),  # few, or TensorFlow rounds 1 / sqrt otherwise
    layer("LayerNormalization", x(2, 4, 3, dtype="float64"), axis=[1, 2]),
    layer("LayerNormalization", x(2, 4, 3), rms_scaling=True),
    layer("LayerNormalization", x(2, 4, 3), rms_scaling=True, axis=[-1, 1], center=False, scale=False),
    layer("LayerNormalization", x(2, 4, 3), rms_scaling=True, axis=1, dtype="mixed_float16"),
    layer("LayerNormalization", x(2, 4, 3, low=-6e4, high=6e4), dtype="mixed_float16"),
    *[layer("LayerNormalization", x(2, 4, 3), axis=[1, 2], dtype=policy) for policy in POLICIES],
    model("masked LayerNormalization", _masked("LayerNormalization", axis=[1, 2]), MASKED),
    *[layer("GroupNormalization", x(2, 4, 6), groups=groups) for groups in (1, 2, 3, 6, -1)],
    *[layer("GroupNormalization", x(2, 4, 3, 6), groups=2, center=center, scale=scale) for center, scale in SWITCHES],
    *[layer("GroupNormalization", x(2, 4, 2, 6), groups=2, axis=axis, epsilon=0.01) for axis in (1, 2, 3, -1, -2, -3)],
    layer("GroupNormalization", x(2, 4, 3, 6, dynamic=(1, 2)), groups=3),
    layer("GroupNormalization", x(2, 6, 3, dynamic=(2,)), groups=3, axis=1),
    layer("GroupNormalization", x(2, 6), groups=3),
    layer("GroupNormalization", x(2, 4, 6, dtype="float64"), groups=2),
    *[layer("GroupNormalization", x(2, 4, 6), groups=2, dtype=policy) for policy in POLICIES],
    layer("GroupNormalization", x(2, 4, 8, low=7e4, high=7e4), groups=2, dtype="mixed_float16"),
    layer("GroupNormalization", x(3, 4, 6, low=1e3, high=1.1e3), groups=2),
    model("masked GroupNormalization", _masked("GroupNormalization", groups=3), MASKED),
    *[layer("UnitNormalization", x(2, 4, 3), axis=axis) for axis in (-1, 1, [1, 2], [-1, 1], [2], 0)],
    layer("UnitNormalization", x(2, 3, values=[[0, 0, 0], [1e-20, 0, 0]])),
    *[layer("UnitNormalization", x(2, 4, 3, dynamic=(1,)), dtype=policy) for policy in POLICIES],
    model("masked UnitNormalization", _masked("UnitNormalization"), MASKED),
    *[layer("RMSNormalization", x(2, 4, 3), axis=axis, epsilon=0.01) for axis in (-1, 2, [2], [1, 2])],
    layer("RMSNormalization", x(2, 3, 3), axis=1),
    layer("RMSNormalization", x(2, 4, 3, dtype="int32", low=-9, high=9)),
    *[layer("RMSNormalization", x(2, 4, 3, dynamic=(1,)), dtype=policy) for policy in POLICIES],
    model("masked RMSNormalization", _masked("RMSNormalization"), MASKED),
    layer("SpectralNormalization", x(2, 5), layer=("keras.layers.Dense", {"units": 3})),
    layer("SpectralNormalization", x(2, 6, 5, 3), layer=("keras.layers.Conv2D", {"filters": 2, "kernel_size": 3})),
    layer(
        "SpectralNormalization",
        x(2, 5, dtype="int32", low=0, high=7),
        layer=("keras.layers.Embedding", {"input_dim": 7, "output_dim": 2}),
    ),
    layer(
        "SpectralNormalization", x(2, 5), layer=("keras.layers.Dense", {"units": 3, "dtype": "float16"}), tolerance=1e-2
    ),
    model("mask through SpectralNormalization", _spectral, MASKED),
    model("frozen", _frozen, x(2, 4, 3)),
    *[
        model(f"float16 into {policy}", _half_input(policy), x(2, 4, 3, dtype="float16"), tolerance=1e-2)
        for policy in ("float32", "float64", "mixed_bfloat16", "bfloat16")
    ],
]
