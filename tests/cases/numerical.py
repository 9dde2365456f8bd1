"""Normalization and Rescaling: every option and dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import Case, Tensor, layer, model, x

POLICIES = ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
INTEGERS = ("uint8", "int8", "int32", "int64", "bool")


def whole(*shape: int, dtype: str) -> Tensor:
    """Whole numbers, not negative for unsigned dtypes."""
    return x(*shape, dtype=dtype, low=0 if dtype == "uint8" else -100, high=100)


def adapted(inputs: Tensor, constant: bool = False, **options: Any) -> Case:
    """Statistics of data; `constant`: some of them have the variance 0."""

    def build(keras: Any) -> Any:
        data = np.random.default_rng(5).uniform(-4, 4, (9, *inputs.shape[1:])).astype("float32")
        if constant:
            data[..., 0] = 1.5
        layer = keras.layers.Normalization(**options)
        start = keras.Input(inputs.keras_shape, dtype=inputs.dtype)
        y = layer(start)
        layer.adapt(data)
        return keras.Model(start, y)

    shown = ", ".join(f"{k}={v!r}" for k, v in options.items())
    half = "16" in options.get("dtype", "")
    kind = f"{inputs.dtype}{list(inputs.shape)}{' constant' if constant else ''}"
    return model(f"Normalization({shown}) adapted on {kind}", build, inputs, tolerance=1e-2 if half else 1e-5)


def zero_variance(keras: Any) -> Any:
    """Divided by epsilon instead of 0."""
    start = keras.Input((3,))
    given = {"mean": [0.1, 0.2, 0.3], "variance": [0.0, 1e-20, 4.0]}
    return keras.Model(start, [keras.layers.Normalization(**given, invert=i)(start) for i in (False, True)])


def masks(keras: Any) -> Any:
    """Both layers hand on the mask."""
    start = keras.Input((5, 3))
    y = keras.layers.Rescaling(0.5, offset=0.1)(keras.layers.Masking()(start))
    y = keras.layers.Normalization(mean=0.3, variance=2.0, axis=None)(y)
    return keras.Model(start, keras.layers.LSTM(2)(y))


def arrays(keras: Any) -> Any:
    """Scales that were NumPy arrays and scalars when the model was made."""
    start = keras.Input((3,))
    layers = keras.layers
    made = [
        layers.Rescaling(np.array([1.5, 0.1, 3.0]), offset=np.float32(0.1)),
        layers.Rescaling(np.float64(0.1), offset=np.array([1, 2, 3])),
        layers.Rescaling(np.array([0.1, 0.2, 0.3], "float32"), offset=(1, 2, 3), dtype="float64"),
        layers.Rescaling(keras.ops.convert_to_tensor([0.1, 0.2, 0.3]), dtype="float16"),
        layers.Normalization(mean=np.array([0.1, 0.2, 0.3]), variance=np.array([1, 2, 3])),
    ]
    return keras.Model(start, [one(start) for one in made])


MEAN, VARIANCE = [0.1, -0.7, 1 / 3], [1.7, 0.4, 9.0]

CASES = [
    layer("Rescaling", x(3, 4), scale=1 / 255),
    layer("Rescaling", x(3, 4), scale=1 / 127.5, offset=-1),
    layer("Rescaling", x(2, 5, 6, 3, dynamic=(1, 2)), scale=[0.1, 0.2, 0.3], offset=[1, 2, 3]),
    layer("Rescaling", x(2, 5, 3), scale=[0.1, 0.2, 0.3], offset=0.5),
    layer("Rescaling", x(2, 5, 3), scale=2, offset=[0.1, 0.2, 0.3]),
    layer("Rescaling", x(5, 1), scale=[0.1, 0.2, 0.3]),
    layer("Rescaling", x(4), scale=0.1),
    *[layer("Rescaling", whole(3, 4, dtype=dtype), scale=1 / 255, offset=0.1) for dtype in INTEGERS],
    *[layer("Rescaling", x(3, 4, low=-50, high=50), scale=0.1, offset=-0.3, dtype=policy) for policy in POLICIES],
    layer("Rescaling", whole(3, 4, dtype="uint8"), scale=1 / 255, dtype="float16"),
    layer("Rescaling", x(3, 4, dtype="float64"), scale=1 / 255),
    layer("Rescaling", whole(3, 4, dtype="int32"), scale=3, offset=-2, dtype="int32"),
    model("Rescaling and Normalization with arrays", arrays, x(4, 3)),
    layer("Normalization", x(4, 3)),
    layer("Normalization", x(4, 3), invert=True),
    layer("Normalization", x(2, 5, 3, dynamic=(1,))),
    layer("Normalization", x(2, 5, 3, dynamic=(1, 2)), axis=None),
    layer("Normalization", x(2, 5, 4, 3, dynamic=(2,)), axis=(1, -1)),
    layer("Normalization", x(2, 5, 4, 3, dynamic=(2, 3)), axis=1),
    layer("Normalization", x(2, 5, 4, 3), axis=(-1, 2, 1), invert=True),
    layer("Normalization", x(2, 5, 4, 3), axis=[]),
    layer("Normalization", x(4, 3), mean=3.0, variance=2.0),
    layer("Normalization", x(4, 3), mean=MEAN, variance=VARIANCE),
    layer("Normalization", x(4, 3), mean=MEAN, variance=VARIANCE, invert=True),
    layer("Normalization", x(4, 3), mean=[1, 2, 3], variance=[1, 0, 3]),
    layer("Normalization", x(2, 5, 3, dynamic=(1,)), mean=0.1, variance=0.3, axis=None),
    layer("Normalization", x(2, 3, 5, 3), mean=MEAN, variance=VARIANCE, axis=(1, -1)),
    layer("Normalization", x(2, 3, 5, 3), mean=[MEAN] * 3, variance=[VARIANCE] * 3, axis=(1, 3)),
    layer("Normalization", x(2, 3, 5, 3), mean=[[v] for v in MEAN], variance=[[v] for v in VARIANCE], axis=(3, 1)),
    *[layer("Normalization", x(4, 3), dtype=policy) for policy in POLICIES],
    *[layer("Normalization", x(4, 3), dtype=policy, mean=MEAN, variance=VARIANCE, invert=True) for policy in POLICIES],
    *[layer("Normalization", whole(4, 3, dtype=dtype)) for dtype in INTEGERS],
    layer("Normalization", whole(4, 3, dtype="uint8"), dtype="float16"),
    layer("Normalization", x(4, 3, dtype="float64"), mean=MEAN, variance=VARIANCE),
    adapted(x(4, 3)),
    adapted(x(4, 3), constant=True),
    adapted(x(4, 3), constant=True, invert=True),
    adapted(x(2, 5, 3), axis=(1, 2)),
    adapted(x(2, 5, 3), axis=None, dtype="mixed_bfloat16"),
    adapted(whole(4, 3, dtype="int32"), axis=-1, dtype="float64"),
    model("Normalization of variance 0", zero_variance, x(4, 3), tolerance=1e-5),
    model("masks through Rescaling and Normalization", masks, x(3, 5, 3, masked=((0, 1), (2, 4)))),
]
