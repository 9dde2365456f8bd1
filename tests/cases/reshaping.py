"""Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

from typing import Any

from .core import POLICIES
from .spec import Case, ids, layer, model, text, x


def _after_unknown(target: tuple[int, ...]) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input((None, 4))
        y = keras.layers.Reshape(target)(inputs)
        return keras.Model(inputs, [y, keras.layers.Flatten()(y)])

    return build


def _masks_end(keras: Any) -> Any:
    inputs = keras.Input((4, 3))
    y = keras.layers.Masking()(inputs)
    kept = [keras.layers.Permute((2, 1)), keras.layers.Reshape((4, 3)), keras.layers.Reshape((3, 4))]
    return keras.Model(inputs, [keras.layers.LSTM(2)(made(y)) for made in kept])


def _fixed_batch(keras: Any) -> Any:
    inputs = keras.Input(batch_shape=(4, 3, 2))
    return keras.Model(inputs, [keras.layers.Flatten()(inputs), keras.layers.Reshape((-1, 1))(inputs)])


CASES: list[Case] = [
    layer("Flatten", x(3)),
    layer("Flatten", x(3, 4)),
    layer("Flatten", x(3, 4), data_format="channels_first"),
    layer("Flatten", x(2, 3, 4)),
    layer("Flatten", x(2, 3, 4, 5), data_format="channels_first"),
    layer("Flatten", x(2, 3, 4, dynamic=(1,)), data_format="channels_first"),
    layer("Flatten", x(2, 3, 4, 2, dynamic=(1, 3))),
    layer("Flatten", x(2, 3, 1, 2, 2, dynamic=(1, 2, 3, 4)), data_format="channels_first"),
    layer("Flatten", ids(2, 3, 4, dtype="uint8")),
    layer("Flatten", x(2, 3, 4, dtype="bool")),
    layer("Flatten", text("a", "b")),
    *[layer("Flatten", x(2, 3, 4), dtype=policy) for policy in POLICIES],
    layer("Reshape", x(2, 12), target_shape=(3, 4)),
    layer("Reshape", x(2, 12), target_shape=(-1, 2, 2)),
    layer("Reshape", x(2, 3, 4), target_shape=(12,)),
    layer("Reshape", x(2, 3, 4), target_shape=(-1,)),
    layer("Reshape", x(2, 3, 4, dynamic=(1,)), target_shape=(-1,)),
    layer("Reshape", x(2, 3, 4, dynamic=(1,)), target_shape=(-1, 2)),
    layer("Reshape", x(2, 3, 4, dynamic=(1,)), target_shape=(2, -1, 2)),
    layer("Reshape", x(2, 6, 4, dynamic=(1,)), target_shape=(3, -1)),
    layer("Reshape", x(2, 6, 5, dynamic=(1, 2)), target_shape=(3, -1)),
    layer("Reshape", x(2, 3, 4, dynamic=(1,)), target_shape=(2, 6)),
    layer("Reshape", x(2, 1, dynamic=(1,)), target_shape=()),
    layer("Reshape", x(3), target_shape=(1, 1)),
    layer("Reshape", ids(2, 6), target_shape=[2, 3]),
    layer("Reshape", x(2, 6), target_shape=(2, 3), dtype="mixed_bfloat16"),
    model("Flatten after Reshape to (-1, 2)", _after_unknown((-1, 2)), x(2, 3, 4)),
    model("Flatten after Reshape to (3, -1, 2)", _after_unknown((3, -1, 2)), x(2, 3, 4)),
    model("no mask behind a Reshape or Permute", _masks_end, x(2, 4, 3, masked=((0, 1), (1, 3)))),
    model("a fixed batch", _fixed_batch, x(4, 3, 2)),
    layer("Permute", x(2, 3, 4), dims=(2, 1)),
    layer("Permute", x(2, 3, 4, 5, dynamic=(2,)), dims=(3, 1, 2)),
    layer("Permute", x(2, 3), dims=(1,)),
    layer("Permute", ids(2, 3, 4), dims=(2, 1), dtype="float16"),
    layer("RepeatVector", x(2, 3), n=4),
    layer("RepeatVector", x(2, 3, dynamic=(1,)), n=1),
    layer("RepeatVector", ids(2, 3, dtype="int64"), n=2),
    layer("RepeatVector", x(2, 3), n=2, dtype="float64"),
]
