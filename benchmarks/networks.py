"""The networks that are measured, by name; each a function that builds it with Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Network:
    """A network to measure. shape: of one input row. tokens: below which number integers are drawn; None: floats."""

    title: str
    build: Callable[[], Any]
    shape: tuple[int, ...]
    tokens: int | None = None

    def rows(self, count: int, seed: int = 0) -> np.ndarray:
        """Return random rows to run it on."""
        rng = np.random.default_rng(seed)
        if self.tokens:
            return rng.integers(0, self.tokens, (count, *self.shape)).astype(np.int32)
        return rng.uniform(-1, 1, (count, *self.shape)).astype(np.float32)


def mlp() -> Any:
    """20 numbers, two hidden layers of 64."""
    from keras import Input, Sequential, layers

    return Sequential(
        [Input((20,)), layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(1, "sigmoid")]
    )  # fmt: skip


def cnn() -> Any:
    """Three convolutions with pooling between them, as for CIFAR."""
    from keras import Input, Sequential, layers

    model = Sequential([Input((32, 32, 3))])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)):
        model.add(layer)
    return model


def bilstm() -> Any:
    """A classifier of texts of any length."""
    from keras import Input, Sequential, layers

    return Sequential(
        [Input((None,), dtype="int32"), layers.Embedding(10000, 128), layers.Bidirectional(layers.LSTM(64)),
         layers.Dense(64, "relu"), layers.Dense(1)]
    )  # fmt: skip


def gru() -> Any:
    """Two GRUs, one on the other, over series of 8 numbers."""
    from keras import Input, Sequential, layers

    return Sequential(
        [Input((None, 8)), layers.GRU(64, return_sequences=True), layers.GRU(64), layers.Dense(1)]
    )  # fmt: skip


def unet() -> Any:
    """Four levels, 16 to 128 channels, joined across."""
    import keras
    from keras import layers

    def block(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    x = image = keras.Input((128, 128, 3))
    kept = []
    for filters in (16, 32, 64):
        kept.append(block(x, filters))
        x = layers.MaxPooling2D()(kept[-1])
    x = block(x, 128)
    for filters in (64, 32, 16):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = block(layers.Concatenate()([x, kept.pop()]), filters)
    return keras.Model(image, layers.Conv2D(4, 1)(x))


def _encoder(x: Any, heads: int, width: int, before: bool) -> Any:
    """One layer of a transformer, normalised before (as in ViT) or after (as in BERT) its parts."""
    from keras import layers

    y = layers.LayerNormalization()(x) if before else x
    x = layers.Add()([x, layers.MultiHeadAttention(heads, x.shape[-1] // heads)(y, y)])
    x = x if before else layers.LayerNormalization()(x)
    y = layers.LayerNormalization()(x) if before else x
    y = layers.Dense(x.shape[-1])(layers.Dense(width, "gelu")(y))
    x = layers.Add()([x, y])
    return x if before else layers.LayerNormalization()(x)


def transformer() -> Any:
    """An encoder of 4 layers, width 256, on 128 tokens."""
    import keras
    from keras import layers

    tokens = keras.Input((128,), dtype="int32")
    x = layers.Embedding(8000, 256)(tokens)
    for _ in range(4):
        x = _encoder(x, heads=4, width=1024, before=False)
    return keras.Model(tokens, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


def vit() -> Any:
    """A small vision transformer: patches of 16, 6 layers, width 192."""
    import keras
    from keras import layers

    image = keras.Input((224, 224, 3))
    x = layers.Reshape((196, 192))(layers.Conv2D(192, 16, strides=16)(image))
    for _ in range(6):
        x = _encoder(x, heads=3, width=768, before=True)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(image, layers.Dense(1000)(x))


def application(name: str, **options: Any) -> Callable[[], Any]:
    """Return what builds a network of keras.applications, without the softmax, which would hide differences."""

    def build() -> Any:
        import keras

        return getattr(keras.applications, name)(weights=None, classifier_activation=None, **options)

    return build


IMAGE = (224, 224, 3)
NETWORKS = {
    "mlp": Network("MLP 20-64-64-1", mlp, (20,)),
    "cnn": Network("CNN 32x32x3", cnn, (32, 32, 3)),
    "bilstm": Network("BiLSTM 64, 200 steps", bilstm, (200,), 10000),
    "gru": Network("GRU 64 twice, 200 steps", gru, (200, 8)),
    "mobilenetv2": Network("MobileNetV2", application("MobileNetV2"), IMAGE),
    "resnet50": Network("ResNet50", application("ResNet50"), IMAGE),
    "vgg16": Network("VGG16", application("VGG16"), IMAGE),
    "vgg16features": Network(
        "VGG16 without dense layers", application("VGG16", include_top=False, pooling="avg"), IMAGE
    ),
    "efficientnetb0": Network("EfficientNetB0", application("EfficientNetB0"), IMAGE),
    "densenet121": Network("DenseNet121", application("DenseNet121"), IMAGE),
    "transformer": Network("Transformer, 4 layers, 128 tokens", transformer, (128,), 8000),
    "unet": Network("U-Net 128x128", unet, (128, 128, 3)),
    "vit": Network("ViT, 6 layers, 196 patches", vit, IMAGE),
    "convnexttiny": Network("ConvNeXtTiny", application("ConvNeXtTiny"), IMAGE),
    "xception": Network("Xception 299", application("Xception"), (299, 299, 3)),
    "inceptionv3": Network("InceptionV3 299", application("InceptionV3"), (299, 299, 3)),
    "nasnetmobile": Network("NASNetMobile", application("NASNetMobile"), IMAGE),
}
