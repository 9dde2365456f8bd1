"""keras.ops: pixels read at computed coordinates, resampling by computed weights, windows, similarity, losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import Case, Tensor, ids, model, op, x

MOVES = [[1.1, 0.2, -0.7, -0.3, 0.9, 1.2, 0.01, -0.02], [1, 0, 9.5, 0, 1, -7.25, 0, 0], [0.3, 0, -20, 0, 2.5, 11, 0, 0]]
START = [[[0, 0], [0, 7], [5, 0], [5, 7]], [[0, 0], [1, 7], [6, 0], [5, 6]]]
END = [[[0.5, 0], [0, 6], [5, 1], [4, 7]], [[0, 1], [0, 7], [5, 0], [6, 7]]]
moves = x(3, 8, values=MOVES)
turned = x(8, values=MOVES[0], fixed=True)
PLACES = np.random.default_rng(3).uniform(-7, 12, (2, 4, 5))
places = x(2, 4, 5, values=PLACES, fixed=True)
FILLS = ("constant", "nearest", "reflect", "wrap")
LABELS = [[0, 2, 1], [3, 3, 0]]


def picture(*shape: int, **options: Any) -> Tensor:
    return x(*shape, **{"low": 0.0, "high": 1.0, **options})


def after_activations(keras: Any) -> Any:
    """Losses of what an activation gave: Keras computes them from what went into it."""
    target, output = keras.Input((4,)), keras.Input((4,))
    ops, words = keras.ops, keras.Input((), dtype="int32")
    soft, sure = ops.softmax(output * 40), keras.layers.Activation("sigmoid")(output * 40)
    losses = [ops.categorical_crossentropy(target, soft), ops.binary_crossentropy(target, sure)]
    losses += [ops.sparse_categorical_crossentropy(words, soft), ops.categorical_crossentropy(target, soft + 0)]
    return keras.Model([target, output, words], losses)


CASES: list[Case] = [
    *(op("image.affine_transform", picture(3, 6, 8, 2), moves, interpolation=how, fill_mode=fill, fill_value=0.25)
      for how in ("bilinear", "nearest") for fill in FILLS),
    op("image.affine_transform", picture(3, 2, 6, 8), turned, data_format="channels_first"),
    op("image.affine_transform", ids(3, 6, 8, 2, high=255), moves, fill_value=7.9),
    *(op("image.affine_transform", picture(3, 6, 8, 2, dtype=dtype), moves, fill_mode="reflect") for dtype in ("float16", "bfloat16", "float64")),
    op("image.affine_transform", picture(6, 8, 2, fixed=True), turned), op("image.affine_transform", picture(3, 1, 8, 2), moves, fill_mode="wrap"),
    *(op("image.perspective_transform", picture(2, 6, 8, 2), x(2, 4, 2, values=START), x(2, 4, 2, values=END), interpolation=how, fill_value=0.5)
      for how in ("bilinear", "nearest")),
    op("image.perspective_transform", picture(2, 3, 6, 8), np.array(START[0], "float32"), np.array(END[0], "float32"), data_format="channels_first"),
    *(op("image.map_coordinates", x(6, 7, fixed=True), places, order=order, fill_mode=fill, fill_value=0.25)
      for order in (0, 1) for fill in ("constant", "nearest", "wrap")),
    op("image.map_coordinates", x(6, 7, fixed=True), x(2, 4, 5, values=np.abs(PLACES) % 5, fixed=True), order=1, fill_mode="reflect"),
    op("image.map_coordinates", x(6, 7, fixed=True), x(2, 4, 5, values=np.abs(PLACES) % 5, fixed=True), order=1, fill_mode="mirror"),
    op("image.map_coordinates", ids(6, 7, fixed=True), places, order=1), op("image.map_coordinates", x(6, 7, fixed=True), ids(2, 4, high=6, fixed=True), order=0),
    *(op("image.scale_and_translate", picture(2, 6, 8, 3), (2, 9, 5, 3), x(2, values=[1.5, 0.625], fixed=True), x(2, values=[0.25, -0.5], fixed=True), (1, 2), how,
         antialias=antialias) for how in ("linear", "cubic", "lanczos3", "lanczos5") for antialias in (True, False)),
    op("image.scale_and_translate", picture(2, 6, 8, 3, dynamic=(1, 2)), (2, 9, 5, 3), np.float32([1.5, 0.625]), np.float32([0, 2]), (1, 2), "bilinear"),
    op("image.ssim", picture(2, 14, 13, 2), picture(2, 14, 13, 2)), op("image.ssim", picture(2, 3, 9, 8), picture(2, 3, 9, 8), filter_size=5, filter_sigma=1.0,
      k1=0.02, k2=0.05, max_val=2.0, data_format="channels_first"), op("image.ssim", picture(14, 13, 2, fixed=True), picture(14, 13, 2, fixed=True)),
    op("image.extract_patches_3d", picture(2, 5, 6, 8, 2), 2), op("image.extract_patches_3d", picture(2, 5, 6, 8, 2), (2, 3, 2), strides=(1, 2, 2), padding="same"),
    op("image.extract_patches_3d", picture(2, 2, 5, 6, 8), (2, 2, 3), data_format="channels_first"), op("image.extract_patches_3d", picture(5, 6, 8, 2, fixed=True), 2),
    *(op(f, picture(2, 4), picture(2, 4, low=-0.1, high=1.1), from_logits=logits) for f in ("binary_crossentropy", "categorical_crossentropy") for logits in (False, True)),
    op("categorical_crossentropy", picture(2, 3, 4), picture(2, 3, 4), axis=1), op("binary_crossentropy", picture(2, 4, dtype="float16"), picture(2, 4, dtype="float16")),
    op("categorical_crossentropy", picture(2, 4, dtype="float16"), x(2, 4, dtype="float16"), from_logits=True),
    *(op("sparse_categorical_crossentropy", ids(2, 3, values=LABELS), picture(2, 3, 4), from_logits=logits) for logits in (False, True)),
    op("sparse_categorical_crossentropy", ids(2, 1, values=[[3], [0]]), picture(2, 4)),
    model("losses after activations", after_activations, [picture(2, 4), x(2, 4), ids(2, high=4)], tolerance=1e-5),
]  # fmt: skip
