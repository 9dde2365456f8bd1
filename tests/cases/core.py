"""Dense, Activation, Embedding, Masking, Identity."""

from __future__ import annotations

from .spec import ids, layer, x

CASES = [
    layer("Dense", x(3, 5), units=4),
    layer("Dense", x(3, 5), units=4, use_bias=False, activation="gelu"),
    layer("Dense", x(2, 7, 5, dynamic=(1,)), units=4, activation="softmax"),
    layer("Dense", x(3, 5), units=4, dtype="float64"),
    layer("Dense", x(3, 5), units=4, dtype="mixed_float16", activation="tanh"),
    layer("Dense", x(3, 5), units=4, dtype="mixed_bfloat16", activation="relu"),
    layer("Dense", x(3, 5), units=4, activation=("keras.layers.LeakyReLU", {"negative_slope": 0.3})),
    layer("Embedding", ids(3, 6), input_dim=10, output_dim=4),
    layer("Embedding", ids(3, 6), input_dim=10, output_dim=4, mask_zero=True),
    layer("Masking", x(3, 4, 2, masked=((0, 1), (2, 0))), mask_value=0.0),
]
