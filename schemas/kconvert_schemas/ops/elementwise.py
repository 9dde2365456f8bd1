"""Arithmetic, comparison and logic, element by element."""

from __future__ import annotations

import numpy as np

from ..dtypes import COMPLEXES, DTYPES, FLOATS, INTEGERS, NUMERIC
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, binary, broadcast, one_dtype, unary

REAL = INTEGERS + FLOATS
INEXACT = FLOATS + COMPLEXES
BOOL = ("bool",)
BYTES = {dtype: 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize for dtype in REAL}


def _where(types: Inputs, attrs: Attrs) -> TensorType:
    if types.condition.dtype != "bool":
        raise OpError(f"condition must be bool, got {types.condition.dtype}")
    dtype = one_dtype([types.x, types.y])
    return TensorType(broadcast([types.condition.shape, types.x.shape, types.y.shape]), dtype)


def _cast(types: Inputs, attrs: Attrs) -> TensorType:
    return TensorType(types.x.shape, attrs["dtype"])


def _view(types: Inputs, attrs: Attrs) -> TensorType:
    source, target = one_dtype([types.x], REAL), attrs["dtype"]
    if source != attrs["source"]:
        raise OpError(f"its source is {attrs['source']}, its input {types.x}")
    if target not in REAL:
        raise OpError(f"gives whole numbers or floats, not {target}")
    old, new = BYTES[source], BYTES[target]
    if old == new:
        return TensorType(types.x.shape, target)
    if not types.x.shape:
        raise OpError(f"a single {source} is no {target}: it has another size")
    *rest, size = types.x.shape
    if size is not None and size * old % new:
        raise OpError(f"{size} {source} are no whole number of {target}")
    return TensorType((*rest, None if size is None else size * old // new), target)


OPS = (
    unary("negative", "-x"),
    unary("abs", "|x|", REAL),
    unary("sign", "-1, 0 or 1", REAL, smooth=False),
    unary("exp", "e to the power x", INEXACT),
    unary("expm1", "exp(x) - 1, exact near 0", FLOATS),
    unary("log", "natural logarithm", INEXACT),
    unary("log1p", "log(1 + x), exact near 0", FLOATS),
    unary("sqrt", "square root", INEXACT),
    unary("sin", "sine", INEXACT),
    unary("cos", "cosine", INEXACT),
    unary("tan", "tangent", INEXACT),
    unary("arcsin", "inverse sine", FLOATS),
    unary("arccos", "inverse cosine", FLOATS),
    unary("arctan", "inverse tangent", FLOATS),
    unary("sinh", "hyperbolic sine", FLOATS),
    unary("cosh", "hyperbolic cosine", FLOATS),
    unary("tanh", "hyperbolic tangent", INEXACT),
    unary("arcsinh", "inverse hyperbolic sine", FLOATS),
    unary("arccosh", "inverse hyperbolic cosine", FLOATS),
    unary("arctanh", "inverse hyperbolic tangent", FLOATS),
    unary("erf", "error function", FLOATS),
    unary("erfc", "1 - erf(x), exact for large x", FLOATS),
    unary("erfinv", "inverse of erf; infinite at -1 and 1, NaN outside", FLOATS),
    unary("i0", "modified Bessel function of the first kind, order 0", FLOATS),
    unary("floor", "largest whole number not above x", REAL, smooth=False),
    unary("ceil", "smallest whole number not below x", REAL, smooth=False),
    unary("round", "nearest whole number, ties to even", REAL, smooth=False),
    unary("isfinite", "x is neither infinite nor NaN", REAL, "bool", smooth=False),
    unary("isinf", "x is infinite", REAL, "bool", smooth=False),
    unary("isnan", "x is NaN", REAL, "bool", smooth=False),
    unary("logical_not", "not x", BOOL, smooth=False),
    binary("add", "x + y", NUMERIC),
    binary("subtract", "x - y", NUMERIC),
    binary("multiply", "x y", NUMERIC),
    binary("divide", "x / y; IEEE infinities and NaN for y = 0", INEXACT),
    binary("floor_divide", "floor(x / y); whole numbers by 0 are an error", REAL, smooth=False),
    binary("mod", "what floor division leaves, with the sign of y; whole numbers by 0 are an error", REAL),
    binary("power", "x to the power y; whole numbers to negative whole powers are an error", NUMERIC),
    binary("gcd", "greatest common divisor, not negative; 0 for two zeros", INTEGERS, smooth=False),
    binary("maximum", "the larger; NaN if one is NaN", REAL + BOOL),
    binary("minimum", "the smaller; NaN if one is NaN", REAL + BOOL),
    binary("arctan2", "angle of the point (y, x)", FLOATS),
    binary("equal", "x = y", DTYPES, "bool", smooth=False),
    binary("not_equal", "x differs from y", DTYPES, "bool", smooth=False),
    binary("less", "x < y", REAL + BOOL, "bool", smooth=False),
    binary("less_equal", "x <= y", REAL + BOOL, "bool", smooth=False),
    binary("greater", "x > y", REAL + BOOL, "bool", smooth=False),
    binary("greater_equal", "x >= y", REAL + BOOL, "bool", smooth=False),
    binary("logical_and", "x and y", BOOL, smooth=False),
    binary("logical_or", "x or y", BOOL, smooth=False),
    binary("logical_xor", "either x or y", BOOL, smooth=False),
    unary("bitwise_not", "every bit flipped", INTEGERS, smooth=False),
    binary("bitwise_and", "bits that both have", INTEGERS, smooth=False),
    binary("bitwise_or", "bits that one has", INTEGERS, smooth=False),
    binary("bitwise_xor", "bits that only one has", INTEGERS, smooth=False),
    binary("left_shift", "x by y bits to the left, y cut to 0 and the bits of x less 1", INTEGERS, smooth=False),
    binary("right_shift", "x by y bits to the right, keeping its sign, y cut likewise", INTEGERS, smooth=False),
    OpSpec("where", ("condition", "x", "y"), _where, "x where condition holds, else y",
           outputs=("z",), differentiable=("x", "y")),
    OpSpec("cast", ("x",), _cast, "x in another dtype; floats to integers cut towards zero",
           {"dtype": Attr("dtype")}, differentiable=("x",)),
    OpSpec("view", ("x",), _view, "the little-endian bytes of x read as another dtype; the last axis grows or shrinks",
           {"source": Attr("dtype", doc="the dtype of x"), "dtype": Attr("dtype")}),
)  # fmt: skip
