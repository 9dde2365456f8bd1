"""ReLU, LeakyReLU, PReLU, ELU, Softmax."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from .core import POLICIES
from .spec import Case, layer, model, x

VALUES = x(
    2, 8, values=[[0.0, -0.0, 0.5, -0.5, 1.0, 2.5, -3.0, 7.0], [np.inf, -np.inf, np.nan, 1e4, -1e4, 5.9, 6.1, 1.0]]
)
FINITE = x(2, 6, values=[[0.0, -0.0, 0.5, -0.5, 1.0, 2.5], [-3.0, 7.0, 100.0, -100.0, 5.9, 6.1]])


def _masked_softmax(mask_dtype: str, mask_shape: tuple[int, ...], **options: Any) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input((3, 4))
        mask = keras.Input(mask_shape, dtype=mask_dtype)
        y = keras.layers.Softmax(**options)(inputs, mask=mask)
        return keras.Model([inputs, mask], y)

    return build


def _mask(dtype: str, *shape: int) -> Any:
    return x(*shape, dtype=dtype, low=-1 if dtype == "int32" else 0.0, high=3 if dtype == "int32" else 1.0)


def _mask_handed_on(keras: Any) -> Any:
    inputs, mask = keras.Input(batch_shape=(3, 3, 3)), keras.Input(batch_shape=(3, 3), dtype="bool")
    y = keras.layers.Softmax()(inputs, mask=mask)
    return keras.Model([inputs, mask], [y, keras.layers.LSTM(2)(y)])


def _all_masked(keras: Any) -> Any:
    inputs = keras.Input((3, 4))
    mask = keras.ops.less(inputs, -10.0)
    return keras.Model(inputs, keras.layers.Softmax()(inputs, mask=mask))


CASES: list[Case] = [
    *[
        layer("ReLU", VALUES, max_value=limit, negative_slope=slope, threshold=threshold)
        for limit, slope, threshold in product((None, 0.0, 2.0, 6.0), (0.0, 0.25), (0.0, 1.0))
    ],
    *[layer("ReLU", FINITE, max_value=6, negative_slope=0.3, threshold=0.7, dtype=policy) for policy in POLICIES],
    *[layer("ReLU", FINITE, negative_slope=0.3, dtype=policy) for policy in POLICIES],
    layer("ReLU", x(2, 5, dtype="int32", low=-5, high=9)),
    layer("ReLU", x(2, 5, dtype="int32", low=-5, high=9), max_value=6),
    *[layer("LeakyReLU", VALUES, negative_slope=slope) for slope in (0.0, 0.3, 1.0, 2.0)],
    *[layer("LeakyReLU", FINITE, dtype=policy) for policy in POLICIES],
    layer("PReLU", VALUES),
    layer("PReLU", x(2, 3, 4, 5)),
    layer("PReLU", x(2, 3, 4, 5, dynamic=(1, 2)), shared_axes=[1, 2]),
    layer("PReLU", x(2, 3, 4), shared_axes=2),
    layer("PReLU", x(2, 3, 4), shared_axes=[-1]),
    *[layer("PReLU", x(2, 3, 4), shared_axes=[1], dtype=policy) for policy in POLICIES],
    *[layer("ELU", VALUES, alpha=alpha) for alpha in (0.0, 0.5, 1.0, 2.0)],
    *[layer("ELU", FINITE, alpha=0.3, dtype=policy) for policy in POLICIES],
    *[layer("Softmax", x(2, 3, 4, 5), axis=axis) for axis in (-1, 0, 1, 2, -2, [1], [1, 2], [-1, 1], [3, 2, 1], [0, 3])],
    layer("Softmax", x(2, 3, 4, low=-100.0, high=100.0)),
    layer("Softmax", x(2, 3, 4, low=-100.0, high=100.0), axis=[1, 2]),
    layer("Softmax", x(2, 3, 4, dynamic=(1, 2)), axis=(1, 2)),
    *[layer("Softmax", x(2, 3, 4), axis=axis, dtype=policy) for policy in POLICIES for axis in (1, [1, 2])],
    *[
        model(f"Softmax with a mask of {dtype}{shape}", _masked_softmax(dtype, shape), (x(2, 3, 4), _mask(dtype, 2, *shape)))
        for dtype, shape in product(("bool", "float32", "int32"), ((3, 4), (1, 4), (3, 1)))
    ],
    *[
        model(f"masked Softmax, axis {axis}, {dtype}", _masked_softmax("bool", (3, 4), axis=axis, dtype=dtype),
              (x(2, 3, 4), _mask("bool", 2, 3, 4)), tolerance=1e-2 if dtype != "float64" else 1e-5)
        for axis, dtype in product((1, [1, 2]), POLICIES)
    ],
    model("Softmax with a float mask in mixed_float16", _masked_softmax("float32", (3, 4), dtype="mixed_float16"),
          (x(2, 3, 4), _mask("float32", 2, 3, 4)), tolerance=1e-2),
    model("Softmax hands on the mask it was given", _mask_handed_on, (x(3, 3, 3), _mask("bool", 3, 3))),
    model("Softmax where all is masked", _all_masked, x(2, 3, 4)),
]  # fmt: skip
