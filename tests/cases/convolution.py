"""Convolutions: every option, odd sizes, unknown sizes, both layouts, every dtype policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .spec import Case, Tensor, layer, model, x


def first(class_name: str, inputs: Tensor, **options: Any) -> Case:
    """A channels_first layer that TensorFlow cannot run on a CPU; its twin does the same with channels last."""

    def twin(keras: Any) -> Any:
        rank = len(inputs.shape) - 2
        start = keras.Input(inputs.keras_shape)
        y = keras.layers.Permute((*range(2, rank + 2), 1))(start)
        y = getattr(keras.layers, class_name)(**options)(y)
        return keras.Model(start, keras.layers.Permute((rank + 1, *range(1, rank + 1)))(y))

    return replace(layer(class_name, inputs, data_format="channels_first", **options), twin=twin)


def shared_conv(keras: Any) -> Any:
    """One layer on inputs of two sizes."""
    layers = keras.layers
    start = keras.Input((None, None, 3))
    conv = layers.Conv2D(3, 3, padding="same", strides=2, activation="relu")
    return keras.Model(start, conv(conv(start)))


def masked_conv(keras: Any) -> Any:
    """A convolution loses the mask: the LSTM after it sees every step."""
    layers = keras.layers
    start = keras.Input((None, 3))
    y = layers.Conv1D(4, 3, padding="causal")(layers.Masking()(start))
    return keras.Model(start, layers.Dense(2)(y))


def residual(keras: Any) -> Any:
    """Convolutions, pooling and normalisation as in a small residual network."""
    layers = keras.layers
    start = keras.Input((17, 15, 3))
    y = layers.ZeroPadding2D(((1, 2), (0, 1)))(start)
    y = layers.Conv2D(6, 5, strides=2, activation="relu")(y)
    y = z = layers.MaxPooling2D(3, strides=2, padding="same")(y)
    y = layers.SeparableConv2D(6, 3, padding="same")(layers.BatchNormalization()(y))
    y = layers.Add()([layers.DepthwiseConv2D(3, padding="same", activation="silu")(y), z])
    y = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(layers.UpSampling2D(2)(y))
    return keras.Model(start, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(y)))


CONV1D = [
    layer("Conv1D", x(2, 9, 3), filters=4, kernel_size=3),
    layer("Conv1D", x(2, 9, 3), filters=4, kernel_size=4, strides=3, padding="same"),
    layer("Conv1D", x(2, 10, 3), filters=4, kernel_size=2, strides=4, padding="same", use_bias=False),
    layer("Conv1D", x(2, 9, 3), filters=4, kernel_size=3, padding="causal", activation="relu"),
    layer("Conv1D", x(2, 9, 3), filters=4, kernel_size=3, padding="causal", strides=2),
    layer("Conv1D", x(2, 9, 3, dynamic=(1,)), filters=4, kernel_size=2, padding="causal", dilation_rate=3),
    layer("Conv1D", x(2, 9, 4), filters=6, kernel_size=3, groups=2, padding="causal", dilation_rate=2),
    layer("Conv1D", x(2, 9, 3, dynamic=(1,)), filters=4, kernel_size=3, padding="same", dilation_rate=2),
    layer("Conv1D", x(2, 9, 3), filters=4, kernel_size=1, strides=2),
    layer("Conv1D", x(2, 9, 4), filters=4, kernel_size=3, groups=4),
    layer("Conv1D", x(1, 1, 1), filters=1, kernel_size=1),
    layer("Conv1D", x(2, 9, 3), filters=4, kernel_size=3, dtype="float64", activation="softmax"),
    layer("Conv1D", x(2, 9, 3), filters=4, kernel_size=3, dtype="mixed_float16", padding="causal"),
    first("Conv1D", x(2, 3, 9), filters=4, kernel_size=3, strides=2, padding="same", activation="tanh"),
    first("Conv1D", x(2, 3, 9, dynamic=(2,)), filters=4, kernel_size=3, padding="causal", dilation_rate=2),
    layer("Conv1D", x(2, 4, 9), filters=6, kernel_size=3, groups=2, data_format="channels_first"),
]

CONV2D = [
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, padding="same"),
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=(3, 2), strides=(2, 3), activation="relu"),
    layer("Conv2D", x(2, 7, 10, 3), filters=4, kernel_size=(4, 3), strides=(3, 2), padding="same"),
    layer("Conv2D", x(2, 7, 8, 3), filters=5, kernel_size=2, strides=4, padding="same", use_bias=False),
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, dilation_rate=(2, 3), activation="gelu"),
    layer("Conv2D", x(2, 8, 9, 3, dynamic=(1, 2)), filters=4, kernel_size=(2, 3), dilation_rate=(3, 1), padding="same"),
    layer("Conv2D", x(2, 8, 9, 3, dynamic=(2,)), filters=4, kernel_size=3, strides=2, padding="same"),
    layer("Conv2D", x(2, 8, 9, 6), filters=4, kernel_size=1, activation="softmax"),
    layer("Conv2D", x(2, 8, 9, 6), filters=4, kernel_size=1, strides=(2, 3), padding="same"),
    layer("Conv2D", x(2, 8, 9, 6), filters=4, kernel_size=(1, 5), padding="same"),
    layer("Conv2D", x(2, 8, 9, 6), filters=4, kernel_size=1, groups=2),
    layer("Conv2D", x(2, 8, 9, 6), filters=9, kernel_size=3, groups=3, strides=2, padding="same"),
    layer("Conv2D", x(2, 8, 9, 4), filters=8, kernel_size=(2, 3), groups=4, dilation_rate=2),
    layer("Conv2D", x(2, 8, 9, 4), filters=4, kernel_size=3, groups=4, strides=(2, 1), padding="same"),
    layer("Conv2D", x(1, 3, 3, 1), filters=1, kernel_size=3),
    layer("Conv2D", x(1, 1, 1, 2), filters=3, kernel_size=4, padding="same"),
    layer("Conv2D", x(1, 40, 50, 2), filters=3, kernel_size=7, strides=2, padding="same"),
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, activation=("keras.layers.ELU", {"alpha": 0.4})),
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, dtype="float64"),
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, dtype="float16", padding="same"),
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, dtype="bfloat16", strides=2),
    layer("Conv2D", x(2, 8, 9, 4), filters=4, kernel_size=3, dtype="mixed_float16", groups=2, activation="relu"),
    layer("Conv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, dtype="mixed_bfloat16", activation="tanh"),
    first("Conv2D", x(2, 3, 8, 9), filters=4, kernel_size=3, activation="relu"),
    first("Conv2D", x(2, 3, 8, 9, dynamic=(2, 3)), filters=4, kernel_size=(2, 3), strides=(2, 3), padding="same"),
    first("Conv2D", x(2, 3, 8, 9), filters=4, kernel_size=2, dilation_rate=3, padding="same", use_bias=False),
    first("Conv2D", x(2, 3, 8, 9), filters=4, kernel_size=1),
    layer("Conv2D", x(2, 4, 8, 9), filters=6, kernel_size=3, groups=2, padding="same", data_format="channels_first"),
    layer("Conv2D", x(2, 4, 8, 9), filters=8, kernel_size=(2, 3), groups=4, strides=2, data_format="channels_first"),
]

CONV3D = [
    layer("Conv3D", x(2, 5, 6, 7, 2), filters=3, kernel_size=(2, 3, 1)),
    layer("Conv3D", x(2, 5, 6, 7, 2), filters=3, kernel_size=3, strides=(2, 1, 3), padding="same", activation="relu"),
    layer("Conv3D", x(1, 5, 6, 7, 2, dynamic=(1, 3)), filters=3, kernel_size=2, strides=2, padding="same"),
    layer("Conv3D", x(1, 5, 6, 7, 2), filters=3, kernel_size=2, dilation_rate=(2, 1, 3), padding="same"),
    layer("Conv3D", x(1, 5, 6, 7, 2), filters=3, kernel_size=1, use_bias=False),
    layer("Conv3D", x(1, 5, 6, 7, 4), filters=4, kernel_size=2, groups=2),
    layer("Conv3D", x(1, 5, 6, 7, 3), filters=6, kernel_size=2, groups=3, padding="same"),
    layer("Conv3D", x(1, 4, 6, 9, 2), filters=3, kernel_size=2, strides=4, padding="same"),
    layer("Conv3D", x(1, 5, 6, 7, 2), filters=3, kernel_size=2, strides=2, padding="same", dtype="float64"),
    layer("Conv3D", x(1, 5, 6, 7, 2), filters=3, kernel_size=2, dtype="mixed_bfloat16"),
    layer("Conv3D", x(1, 2, 5, 6, 7), filters=3, kernel_size=2, padding="same", data_format="channels_first"),
    layer("Conv3D", x(1, 2, 5, 6, 7), filters=4, kernel_size=3, strides=2, groups=2, data_format="channels_first"),
]

TRANSPOSED = [
    layer("Conv1DTranspose", x(2, 6, 3), filters=4, kernel_size=3),
    layer("Conv1DTranspose", x(2, 6, 3), filters=4, kernel_size=2, strides=3),
    layer("Conv1DTranspose", x(2, 6, 3), filters=4, kernel_size=5, strides=2, padding="same", activation="relu"),
    layer("Conv1DTranspose", x(2, 6, 3, dynamic=(1,)), filters=4, kernel_size=2, strides=3, padding="same"),
    layer("Conv1DTranspose", x(2, 6, 3), filters=4, kernel_size=3, strides=3, padding="same", output_padding=1),
    layer("Conv1DTranspose", x(2, 6, 3), filters=4, kernel_size=4, strides=3, output_padding=2, use_bias=False),
    layer("Conv1DTranspose", x(2, 6, 3), filters=4, kernel_size=3, dilation_rate=2),
    first("Conv1DTranspose", x(2, 3, 6), filters=4, kernel_size=4, strides=2, padding="same"),
    layer("Conv2DTranspose", x(2, 4, 5, 3), filters=2, kernel_size=3, strides=2, padding="same"),
    layer("Conv2DTranspose", x(2, 4, 5, 3), filters=2, kernel_size=(2, 4), strides=(3, 1), activation="tanh"),
    layer(
        "Conv2DTranspose", x(2, 4, 5, 3, dynamic=(1,)), filters=2, kernel_size=(4, 1), strides=(2, 3), padding="same"
    ),
    layer("Conv2DTranspose", x(2, 4, 5, 3), filters=2, kernel_size=(3, 2), strides=(2, 3), output_padding=(1, 2)),
    layer("Conv2DTranspose", x(2, 4, 5, 3), filters=2, kernel_size=3, strides=3, output_padding=(1, 2), padding="same"),
    layer("Conv2DTranspose", x(2, 4, 5, 3), filters=2, kernel_size=(3, 2), dilation_rate=(2, 3), padding="same"),
    layer("Conv2DTranspose", x(1, 1, 1, 1), filters=1, kernel_size=1, use_bias=False),
    layer("Conv2DTranspose", x(2, 4, 5, 3), filters=2, kernel_size=3, strides=2, dtype="float64"),
    layer("Conv2DTranspose", x(2, 4, 5, 3), filters=2, kernel_size=3, strides=2, dtype="mixed_float16", padding="same"),
    first("Conv2DTranspose", x(2, 3, 4, 5), filters=2, kernel_size=3, strides=(2, 3), activation="relu"),
    first("Conv2DTranspose", x(2, 3, 4, 5, dynamic=(3,)), filters=2, kernel_size=(1, 2), strides=2, padding="same"),
    layer("Conv3DTranspose", x(1, 3, 4, 2, 3), filters=2, kernel_size=(2, 3, 1), strides=(1, 2, 3)),
    layer("Conv3DTranspose", x(1, 3, 4, 2, 3), filters=2, kernel_size=3, strides=2, padding="same", activation="relu"),
    layer("Conv3DTranspose", x(1, 3, 4, 2, 3), filters=2, kernel_size=2, strides=3, padding="same", output_padding=1),
    first("Conv3DTranspose", x(1, 3, 3, 4, 2), filters=2, kernel_size=2, strides=2, padding="same"),
]

DEPTHWISE = [
    layer("DepthwiseConv1D", x(2, 9, 3), kernel_size=3),
    layer("DepthwiseConv1D", x(2, 9, 3, dynamic=(1,)), kernel_size=4, strides=3, padding="same", depth_multiplier=2),
    layer("DepthwiseConv1D", x(2, 9, 3), kernel_size=2, dilation_rate=3, padding="same", activation="relu"),
    layer("DepthwiseConv1D", x(2, 3, 9), kernel_size=3, strides=2, data_format="channels_first"),
    layer("DepthwiseConv2D", x(2, 8, 9, 3), kernel_size=3, padding="same", activation="relu6"),
    layer("DepthwiseConv2D", x(2, 8, 9, 3), kernel_size=(2, 4), strides=2, padding="same", use_bias=False),
    layer("DepthwiseConv2D", x(2, 8, 9, 3, dynamic=(1, 2)), kernel_size=3, strides=2, depth_multiplier=3),
    layer("DepthwiseConv2D", x(2, 8, 9, 3), kernel_size=3, dilation_rate=(2, 1), depth_multiplier=2, padding="same"),
    layer("DepthwiseConv2D", x(2, 8, 9, 3), kernel_size=3, strides=2, dilation_rate=2, padding="same"),
    layer("DepthwiseConv2D", x(2, 8, 9, 1), kernel_size=3, depth_multiplier=4),
    layer("DepthwiseConv2D", x(2, 3, 8, 9), kernel_size=3, strides=2, depth_multiplier=2, data_format="channels_first"),
    layer("DepthwiseConv2D", x(1, 40, 33, 20), kernel_size=3, padding="same"),
    layer("DepthwiseConv2D", x(2, 8, 9, 3), kernel_size=3, dtype="float64"),
    layer("DepthwiseConv2D", x(2, 8, 9, 3), kernel_size=3, dtype="mixed_float16", depth_multiplier=2),
    layer("DepthwiseConv2D", x(2, 8, 9, 3), kernel_size=3, dtype="bfloat16", padding="same"),
]

SEPARABLE = [
    layer("SeparableConv1D", x(2, 9, 3), filters=4, kernel_size=3, activation="relu"),
    layer("SeparableConv1D", x(2, 9, 3), filters=4, kernel_size=2, strides=2, padding="same", depth_multiplier=3),
    layer("SeparableConv1D", x(2, 3, 9), filters=4, kernel_size=3, dilation_rate=2, data_format="channels_first"),
    layer("SeparableConv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, padding="same", depth_multiplier=2),
    layer("SeparableConv2D", x(2, 8, 9, 3, dynamic=(1,)), filters=4, kernel_size=(3, 2), strides=2, use_bias=False),
    layer("SeparableConv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, dilation_rate=(1, 2), activation="selu"),
    layer("SeparableConv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, strides=2, dilation_rate=2, padding="same"),
    layer("SeparableConv2D", x(2, 3, 8, 9), filters=4, kernel_size=2, padding="same", data_format="channels_first"),
    layer("SeparableConv2D", x(2, 8, 9, 3), filters=4, kernel_size=3, dtype="mixed_bfloat16"),
]

CASES = [
    *CONV1D,
    *CONV2D,
    *CONV3D,
    *TRANSPOSED,
    *DEPTHWISE,
    *SEPARABLE,
    model("one convolution at two sizes", shared_conv, x(2, 9, 12, 3)),
    model("a convolution drops the mask", masked_conv, x(3, 6, 3, masked=((0, 0), (1, 2)))),
    model("small residual network", residual, x(2, 17, 15, 3)),
]
