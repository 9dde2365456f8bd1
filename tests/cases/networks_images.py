"""Small networks of the well-known kinds that work on images and coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import model, x


def unet(keras: Any) -> Any:
    """Convolutions down, transposed ones up, and skip connections between, for images of any size."""
    layers = keras.layers

    def double(y: Any, filters: int) -> Any:
        for _ in range(2):
            y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
            y = layers.Activation("relu")(layers.BatchNormalization()(y))
        return y

    start = keras.Input((None, None, 1))
    first = double(start, 4)
    second = double(layers.MaxPooling2D()(first), 6)
    y = layers.Dropout(0.3)(double(layers.MaxPooling2D()(second), 8))
    for skip, filters in ((second, 6), (first, 4)):
        y = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(y)
        y = double(layers.Concatenate()([y, skip]), filters)
    return keras.Model(start, layers.Conv2D(1, 1, activation="sigmoid")(y))


def vision_transformer(keras: Any) -> Any:
    """Patches by a convolution, a class token, position embeddings, pre-norm blocks."""
    layers, ops = keras.layers, keras.ops
    start = keras.Input((12, 12, 3))
    patches = layers.Reshape((9, 8))(layers.Conv2D(8, 4, strides=4)(start))
    zero = ops.zeros_like(patches[:, :1, 0], dtype="int32")
    tokens = layers.Concatenate(axis=1)([layers.Embedding(1, 8, name="class_token")(zero), patches])
    places = ops.cumsum(ops.ones_like(tokens[:, :, 0], dtype="int32"), axis=1) - 1
    y = tokens + layers.Embedding(10, 8, name="positions")(places)
    for _ in range(2):
        z = layers.LayerNormalization(epsilon=1e-6)(y)
        y = layers.Add()([y, layers.MultiHeadAttention(2, 4, dropout=0.1)(z, z)])
        z = layers.Dense(16, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(y))
        y = layers.Add()([y, layers.Dropout(0.1)(layers.Dense(8)(z))])
    return keras.Model(start, layers.Dense(5)(layers.LayerNormalization()(y)[:, 0]))


def mlp_mixer(keras: Any) -> Any:
    """Dense layers over the patches, then over the channels."""
    layers = keras.layers
    start = keras.Input((8, 12, 3))
    y = layers.Reshape((-1, 6))(layers.Conv2D(6, 4, strides=4)(start))
    for _ in range(2):
        z = layers.Permute((2, 1))(layers.LayerNormalization()(y))
        z = layers.Dense(6)(layers.Dense(5, activation="gelu")(z))
        y = layers.Add()([y, layers.Permute((2, 1))(z)])
        z = layers.Dense(10, activation="gelu")(layers.LayerNormalization()(y))
        y = y + layers.Dense(6)(z)
    return keras.Model(start, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(y)))


def squeeze_and_excite(keras: Any) -> Any:
    """A residual block whose channels are weighted by what the whole image holds; frozen statistics."""
    layers = keras.layers
    start = keras.Input((9, None, 6))
    y = layers.BatchNormalization(trainable=False)(layers.Conv2D(6, 3, padding="same")(start))
    weights = layers.GlobalAveragePooling2D(keepdims=True)(y)
    weights = layers.Conv2D(2, 1, activation="silu")(weights)
    weights = layers.Conv2D(6, 1, activation="hard_sigmoid")(weights)
    y = layers.Add()([layers.Multiply()([y, weights]), start])
    return keras.Model(start, layers.GlobalMaxPooling2D()(layers.ReLU(6.0)(y)))


def inception_block(keras: Any) -> Any:
    """Four branches side by side."""
    layers = keras.layers
    start = keras.Input((11, 10, 4))

    def conv(y: Any, filters: int, window: Any) -> Any:
        y = layers.Conv2D(filters, window, padding="same", use_bias=False)(y)
        return layers.Activation("relu")(layers.BatchNormalization(scale=False)(y))

    pooled = layers.AveragePooling2D(3, strides=1, padding="same")(start)
    branches = [
        conv(start, 3, 1),
        conv(conv(start, 3, 1), 4, 5),
        conv(conv(conv(start, 3, 1), 4, (1, 7)), 4, (7, 1)),
        conv(pooled, 2, 1),
    ]
    y = layers.Concatenate(axis=-1)(branches)
    return keras.Model(start, layers.Concatenate()([layers.MaxPooling2D(3, 2)(y), layers.Conv2D(3, 3, 2)(y)]))


def gan(keras: Any) -> Any:
    """The generator of a DCGAN and its discriminator, which has labels as well, as one model."""
    layers = keras.layers
    generator = keras.Sequential(name="generator")
    generator.add(keras.Input((6,)))
    generator.add(layers.Dense(3 * 3 * 8, use_bias=False))
    generator.add(layers.Reshape((3, 3, 8)))
    for filters, strides in ((6, 1), (4, 2)):
        generator.add(layers.Conv2DTranspose(filters, 5, strides=strides, padding="same", use_bias=False))
        generator.add(layers.BatchNormalization(momentum=0.8))
        generator.add(layers.LeakyReLU(negative_slope=0.2))
    generator.add(layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"))

    image = keras.Input((12, 12, 1))
    label = keras.Input((1,), dtype="int32")
    y = layers.GaussianNoise(0.1)(image)
    for filters in (4, 6):
        y = layers.Conv2D(filters, 5, strides=2, padding="same", activation="leaky_relu")(y)
        y = layers.SpatialDropout2D(0.3)(y)
    embedded = layers.Flatten()(layers.Embedding(10, 5)(label))
    y = layers.Dense(1)(layers.Concatenate()([layers.Flatten()(y), embedded]))
    discriminator = keras.Model([image, label], y, name="discriminator")

    noise, wanted = keras.Input((6,), name="noise"), keras.Input((1,), dtype="int32", name="wanted")
    made = generator(noise)
    return keras.Model([noise, wanted], {"image": made, "score": discriminator([made, wanted])})


def autoencoder(keras: Any) -> Any:
    """An encoder and a decoder, each a model, with the code as second output."""
    layers = keras.layers
    encoder = keras.Sequential(
        [
            keras.Input((10, 10, 2)),
            layers.Conv2D(4, 3, strides=2, padding="same", activation="elu"),
            layers.ZeroPadding2D(1),
            layers.Conv2D(4, 3, strides=2, activation="elu"),
            layers.Flatten(),
            layers.Dense(5),
            layers.UnitNormalization(),
        ]
    )
    decoder = keras.Sequential(
        [
            layers.Dense(36, activation="selu"),
            layers.Reshape((3, 3, 4)),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Conv2DTranspose(4, 3, strides=2, activation="relu"),
            layers.Cropping2D(((1, 2), (2, 1))),
            layers.Conv2D(2, 3, padding="same"),
        ]
    )
    start = keras.Input((10, 10, 2))
    code = encoder(start)
    return keras.Model(start, [decoder(code), code])


def variational_autoencoder(keras: Any) -> Any:
    """What runs of a variational autoencoder after training: the mean is decoded, the divergence is an output."""
    layers, ops = keras.layers, keras.ops
    start = keras.Input((7,))
    y = layers.Dense(6, activation="softplus")(start)
    mean, log_variance = layers.Dense(3, name="mean")(y), layers.Dense(3, name="log_variance")(y)
    divergence = -0.5 * ops.sum(1 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=-1)
    decoded = layers.Dense(7, activation="sigmoid")(layers.Dense(6, activation="softplus")(mean))
    return keras.Model(start, {"decoded": decoded, "mean": mean, "divergence": divergence})


def detector(keras: Any) -> Any:
    """The head of a YOLO: boxes from logits, a grid and anchors."""
    layers, ops = keras.layers, keras.ops
    anchors = np.array([[1.5, 2.0], [0.75, 0.5]], "float32")
    start = keras.Input((8, 12, 3))
    y = layers.Conv2D(6, 3, strides=4, padding="same", activation="mish")(start)
    y = layers.Reshape((2, 3, 2, 5 + 4))(layers.Conv2D(2 * (5 + 4), 1)(y))
    rows, columns = np.meshgrid(np.arange(2), np.arange(3), indexing="ij")
    grid = np.stack([columns, rows], -1).astype("float32")[None, :, :, None, :]
    centres = (ops.sigmoid(y[..., :2]) + grid) / np.array([3.0, 2.0], "float32")
    sizes = ops.exp(y[..., 2:4]) * anchors
    corners = ops.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1)
    scores = ops.sigmoid(y[..., 4:5]) * ops.softmax(y[..., 5:], axis=-1)
    boxes = ops.reshape(corners, (-1, 12, 4))
    scores = layers.Reshape((-1, 4))(scores)
    return keras.Model(start, [boxes, ops.max(scores, axis=-1), ops.argmax(scores, axis=-1)])


def siamese(keras: Any) -> Any:
    """Two images through one network; how near they are, in two ways."""
    layers, ops = keras.layers, keras.ops
    tower = keras.Sequential(
        [
            keras.Input((9, 9, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(5, 2),
            layers.GlobalAveragePooling2D(),
        ],
        name="tower",
    )
    a, b = keras.Input((9, 9, 1), name="left"), keras.Input((9, 9, 1), name="right")
    p, q = tower(a), tower(b)
    distance = ops.sqrt(ops.maximum(ops.sum(ops.square(p - q), axis=1, keepdims=True), 1e-7))
    cosine = layers.Dot(axes=1, normalize=True)([p, q])
    verdict = layers.Dense(1, activation="sigmoid")(ops.abs(layers.Subtract()([p, q])))
    return keras.Model([a, b], [distance, cosine, verdict])


def radiance_field(keras: Any) -> Any:
    """A NeRF: sines and cosines of coordinates at several frequencies, and the coordinates again half way."""
    layers, ops = keras.layers, keras.ops

    def encoded(y: Any, count: int) -> Any:
        waves = [function(y * (2.0**k * np.pi)) for k in range(count) for function in (ops.sin, ops.cos)]
        return ops.concatenate([y, *waves], axis=-1)

    place, direction = keras.Input((None, 3), name="place"), keras.Input((None, 3), name="direction")
    position = y = encoded(place, 4)
    for number in range(4):
        y = layers.Dense(8, activation="relu")(y)
        if number == 1:
            y = layers.Concatenate()([y, position])
    density = layers.Dense(1, activation="softplus")(y)
    view = encoded(ops.normalize(direction, axis=-1), 2)
    colour = layers.Dense(3, activation="sigmoid")(layers.Dense(6, activation="relu")(ops.concatenate([y, view], -1)))
    # Seen along the ray, things behind others are hidden by them.
    opacity = 1.0 - ops.exp(-density * 0.1)
    clear = ops.cumprod(ops.concatenate([ops.ones_like(opacity[:, :1]), 1.0 - opacity[:, :-1]], axis=1), axis=1)
    return keras.Model([place, direction], [ops.sum(opacity * clear * colour, axis=1), density])


CASES = [
    model("U-Net", unet, x(2, 12, 16, 1, dynamic=(1, 2))),
    model("vision transformer", vision_transformer, x(2, 12, 12, 3)),
    model("MLP-Mixer", mlp_mixer, x(2, 8, 12, 3)),
    model("squeeze and excite", squeeze_and_excite, x(2, 9, 7, 6, dynamic=(2,))),
    model("inception block", inception_block, x(2, 11, 10, 4)),
    model("DCGAN", gan, [x(2, 6), x(2, 1, dtype="int32", low=0, high=10)]),
    model("autoencoder", autoencoder, x(2, 10, 10, 2)),
    model("variational autoencoder without sampling", variational_autoencoder, x(3, 7)),
    model("YOLO head", detector, x(2, 8, 12, 3)),
    model("siamese network", siamese, [x(2, 9, 9, 1), x(2, 9, 9, 1)]),
    model("NeRF", radiance_field, [x(2, 5, 3, dynamic=(1,)), x(2, 5, 3, dynamic=(1,))]),
]
