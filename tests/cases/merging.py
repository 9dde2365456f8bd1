"""Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot."""

from __future__ import annotations

from itertools import product
from typing import Any

from .core import POLICIES
from .spec import Case, Tensor, ids, layer, model, x

ELEMENTWISE = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
FIRST, SECOND = x(2, 4, 3, masked=((0, 1), (1, 3), (1, 2))), x(2, 4, 3, masked=((0, 1), (0, 2)))


def _masks(class_name: str, masked: tuple[bool, ...], **options: Any) -> Any:
    """The layer on inputs some of which have masks; an LSTM shows the mask of the result."""

    def build(keras: Any) -> Any:
        inputs = [keras.Input((4, 3)) for _ in masked]
        fed = [keras.layers.Masking()(i) if m else i for i, m in zip(inputs, masked, strict=True)]
        y = getattr(keras.layers, class_name)(**options)(fed)
        return keras.Model(inputs, [y, keras.layers.LSTM(2)(y)])

    return build


def _masked_and_other_rank(class_name: str) -> Any:
    def build(keras: Any) -> Any:
        a, b = keras.Input((4, 3)), keras.Input((3,))
        y = getattr(keras.layers, class_name)()([keras.layers.Masking()(a), b])
        return keras.Model([a, b], [y, keras.layers.LSTM(2)(y)])

    return build


def _mask_of_tokens(keras: Any) -> Any:
    a, b = keras.Input((4,), dtype="int32"), keras.Input((4, 3))
    tokens = keras.layers.Embedding(5, 3, mask_zero=True)(a)
    y = keras.layers.Concatenate()([tokens, b, keras.layers.Masking()(b)])
    return keras.Model([a, b], keras.layers.LSTM(2)(y))


def _different_ranks_later(keras: Any) -> Any:
    a, b = keras.Input(batch_shape=(3, 3, 3)), keras.Input(batch_shape=(3, 3))
    add = keras.layers.Add()
    return keras.Model([a, b], [add([a, a]), add([a, b])])


def _fixed(class_name: str, *shapes: tuple[int, ...]) -> Any:
    def build(keras: Any) -> Any:
        inputs = [keras.Input(batch_shape=shape) for shape in shapes]
        return keras.Model(inputs, getattr(keras.layers, class_name)()(inputs))

    return build


def _one_input(class_name: str) -> Any:
    def build(keras: Any) -> Any:
        inputs = keras.Input((4, 3))
        y = getattr(keras.layers, class_name)()([keras.layers.Masking()(inputs)])
        return keras.Model(inputs, [y, keras.layers.LSTM(2)(y)])

    return build


def _pair(*shapes: tuple[int, ...], **options: Any) -> tuple[Tensor, ...]:
    return tuple(x(*shape, **options) for shape in shapes)


BIAS_LIKE = (
    ((3, 4, 3), (3,)), ((3, 3, 4), (3,)), ((3, 4, 2), (3,)), ((1, 5, 5), (1, 5, 1)), ((1, 5, 4), (1, 5, 1)),
    ((3, 3), (3, 1)), ((1, 2, 3, 4), (1, 1, 3, 1)), ((1, 2, 1, 3), (1, 1, 3, 1)), ((1, 3, 1, 2), (1, 1, 3, 1)),
)  # fmt: skip
"""Keras adds the second as a bias, along the channels, even where broadcasting would lay it otherwise."""

CASES: list[Case] = [
    *[layer(name, _pair((2, 3, 4), (2, 3, 4))) for name in ELEMENTWISE],
    *[layer(name, _pair((2, 4), (2, 4), (2, 4))) for name in ELEMENTWISE if name != "Subtract"],
    *[layer(name, _pair((2, 3, 1), (2, 1, 4))) for name in ELEMENTWISE],
    *[layer(name, _pair((2, 3, 4, 5), (2, 5), (2, 4, 5))) for name in ELEMENTWISE if name != "Subtract"],
    *[layer(name, _pair((2, 3), (2, 5, 3))) for name in ELEMENTWISE],
    *[layer(name, (x(2, 3, 4, dynamic=(1,)), x(2, 3, 4, dynamic=(2,)))) for name in ELEMENTWISE],
    *[layer(name, (x(2, 1, 4, dynamic=(1,)), x(2, 3, 4, dynamic=(1, 2)))) for name in ELEMENTWISE],
    *[layer(name, (x(2, 5, dynamic=(1,)), x(2, 3, 5, dynamic=(1, 2)))) for name in ELEMENTWISE],
    *[layer(name, _pair((2, 3), (2, 3)), dtype=policy) for name in ELEMENTWISE for policy in POLICIES],
    *[layer(name, (ids(2, 3), ids(2, 3, low=-5))) for name in ELEMENTWISE],
    *[layer(name, (ids(2, 3, dtype="uint8"), ids(2, 3, dtype="int8"))) for name in ELEMENTWISE],
    *[layer(name, (ids(2, 3, dtype="int64"), x(2, 3, dtype="float16"))) for name in ELEMENTWISE],
    *[layer("Average", [ids(2, 3, dtype=t)] * 2) for t in ("int8", "uint8", "int16", "uint16", "int64", "uint32")],
    *[
        model(f"{name} of masked {masked}", _masks(name, masked), (FIRST, SECOND))
        for name, masked in product(ELEMENTWISE, ((True, True), (True, False), (False, True)))
    ],
    *[
        model(f"{name} of three, masked {masked}", _masks(name, masked), (FIRST, SECOND, FIRST))
        for name in ("Add", "Multiply", "Maximum")
        for masked in ((True, True, True), (True, False, True), (False, True, True), (True, True, False))
    ],
    *[
        model(f"{name} of one", _one_input(name), FIRST)
        for name in ("Add", "Average", "Multiply", "Maximum", "Concatenate")
    ],
    *[
        model(f"{name} of masked values and another rank", _masked_and_other_rank(name), (FIRST, x(2, 3)))
        for name in ELEMENTWISE
    ],
    model("an Add that was built for one rank", _different_ranks_later, (x(3, 3, 3), x(3, 3))),
    *[
        model(f"{name} of fixed sizes {shapes}", _fixed(name, *shapes), _pair(*shapes))
        for name in ("Add", "Average", "Subtract")
        for shapes in BIAS_LIKE
    ],
    *[layer("Concatenate", _pair((2, 3, 4), (2, 3, 4), (2, 3, 4)), axis=axis) for axis in (0, 1, 2, -1, -2)],
    layer("Concatenate", _pair((2, 3, 4), (2, 5, 4)), axis=1),
    layer("Concatenate", (x(2, 3, 4, dynamic=(1,)), x(2, 5, 4, dynamic=(1,))), axis=-2),
    layer("Concatenate", (x(2, 3, 4, dynamic=(1, 2)), x(2, 3, 2, dynamic=(1,)))),
    layer("Concatenate", (ids(2, 3), x(2, 3))),
    layer("Concatenate", (ids(2, 3), ids(2, 3, dtype="int8"))),
    layer("Concatenate", (x(2, 3, dtype="bool"), x(2, 3, dtype="bool"))),
    *[layer("Concatenate", _pair((2, 3), (2, 4)), dtype=policy) for policy in POLICIES],
    *[
        model(f"Concatenate of masked {masked}, axis {axis}", _masks("Concatenate", masked, axis=axis), (FIRST, SECOND))
        for masked, axis in product(((True, True), (True, False), (False, True), (False, False)), (1, 2, -1))
    ],
    model(
        "Concatenate of tokens and masked floats", _mask_of_tokens, (ids(3, 4, high=5), x(3, 4, 3, masked=((0, 1),)))
    ),
    layer("Dot", _pair((2, 3), (2, 3)), axes=1),
    layer("Dot", _pair((2, 3), (2, 3)), axes=-1, normalize=True),
    layer("Dot", _pair((2, 3, 4), (2, 5, 4)), axes=-1),
    layer("Dot", _pair((2, 3, 4), (2, 5, 3)), axes=(1, 2)),
    layer("Dot", _pair((2, 3, 4), (2, 5, 3)), axes=[-2, -1], normalize=True),
    layer("Dot", _pair((2, 3, 4), (2, 4)), axes=(2, 1)),
    layer("Dot", _pair((2, 4), (2, 3, 4)), axes=(1, 2), normalize=True),
    layer("Dot", _pair((2, 3, 4, 5), (2, 5, 3)), axes=(1, 2)),
    layer("Dot", _pair((2, 3, 4, 5), (2, 4, 6, 2)), axes=(2, 1)),
    layer("Dot", _pair((2, 4), (2, 3, 4, 5)), axes=(1, 2)),
    layer("Dot", _pair((2, 3, 4, 5), (2, 5)), axes=(3, 1)),
    layer("Dot", (x(2, 3, 4, dynamic=(1,)), x(2, 5, 4, dynamic=(1,))), axes=2),
    *[layer("Dot", _pair((2, 3, 4), (2, 5, 4)), axes=2, normalize=True, dtype=policy) for policy in POLICIES],
    layer("Dot", (x(2, 3, values=[[0, 0, 0], [1, 2, 3]]), x(2, 3)), axes=1, normalize=True),
    layer("Dot", (ids(2, 3), ids(2, 3, dtype="int64")), axes=1),
    model("Dot ends the mask", _masks("Dot", (True, True), axes=2), (FIRST, SECOND)),
]
