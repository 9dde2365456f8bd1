"""keras.ops: arithmetic, comparison, logic, bits, and the dtypes they meet in."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .spec import Case, Tensor, ids, model, op, x

DTYPES = ("bool", "uint8", "int8", "int32", "uint32", "int64", "float16", "bfloat16", "float32", "float64")
NUMBERS = (2, 2.5, True)


def small(dtype: str) -> Tensor:
    """An input of small numbers, none of them 0 or negative: what every dtype and every operation takes."""
    return x(2, 3, dtype=dtype, low=1, high=4)


def pairs(function: str, keras: Any, dtypes: tuple[str, ...] = DTYPES) -> Any:
    """Apply a function to every pair of dtypes, and to every dtype and Python number."""
    inputs = [keras.Input((3,), dtype=dtype) for dtype in dtypes]
    call = getattr(keras.ops, function)
    outputs = [call(a, b) for a in inputs for b in inputs]
    if "bfloat16" in dtypes:  # TensorFlow does not convert True to it
        outputs += [
            call(a, number) for a in inputs for number in NUMBERS if a.dtype != "bfloat16" or number is not True
        ]
        outputs += [
            call(number, a) for a in inputs for number in NUMBERS if a.dtype != "bfloat16" or number is not True
        ]
    return keras.Model(inputs, outputs)


def promotion(function: str, dtypes: tuple[str, ...] = DTYPES) -> Case:
    """Every pair of dtypes in one model."""
    build = partial(pairs, function, dtypes=dtypes)
    return model(f"{function} of every pair of dtypes", build, [small(dtype) for dtype in dtypes], tolerance=1e-5)


WHOLE = ("uint8", "int8", "int32", "int64")
NUMERIC = tuple(dtype for dtype in DTYPES if dtype != "bool")
SPECIAL = [[np.nan, np.inf, -np.inf, 0.0], [-0.0, 1.0, -1.0, np.nan]]
OTHER = [[1.0, np.inf, 2.0, 0.0], [0.0, np.nan, -np.inf, np.nan]]
special = x(2, 4, values=SPECIAL)
other = x(2, 4, values=OTHER)


def masks(keras: Any) -> Any:
    """Operations that hand on their very input, with its mask, and operations that make a tensor of their own."""
    ops, words = keras.ops, keras.Input((4,), dtype="int32")
    embedded = keras.layers.Embedding(7, 3, mask_zero=True)(words)
    same = (lambda e: ops.cast(e, "float32"), lambda e: ops.swapaxes(e, 1, 1), ops.real, lambda e: ops.diff(e, 0))
    fresh = (ops.copy, ops.abs, lambda e: ops.cast(ops.cast(e, "float64"), "float32"), lambda e: ops.tile(e, 1))
    pool = keras.layers.GlobalAveragePooling1D
    return keras.Model(words, [pool()(f(embedded)) for f in (*same, *fresh)])


SIGNS = x(2, 4, dtype="int32", values=[[-7, 7, -7, 7], [6, -6, 0, 1]])
DIVISORS = x(2, 4, dtype="int32", values=[[2, -2, -2, 2], [3, 3, 5, -1]])


CASES: list[Case] = [
    *(promotion(f, NUMERIC) for f in ("add", "subtract", "multiply", "maximum", "minimum")),
    *(promotion(f, NUMERIC) for f in ("floor_divide", "mod", "fmod", "power")),
    *(promotion(f) for f in ("divide", "divide_no_nan", "arctan2", "logaddexp", "logaddexp2", "nextafter")
      if f != "nextafter"),
    *(promotion(f) for f in ("equal", "not_equal", "logical_and", "logical_or", "logical_xor", "isclose")),
    *(promotion(f, NUMERIC) for f in ("less", "less_equal", "greater", "greater_equal", "fmax", "fmin")),
    *(promotion(f, WHOLE) for f in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm")),
    *(promotion(f, ("int8", "int32", "int64", "float16", "float32", "float64")) for f in ("hypot", "heaviside")),
    *(op(f, special, other) for f in (
        "add", "subtract", "multiply", "divide", "divide_no_nan", "maximum", "minimum", "fmax", "fmin", "power",
        "arctan2", "logaddexp", "logaddexp2", "hypot", "heaviside", "nextafter", "isclose", "allclose", "equal",
        "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor",
        "floor_divide", "mod",
    )),
    *(op(f, SIGNS, DIVISORS) for f in ("floor_divide", "mod", "fmod", "divide", "gcd", "lcm")),
    op("floor_divide", x(2, 3, values=[[1.0, -1.0, 5.5], [0.3, -0.3, 7.0]]), 0.1),
    op("mod", x(2, 3, values=[[1.0, -1.0, 5.5], [0.3, -0.3, 7.0]]), -0.7),
    op("power", ids(2, 3), x(2, 3, dtype="uint8", low=0, high=4)), op("power", ids(2, 3, high=4), 3),
    op("power", x(2, 3, low=0.1), x(2, 1, low=0.1)), op("power", 2.0, x(2, 3)),
    op("add", x(2, 3, 4), x(2, 1, 4)), op("add", x(2, 3, 4, dynamic=(1,)), x(2, 3, 1, dynamic=(1,))),
    op("add", x(2, 3, 4), np.arange(4.0)),
    op("add", x(2, 3, 4), np.arange(3, dtype="int8")[:, None]), op("add", x(2, 9, 4), np.ones((9, 4), "float32")),
    op("subtract", np.arange(4), x(2, 3, 4, dtype="float16")), op("multiply", x(2, 3, dtype="int32"), 2**40),
    op("multiply", True, x(2, 3)), op("maximum", x(2, 3, dtype="bfloat16"), 0.1), op("minimum", x(2, 3), 0),
    op("divide", 1, ids(2, 3)), op("true_divide", ids(2, 3), 4), op("ldexp", x(2, 3), ids(2, 3)),
    op("isclose", x(2, 3), 0.5, rtol=0.3, atol=0.1), op("isclose", special, special, equal_nan=True),
    op("isclose", ids(2, 3), ids(2, 3)), op("allclose", special, special, equal_nan=True),
    op("allclose", x(2, 3), x(2, 3), rtol=10.0), op("isin", ids(2, 3), [1, 3, 5]), op("isin", ids(2, 3), ids(4)),
    op("isin", x(2, 3), np.array([0.5, 1.0]), invert=True), op("isin", ids(2, 3), 2, assume_unique=True),
    op("left_shift", ids(2, 3), 2), op("left_shift", ids(2, 3), x(2, 3, dtype="int8", low=-1, high=40)),
    op("right_shift", x(2, 3, dtype="int32", low=-90, high=90), 33), op("bitwise_invert", x(2, 3, dtype="int8")),
    op("bitwise_left_shift", ids(2, 3), ids(2, 3)), op("bitwise_right_shift", ids(2, 3), 1), op("bitwise_not", ids(2, 3)),
    op("bitwise_and", ids(2, 3), ids(2, 3)), op("logical_not", x(2, 3, dtype="int8")), op("logical_not", special),
    op("logical_and", x(2, 3), True), op("equal", ids(2, 3), 2.0), op("less", x(2, 3, dtype="bfloat16"), 0.3),
    model("masks through operations", masks, x(2, 4, dtype="int32", values=[[1, 2, 0, 0], [3, 0, 4, 5]])),
    model(
        "a mask, its residual and its norm in operators",
        lambda keras: (lambda a: keras.Model(a, [
            (a > 0.5) & ~(a >= 1.0) | (a <= -1), -a + 2 * a / 3 - a**2 % 0.7, abs(a) // 0.3, 1 - (1 / a)]))(
                keras.Input((4,))),
        x(3, 4),
    ),
]  # fmt: skip
