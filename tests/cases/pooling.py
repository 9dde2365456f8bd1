"""Pooling: windows, strides, padding, both layouts, masks, dtypes."""

from __future__ import annotations

from typing import Any

from .spec import ids, layer, model, x


def masked_average(keras: Any) -> Any:
    """An Embedding's mask counts in the average; a sentence of padding alone gives NaN."""
    start = keras.Input((None,), dtype="int32")
    y = keras.layers.Embedding(10, 4, mask_zero=True)(start)
    return keras.Model(start, [keras.layers.GlobalAveragePooling1D()(y), keras.layers.GlobalMaxPooling1D()(y)])


def masked_average_kept(keras: Any) -> Any:
    start = keras.Input((None,), dtype="int32")
    y = keras.layers.Embedding(10, 4, mask_zero=True)(start)
    return keras.Model(start, keras.layers.GlobalAveragePooling1D(keepdims=True, dtype="mixed_float16")(y))


def masked_average_first(keras: Any) -> Any:
    """The mask is given in the call; it belongs to the last axis."""
    start, mask = keras.Input((3, 6)), keras.Input((6,), dtype="bool")
    pool = keras.layers.GlobalAveragePooling1D(data_format="channels_first")
    return keras.Model([start, mask], pool(start, mask=mask))


WINDOWS = [
    layer("MaxPooling1D", x(2, 9, 3)),
    layer("MaxPooling1D", x(2, 9, 3), pool_size=3, strides=2, padding="same"),
    layer("MaxPooling1D", x(2, 9, 3, dynamic=(1,)), pool_size=4, strides=1, padding="same"),
    layer("MaxPooling1D", x(2, 3, 9), pool_size=2, strides=3, data_format="channels_first"),
    layer("MaxPooling2D", x(2, 8, 9, 3)),
    layer("MaxPooling2D", x(2, 8, 9, 3), pool_size=(3, 2), strides=(2, 3), padding="same"),
    layer("MaxPooling2D", x(2, 8, 9, 3, dynamic=(1, 2)), pool_size=3, strides=1, padding="same"),
    layer("MaxPooling2D", x(2, 3, 8, 9), pool_size=(2, 3), data_format="channels_first", padding="same"),
    layer("MaxPooling2D", x(2, 7, 5, 3, low=-9, high=-5), pool_size=4, strides=3, padding="same"),
    layer("MaxPooling2D", x(2, 8, 9, 3, dtype="int32", low=-50, high=50), pool_size=3, strides=2, padding="same"),
    layer("MaxPooling2D", x(1, 1, 1, 1), pool_size=1),
    layer("MaxPooling2D", x(2, 8, 9, 3), pool_size=3, dtype="mixed_float16"),
    layer("MaxPooling3D", x(1, 5, 6, 7, 2), pool_size=(2, 3, 1), strides=2),
    layer("MaxPooling3D", x(1, 5, 6, 7, 2), pool_size=2, strides=(3, 1, 2), padding="same"),
    layer("MaxPooling3D", x(1, 2, 5, 6, 7, dynamic=(2,)), pool_size=2, data_format="channels_first"),
    layer("AveragePooling1D", x(2, 9, 3), pool_size=2),
    layer("AveragePooling1D", x(2, 9, 3), pool_size=4, strides=3, padding="same"),
    layer("AveragePooling1D", x(2, 2, 3, dynamic=(1,)), pool_size=4),
    layer("AveragePooling1D", x(2, 3, 9), pool_size=3, strides=1, padding="same", data_format="channels_first"),
    layer("AveragePooling2D", x(2, 8, 9, 3), pool_size=2),
    layer("AveragePooling2D", x(2, 8, 9, 3), pool_size=(3, 4), strides=(1, 2), padding="same"),
    layer("AveragePooling2D", x(2, 8, 9, 3, dynamic=(1, 2)), pool_size=(4, 1), strides=3, padding="same"),
    layer("AveragePooling2D", x(2, 3, 8, 9), pool_size=2, strides=(1, 2), padding="same", data_format="channels_first"),
    layer("AveragePooling2D", x(2, 8, 9, 3), pool_size=3, dtype="float64", padding="same"),
    layer("AveragePooling2D", x(2, 8, 9, 3), pool_size=3, dtype="float16", padding="same"),
    layer("AveragePooling2D", x(2, 8, 9, 3), pool_size=3, dtype="mixed_bfloat16"),
    layer("AveragePooling3D", x(1, 5, 6, 7, 2), pool_size=(2, 3, 1), strides=2),
    layer("AveragePooling3D", x(1, 5, 6, 7, 2), pool_size=3, strides=(3, 1, 2), padding="same"),
    layer("AveragePooling3D", x(1, 2, 5, 6, 7), pool_size=2, padding="same", data_format="channels_first"),
]

GLOBAL = [
    layer("GlobalMaxPooling1D", x(2, 5, 3)),
    layer("GlobalMaxPooling1D", x(2, 3, 5, dynamic=(2,)), keepdims=True, data_format="channels_first"),
    layer("GlobalMaxPooling1D", x(2, 5, 3, dtype="int32", low=-50, high=50)),
    layer("GlobalMaxPooling2D", x(2, 5, 4, 3, dynamic=(1, 2))),
    layer("GlobalMaxPooling2D", x(2, 3, 5, 4), keepdims=True, data_format="channels_first", dtype="float16"),
    layer("GlobalMaxPooling2D", x(2, 5, 4, 3, dtype="bool")),
    layer("GlobalMaxPooling3D", x(2, 5, 4, 2, 3), keepdims=True),
    layer("GlobalMaxPooling3D", x(2, 3, 5, 4, 2), data_format="channels_first"),
    layer("GlobalAveragePooling1D", x(2, 5, 3)),
    layer("GlobalAveragePooling1D", x(2, 3, 5), keepdims=True, data_format="channels_first"),
    layer("GlobalAveragePooling1D", x(2, 5, 3, dtype="int32", low=-50, high=50)),
    layer("GlobalAveragePooling1D", x(3, 5, 3, masked=((0, 1), (2, 0), (2, 4))), mask=True),
    layer("GlobalAveragePooling1D", x(3, 2, 3, masked=((1, 0), (1, 1)), dynamic=(1,)), mask=True, keepdims=True),
    layer("GlobalAveragePooling2D", x(2, 5, 4, 3), keepdims=True),
    layer("GlobalAveragePooling2D", x(2, 3, 5, 4, dynamic=(2, 3)), data_format="channels_first"),
    layer("GlobalAveragePooling2D", x(1, 60, 70, 2)),
    layer("GlobalAveragePooling2D", x(2, 5, 4, 3), dtype="float64"),
    layer("GlobalAveragePooling2D", x(2, 5, 4, 3), dtype="mixed_bfloat16"),
    layer("GlobalAveragePooling3D", x(2, 5, 4, 2, 3)),
    layer("GlobalAveragePooling3D", x(2, 3, 5, 4, 2), data_format="channels_first", dtype="mixed_float16"),
    model("masked averages", masked_average, ids(3, 6, high=3)),
    model("masked average in float16", masked_average_kept, ids(3, 6, high=3), tolerance=1e-2),
    model("masked average of the last axis", masked_average_first, [x(2, 3, 6), x(2, 6, dtype="bool")]),
]

ADAPTIVE = [
    layer("AdaptiveAveragePooling1D", x(2, 10, 3), output_size=4),
    layer("AdaptiveAveragePooling1D", x(2, 3, 8), output_size=5, data_format="channels_first"),
    layer("AdaptiveAveragePooling1D", x(2, 3, 2), output_size=7),
    layer("AdaptiveAveragePooling2D", x(2, 8, 9, 3), output_size=(4, 3)),
    layer("AdaptiveAveragePooling2D", x(2, 7, 5, 3), output_size=(1, 3), dtype="mixed_float16"),
    layer("AdaptiveAveragePooling2D", x(2, 3, 7, 11), output_size=4, data_format="channels_first", dtype="float64"),
    layer("AdaptiveAveragePooling3D", x(1, 5, 4, 7, 2), output_size=(2, 4, 3)),
    layer("AdaptiveMaxPooling1D", x(2, 10, 3), output_size=3),
    layer("AdaptiveMaxPooling2D", x(2, 8, 9, 3), output_size=(5, 2)),
    layer("AdaptiveMaxPooling2D", x(2, 3, 8, 9), output_size=(8, 3), data_format="channels_first"),
    layer("AdaptiveMaxPooling3D", x(1, 2, 5, 4, 7), output_size=(3, 2, 5), data_format="channels_first"),
]

CASES = [*WINDOWS, *GLOBAL, *ADAPTIVE]
