"""Functions of one tensor, element by element (keras/src/ops/numpy.py and math.py)."""

from __future__ import annotations

import math
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from .operands import Lower, documented, dtype_setting, given, join, number_like, register_table, sizes, tensor

MOST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38,
        "float64": 1.7976931348623157e308}  # fmt: skip
"""The largest finite number of each dtype."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register the functions of one tensor."""
    register_table(register, ("x",), FUNCTIONS)


def _in_floats(op: str) -> Lower:
    """Whole numbers and bools become float32, other dtypes stay."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        return emit.op(op, floats(call, emit))

    return documented(lower, f"The op `{op}`, in floats.")


def floats(call: LayerCall, emit: Emitter) -> Symbol:
    """Return the argument x; whole numbers and bools as float32."""
    x = given(call, emit)
    return emit.cast(x, join(x.dtype, "float"))


def exponent(call: LayerCall, emit: Emitter) -> Symbol:
    """Return the argument x as exponentials take it: whole numbers and bools as float32, complex128 as it is."""
    x = given(call, emit)
    return x if x.dtype == "complex128" else emit.cast(x, join(x.dtype, "float"))


def _as_is(op: str) -> Lower:
    return documented(lambda call, emit: emit.op(op, given(call, emit)), f"The op `{op}`.")


def absolute(call: LayerCall, emit: Emitter) -> Symbol:
    """|x|; unsigned integers and bools are handed on."""
    x = given(call, emit)
    if x.dtype.startswith("complex"):
        return length(emit, emit.op("real", x), emit.op("imag", x))
    return x if x.dtype.startswith("uint") or x.dtype == "bool" else emit.op("abs", x)


def length(emit: Emitter, x1: Symbol, x2: Symbol) -> Symbol:
    """Return sqrt(x1^2 + x2^2), without overflow."""
    x1, x2 = emit.op("abs", x1), emit.op("abs", x2)
    large, small = emit.op("maximum", x1, x2), emit.op("minimum", x1, x2)
    zero, one = number_like(emit, 0, large), number_like(emit, 1, large)
    ratio = emit.op("where", emit.op("equal", large, zero), zero, emit.op("divide", small, large))
    return emit.op("multiply", large, emit.op("sqrt", emit.op("add", one, emit.op("multiply", ratio, ratio))))


def square(call: LayerCall, emit: Emitter) -> Symbol:
    """x^2; bools count as int32."""
    x = given(call, emit)
    x = emit.cast(x, "int32") if x.dtype == "bool" else x
    return emit.op("multiply", x, x)


def reciprocal(call: LayerCall, emit: Emitter) -> Symbol:
    """1 / x."""
    x = given(call, emit)
    return emit.op("divide", number_like(emit, 1, x), x)


def rsqrt(call: LayerCall, emit: Emitter) -> Symbol:
    """1 / sqrt(x)."""
    root: Symbol = emit.op("sqrt", given(call, emit))
    return emit.op("divide", number_like(emit, 1, root), root)


def cbrt(call: LayerCall, emit: Emitter) -> Symbol:
    """sign(x) |x|^(1/3)."""
    x = given(call, emit)
    kept = x.dtype in ("bfloat16", "float16", "float64")
    x = emit.cast(x, x.dtype if kept else "float64" if x.dtype == "int64" else "float32")
    root = emit.op("power", emit.op("abs", x), number_like(emit, 1 / 3, x))
    return emit.op("multiply", emit.op("sign", x), root)


def exp2(call: LayerCall, emit: Emitter) -> Symbol:
    """2 to the power x."""
    x = exponent(call, emit)
    return emit.op("power", number_like(emit, 2, x), x)


def _log(base: int) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = floats(call, emit)
        return emit.op("divide", emit.op("log", x), emit.op("log", number_like(emit, base, x)))

    return documented(lower, f"The logarithm to the base {base}, as log(x) / log({base}).")


def _scaled(degrees: bool) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        whole = {"int64": "float64"}.get(x.dtype, "float32")
        x = emit.cast(x, whole if "int" in x.dtype or x.dtype == "bool" else x.dtype)
        turn, pi = number_like(emit, 180, x), number_like(emit, math.pi, x)
        return emit.op("multiply", x, emit.op("divide", turn, pi) if degrees else emit.op("divide", pi, turn))

    return documented(lower, "Radians to degrees." if degrees else "Degrees to radians.")


def sinc(call: LayerCall, emit: Emitter) -> Symbol:
    """sin(pi x) / (pi x); 1 at 0."""
    x = floats(call, emit)
    turned = emit.op("multiply", x, number_like(emit, math.pi, x))
    y = emit.op("divide", emit.op("sin", turned), turned)
    return emit.op("where", emit.op("equal", x, number_like(emit, 0, x)), number_like(emit, 1, x), y)


def trunc(call: LayerCall, emit: Emitter) -> Symbol:
    """x cut towards 0; whole numbers are handed on."""
    x = given(call, emit)
    if not is_float(x.dtype):
        return x
    below = emit.op("less", x, number_like(emit, 0, x))
    return emit.op("where", below, emit.op("ceil", x), emit.op("floor", x))


def round_(call: LayerCall, emit: Emitter) -> Symbol:
    """x rounded to `decimals` digits, ties to even, by way of x 10^decimals."""
    x, decimals = given(call, emit), call.argument("decimals", 0)
    if isinstance(decimals, bool) or not isinstance(decimals, int):
        raise Unsupported(f"its 'decimals' must be a whole number, got {decimals!r:.40}")
    if decimals == 0:
        return emit.op("round", x)
    if not is_float(x.dtype) and decimals > 0:
        return x
    y = x if is_float(x.dtype) else emit.cast(x, "float32")
    factor = number_like(emit, math.pow(10, decimals), y)
    y = emit.op("divide", emit.op("round", emit.op("multiply", y, factor)), factor)
    return emit.cast(y, x.dtype)


def clip(call: LayerCall, emit: Emitter) -> Symbol:
    """max(min(x, x_max), x_min); bools count as int32."""
    x = given(call, emit)
    x = emit.cast(x, "int32") if x.dtype == "bool" else x
    low, high = call.argument("x_min"), call.argument("x_max")
    if low is None or high is None:
        raise Unsupported("its x_min and x_max must both be given: Keras does not run it otherwise on TensorFlow")
    below: Symbol = emit.op("minimum", x, tensor(emit, high, x.dtype))
    return emit.op("maximum", below, tensor(emit, low, x.dtype))


def nan_to_num(call: LayerCall, emit: Emitter) -> Symbol:
    """NaN replaced by `nan`, infinities by `posinf` and `neginf` (by default the largest finite numbers)."""
    x = given(call, emit)
    return without_nan(call, emit, x, call.argument("nan", 0.0))


def without_nan(call: LayerCall, emit: Emitter, x: Symbol, nan: float) -> Symbol:
    """Return `x` with NaN and infinities replaced; whole numbers are handed on."""
    if not is_float(x.dtype):
        return x
    most, zero = MOST[x.dtype], number_like(emit, 0, x)
    y = emit.op("where", emit.op("isnan", x), number_like(emit, nan, x), x)
    for name, op, default in (("posinf", "greater", most), ("neginf", "less", -most)):
        value = call.argument(name, None)
        found = emit.op("logical_and", emit.op("isinf", y), emit.op(op, y, zero))
        y = emit.op("where", found, number_like(emit, default if value is None else value, x), y)
    return y


def _is(op: str, whole: bool) -> Lower:
    """A test of floats, whose answer for whole numbers and bools is always the same."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        return emit.op(op, x) if is_float(x.dtype) else constant_like(emit, x, whole, "bool")

    return documented(lower, f"The op `{op}`.")


def _is_infinity(sign: int) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        if not is_float(x.dtype):
            return constant_like(emit, x, False, "bool")
        return emit.op("equal", x, number_like(emit, sign * math.inf, x))

    return documented(lower, f"Whether x is {'-' if sign < 0 else ''}infinite.")


def constant_like(emit: Emitter, x: Symbol, value: Any, dtype: str) -> Symbol:
    """Return `value` in the shape of `x`."""
    return emit.op("full", x, shape=sizes(x, "like"), value=value, dtype=dtype)


def signbit(call: LayerCall, emit: Emitter) -> Symbol:
    """Whether x is negative, or -0; what it is for NaN depends on how the NaN came about, so that is False."""
    x = given(call, emit)
    if x.dtype == "bool":
        return constant_like(emit, x, False, "bool")
    if is_float(x.dtype):
        x = emit.cast(x, "float32")
        zero = emit.op("equal", x, number_like(emit, 0, x))
        x = emit.op("where", zero, emit.op("divide", number_like(emit, 1, x), x), x)
    return emit.op("less", x, number_like(emit, 0, x))


def view(call: LayerCall, emit: Emitter) -> Symbol:
    """The bytes read as another dtype."""
    x = given(call, emit)
    dtype = dtype_setting(call, x.dtype)
    return x.with_mask(None) if dtype == x.dtype else emit.op("view", x, source=x.dtype, dtype=dtype)


def i0(call: LayerCall, emit: Emitter) -> Symbol:
    """The modified Bessel function of order 0; int64 becomes float64."""
    x = given(call, emit)
    wide = {"int64": "float64"}.get(x.dtype, "float32")
    return emit.op("i0", x if is_float(x.dtype) else emit.cast(x, wide))


def fabs(call: LayerCall, emit: Emitter) -> Symbol:
    """|x|, in floats."""
    return emit.op("abs", floats(call, emit))


FUNCTIONS: dict[str, Lower] = {
    **{
        name: _in_floats(op)
        for name, op in (
            ("Arccos", "arccos"), ("Arccosh", "arccosh"), ("Arcsin", "arcsin"), ("Arcsinh", "arcsinh"),
            ("Arctan", "arctan"), ("Arctanh", "arctanh"), ("Ceil", "ceil"), ("Cos", "cos"), ("Cosh", "cosh"),
            ("Expm1", "expm1"), ("Floor", "floor"), ("Log", "log"), ("Log1p", "log1p"),
            ("Sin", "sin"), ("Sinh", "sinh"), ("Sqrt", "sqrt"), ("Tan", "tan"), ("Tanh", "tanh"),
        )
    },
    **{
        name: _as_is(op)
        for name, op in (
            ("Negative", "negative"), ("Sign", "sign"), ("Erf", "erf"), ("Erfc", "erfc"), ("Erfinv", "erfinv"),
        )
    },
    "Exp": documented(lambda call, emit: emit.op("exp", exponent(call, emit)), "e to the power x."),
    "Absolute": absolute,
    "Abs": absolute,
    "Fabs": fabs,
    "Square": square,
    "Reciprocal": reciprocal,
    "Rsqrt": rsqrt,
    "Cbrt": cbrt,
    "Exp2": exp2,
    "Log10": _log(10),
    "Log2": _log(2),
    "Deg2rad": _scaled(degrees=False),
    "Rad2deg": _scaled(degrees=True),
    "Sinc": sinc,
    "Trunc": trunc,
    "Round": round_,
    "Clip": clip,
    "NanToNum": nan_to_num,
    "Isfinite": _is("isfinite", whole=True),
    "Isinf": _is("isinf", whole=False),
    "Isnan": _is("isnan", whole=False),
    "Isneginf": _is_infinity(-1),
    "Isposinf": _is_infinity(1),
    "Signbit": signbit,
    "View": view,
    "I0": i0,
}  # fmt: skip
