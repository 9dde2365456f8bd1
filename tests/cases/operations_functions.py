"""keras.ops: functions of one tensor, activations, normalisation, encoding, attention, convolution and pooling."""

from __future__ import annotations

import numpy as np

from .spec import Case, Tensor, ids, model, op, x

FUNCTIONS = (
    "absolute", "abs", "fabs", "negative", "sign", "square", "sqrt", "reciprocal", "cbrt", "exp", "exp2", "expm1",
    "log", "log10", "log1p", "log2", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
    "arccosh", "arctanh", "sinc", "ceil", "floor", "trunc", "round", "deg2rad", "rad2deg", "isfinite", "isinf", "isnan",
    "isneginf", "isposinf", "signbit", "nan_to_num", "erf", "erfc", "erfinv", "rsqrt", "i0",
)  # fmt: skip
FLOATS_ONLY = ("erf", "erfc", "erfinv", "rsqrt", "reciprocal")
ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "sigmoid", "log_sigmoid", "hard_sigmoid", "hard_silu",
    "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "softplus", "softsign", "squareplus", "sparse_plus",
    "sparse_sigmoid", "softmax", "log_softmax", "sparsemax", "glu",
)  # fmt: skip
SPECIAL = x(2, 4, values=[[np.nan, np.inf, -np.inf, 0.0], [-0.0, 1.0, -1.0, 0.5]])
WIDE = x(2, 5, low=-9, high=9)
GAMMA, BETA = np.linspace(0.5, 2, 4, dtype="float32"), np.linspace(-1, 1, 4, dtype="float32")
RNG = np.random.default_rng(1)


def kernel(*shape: int) -> np.ndarray:
    return RNG.integers(-4, 5, shape).astype("float32") / 4


def unit(*shape: int, **options: object) -> Tensor:
    return x(*shape, low=0.0, high=1.0, **options)


def relus(keras: object) -> object:
    """Every form of the activation relu, which is an operation of its own."""
    a = keras.Input((5,))  # type: ignore[attr-defined]
    forms = (
        {}, {"negative_slope": 0.2}, {"max_value": 2.0}, {"max_value": 6.0}, {"threshold": 0.5},
        {"negative_slope": 0.2, "max_value": 1.0, "threshold": 0.3}, {"negative_slope": 0.1, "threshold": 1.0},
    )  # fmt: skip
    return keras.Model(a, [keras.activations.relu(a, **form) for form in forms])  # type: ignore[attr-defined]


CASES: list[Case] = [
    *(op(f, SPECIAL) for f in FUNCTIONS), *(op(f, WIDE) for f in FUNCTIONS),
    *(op(f, ids(2, 3)) for f in FUNCTIONS if f not in FLOATS_ONLY),
    *(op(f, unit(2, 5, dtype=dtype)) for f in ("exp", "log", "erfinv", "cbrt", "sinc") for dtype in ("float16", "bfloat16", "float64")),
    *(op(f, x(2, 3, dtype="int64")) for f in ("exp", "sqrt", "floor", "cbrt", "deg2rad", "i0", "sign")),
    *(op(f, x(2, 3, dtype="bool")) for f in ("absolute", "square", "exp", "signbit", "isfinite", "trunc", "sin")),
    op("absolute", x(2, 3, dtype="uint8", low=0)), op("sign", x(2, 3, dtype="uint8", low=0)),
    *(op("round", WIDE, decimals) for decimals in (1, 2, -1)), op("round", x(2, 3, dtype="int32", low=-99, high=99), -1), op("round", ids(2, 3), 2),
    op("clip", WIDE, -1.5, 2.5), op("clip", ids(2, 3), 2, 5), op("clip", WIDE, 2, 1), op("clip", x(2, 3, dtype="bool"), 0, 1),
    op("nan_to_num", SPECIAL, nan=3.0, posinf=7.0), op("nan_to_num", SPECIAL, neginf=-2.0),
    op("view", WIDE), op("cast", WIDE, "int32"), op("cast", WIDE, "float32"), op("cast", ids(2, 3), "bool"), op("cast", WIDE, "bfloat16"),
    op("saturate_cast", x(2, 5, low=-300, high=300), "uint8"), op("saturate_cast", WIDE, "int32"), op("saturate_cast", ids(2, 3), "int8"),
    op("saturate_cast", x(2, 5, dtype="bfloat16", low=-300, high=300), "int8"), op("saturate_cast", SPECIAL, "float16"),
    op("convert_to_tensor", WIDE), op("convert_to_tensor", WIDE, dtype="float16"), op("array", ids(2, 3), "float32"), op("copy", WIDE),
    op("stop_gradient", WIDE),
    *(op(f, tensor) for f in ACTIVATIONS for tensor in (x(2, 3, 6), x(2, 6, low=-9, high=9, dtype="float64"))),
    *(op(f, x(2, 6, dtype=dtype)) for f in ("gelu", "silu", "softmax", "elu", "hard_sigmoid") for dtype in ("float16", "bfloat16")),
    *(op(f, SPECIAL) for f in ("relu", "relu6", "leaky_relu", "elu", "sigmoid", "softplus", "hard_tanh", "hard_shrink")),
    op("leaky_relu", WIDE, 0.3), op("leaky_relu", ids(2, 3)), op("relu", x(2, 3, dtype="int32")), op("elu", WIDE, 0.7), op("celu", WIDE, 0.7),
    op("gelu", WIDE, approximate=False), op("glu", x(2, 4, 3), axis=1), op("hard_shrink", WIDE, 1.0), op("soft_shrink", WIDE, 1.0),
    op("squareplus", WIDE, 2), op("threshold", WIDE, 0.5, -1.5), op("sparsemax", x(2, 4, 3), axis=1),
    *(op(f, x(2, 4, 3, dynamic=(1,)), axis=axis) for f in ("softmax", "log_softmax") for axis in (1, 0, None)),
    model("every relu of keras.activations", relus, WIDE),
    *(op("normalize", x(2, 3, 4), axis=axis, order=order) for axis, order in ((-1, 2), (1, 1), (1, 3), ((1, 2), 2))),
    op("normalize", x(2, 3, 4), epsilon=5.0), op("normalize", x(2, 3, 4), order=1, epsilon=5.0),
    *(op("moments", x(2, 3, 4, dtype=dtype), axes, keepdims=keepdims) for dtype, axes, keepdims in (
        ("float32", [1], False), ("float16", [0, 2], True), ("bfloat16", [1, 2], False))),
    op("one_hot", ids(2, 3), 5), op("one_hot", x(2, 3, dtype="int32", values=[[-1, 5, 0], [2, 4, 1]]), 5, axis=1),
    op("one_hot", ids(2, 3), 8, axis=0, dtype="bool"), op("one_hot", x(2, 3, low=0, high=4), 5, dtype="int32"),
    op("multi_hot", ids(2, 3), 10), op("multi_hot", ids(2, 3, 4), 10, dtype="int32"), op("multi_hot", ids(3), 9, dtype="bool"),
    op("batch_normalization", x(2, 3, 4), BETA, GAMMA, -1, offset=GAMMA, scale=BETA), op("batch_normalization", x(2, 4, 3), BETA, GAMMA, 1, epsilon=0.1),
    op("layer_normalization", x(2, 3, 4), GAMMA, BETA, epsilon=1e-3), op("layer_normalization", x(2, 4, 3), GAMMA, BETA, axis=1),
    op("layer_normalization", x(2, 3, 4, dtype="float16"), axis=(1, 2)), op("layer_normalization", x(2, 4, dynamic=(1,))),
    op("rms_normalization", x(2, 3, 4), GAMMA), op("rms_normalization", x(2, 3, 4, dtype="bfloat16"), axis=1, epsilon=1e-2),
    op("dot_product_attention", x(2, 5, 4, 6), x(2, 7, 4, 6), x(2, 7, 4, 6)),
    op("dot_product_attention", x(2, 5, 4, 6), x(2, 7, 2, 6), x(2, 7, 2, 6), scale=0.3),
    op("dot_product_attention", x(2, 5, 4, 6), x(2, 5, 4, 6, dynamic=(1,)), x(2, 5, 4, 6, dynamic=(1,)), is_causal=True),
    op("dot_product_attention", x(2, 5, 2, 6), x(2, 7, 2, 6), x(2, 7, 2, 6), bias=x(2, 2, 5, 7), mask=x(2, 1, 5, 7, dtype="bool"), is_causal=True),
    op("dot_product_attention", x(2, 5, 2, 6, dtype="float16"), x(2, 7, 2, 6, dtype="float16"), x(2, 7, 2, 6, dtype="float16")),
    op("psnr", x(2, 3), x(2, 3), 2.0),
    *(op(f, x(2, 7, 6, 3), size, strides=strides, padding=padding) for f in ("max_pool", "average_pool")
      for size, strides, padding in ((2, None, "valid"), ((3, 2), 2, "same"), (3, (1, 2), "same"))),
    op("max_pool", x(2, 3, 7), 2, strides=1, data_format="channels_first"), op("average_pool", x(2, 5, 4, 5, 2), 2),
    op("adaptive_average_pool", x(2, 7, 5, 3), (3, 2)), op("adaptive_max_pool", x(2, 3, 7), (4,), data_format="channels_first"),
    op("conv", x(2, 7, 6, 4), kernel(3, 2, 4, 5), strides=2, padding="same"), op("conv", x(2, 7, 4), kernel(3, 4, 6), dilation_rate=2),
    op("conv", x(2, 4, 7, 6), kernel(3, 2, 4, 5), data_format="channels_first"), op("conv", x(2, 7, 6, 4), x(3, 2, 4, 6, fixed=True)),
    op("depthwise_conv", x(2, 7, 6, 4), kernel(3, 2, 4, 2), padding="same"), op("depthwise_conv", x(2, 7, 4), kernel(3, 4, 1), strides=2),
    op("separable_conv", x(2, 7, 6, 4), kernel(3, 2, 4, 2), kernel(1, 1, 8, 3), dilation_rate=2),
    *(op(f, x(2, 4, 6, 8), 2, data_format=layout) for f in ("depth_to_space", "space_to_depth") for layout in ("channels_last", "channels_first")),
    op("unfold", x(2, 2, 5, 7), (2, 3), dilation=2, padding=1, stride=(1, 2)), op("unfold", x(2, 2, 4, 4), 2, stride=2),
    op("fold", x(2, 8, 9), 4, 2), op("fold", x(2, 12, 6), (5, 6), (2, 3), dilation=2, padding=1, stride=(2, 2)),
]  # fmt: skip
