"""Arithmetic on two tensors (keras/src/ops/numpy.py; dtypes as in keras/src/backend/tensorflow/numpy.py)."""

from __future__ import annotations

import math

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from .elementwise import length
from .operands import Lower, arguments, documented, join, number_like, register_table, strong, tensor, weak


@hookimpl
def register_layers(register: Register) -> None:
    """Register the arithmetic operations."""
    register_table(register, ("x1", "x2"), PAIRS)


def add(call: LayerCall, emit: Emitter) -> Symbol:
    """x1 + x2."""
    x1, x2 = weak(emit, arguments(call, "x1", "x2"))
    _refuse_bias(x1, x2)
    return emit.op("add", x1, x2)


def _refuse_bias(x1: Symbol, x2: Symbol) -> None:
    """Refuse what Keras takes for a bias and adds along another axis than broadcasting would.

    It does so for any x2 that has one axis of a size other than 1, if that is the size of x1's axis 1 or -1.
    """
    sizes = [(i, size) for i, size in enumerate(x2.shape) if size != 1]
    if x1.rank < 2 or len(sizes) != 1:
        return
    index, size = sizes[0]
    if size is None or size not in (x1.shape[1], x1.shape[-1]):
        return
    axis = x1.rank - 1 if size == x1.shape[-1] else 1
    if index - x2.rank != axis - x1.rank or x2.rank > x1.rank:
        raise Unsupported(
            f"adding {x2.type} to {x1.type}, Keras takes the second for a bias along axis {axis}, against the rules of "
            "broadcasting, in some of its versions. Swap the two, or give the second the full shape"
        )


def divide(call: LayerCall, emit: Emitter) -> Symbol:
    """x1 / x2, in floats."""
    return emit.op("divide", *weak(emit, arguments(call, "x1", "x2"), "float"))


def divide_no_nan(call: LayerCall, emit: Emitter) -> Symbol:
    """x1 / x2, 0 where x2 is 0."""
    x1, x2 = weak(emit, arguments(call, "x1", "x2"), "float")
    zero = number_like(emit, 0, x2)
    return emit.op("where", emit.op("equal", x2, zero), zero, emit.op("divide", x1, x2))


def mod(call: LayerCall, emit: Emitter) -> Symbol:
    """The remainder of floor division; bools count as int32."""
    return emit.op("mod", *_counted(emit, strong(emit, arguments(call, "x1", "x2"))))


def _counted(emit: Emitter, values: list[Symbol]) -> list[Symbol]:
    return [emit.cast(value, "int32") if value.dtype == "bool" else value for value in values]


def fmod(call: LayerCall, emit: Emitter) -> Symbol:
    """sign(x1) (|x1| mod |x2|); small unsigned integers are computed in int32."""
    x1, x2 = _counted(emit, strong(emit, arguments(call, "x1", "x2")))
    dtype = x1.dtype
    if dtype in ("uint8", "uint16", "uint32"):
        x1, x2 = emit.cast(x1, "int32"), emit.cast(x2, "int32")
    y = emit.op("mod", emit.op("abs", x1), emit.op("abs", x2))
    return emit.cast(emit.op("multiply", emit.op("sign", x1), y), dtype)


def power(call: LayerCall, emit: Emitter) -> Symbol:
    """x1 to the power x2; unsigned integers are computed in int32."""
    values = arguments(call, "x1", "x2")
    x1, x2 = weak(emit, values)
    if x1.dtype.startswith("complex"):
        raise Unsupported("TensorFlow and NumPy disagree about complex powers of 0; write it with exp and log")
    if x1.dtype.startswith("uint"):
        y = emit.op("power", *(tensor(emit, value, "int32") for value in values))
        return emit.cast(y, x1.dtype)
    return emit.op("power", x1, x2)


def not_nan(call: LayerCall, emit: Emitter, op: str) -> Symbol:
    """The larger or smaller of two, the other one where one is NaN."""
    x1, x2 = weak(emit, arguments(call, "x1", "x2"))
    y: Symbol = emit.op(op, x1, x2)
    if not is_float(y.dtype):
        return y
    y = emit.op("where", emit.op("isnan", x1), x2, y)
    return emit.op("where", emit.op("isnan", x2), x1, y)


def arctan2(call: LayerCall, emit: Emitter) -> Symbol:
    """The angle of the point (x2, x1)."""
    return emit.op("arctan2", *strong(emit, arguments(call, "x1", "x2"), "float"))


def logaddexp(call: LayerCall, emit: Emitter, base: float = math.e) -> Symbol:
    """log(exp(x1) + exp(x2)), or the same to the base 2, without overflow."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"), "float")
    scale = number_like(emit, math.log(base), x1)
    delta = emit.op("subtract", x1, x2)
    shrunk = emit.op("negative", emit.op("abs", delta))
    if base != math.e:
        shrunk = emit.op("multiply", shrunk, scale)
    more = emit.op("log1p", emit.op("exp", shrunk))
    if base != math.e:
        more = emit.op("divide", more, scale)
    y = emit.op("add", emit.op("maximum", x1, x2), more)
    return emit.op("where", emit.op("isnan", delta), emit.op("add", x1, x2), y)


def hypot(call: LayerCall, emit: Emitter) -> Symbol:
    """sqrt(x1^2 + x2^2) without overflow."""
    return length(emit, *_in_floats(emit, strong(emit, arguments(call, "x1", "x2"))))


def _in_floats(emit: Emitter, values: list[Symbol]) -> list[Symbol]:
    """Integers as float32, int64 as float64: the rule of a few operations; bools stay."""
    wide = {"int64": "float64"}
    return [emit.cast(x, wide.get(x.dtype, "float32") if "int" in x.dtype else x.dtype) for x in values]


def heaviside(call: LayerCall, emit: Emitter) -> Symbol:
    """0 for x1 < 0, 1 for x1 > 0, x2 for x1 = 0 or NaN."""
    x1, x2 = _in_floats(emit, strong(emit, arguments(call, "x1", "x2")))
    zero, one = number_like(emit, 0, x1), number_like(emit, 1, x1)
    above = emit.op("where", emit.op("greater", x1, zero), one, x2)
    return emit.op("where", emit.op("less", x1, zero), zero, above)


def ldexp(call: LayerCall, emit: Emitter) -> Symbol:
    """x1 times 2 to the power x2."""
    x1, x2 = (tensor(emit, value) for value in arguments(call, "x1", "x2"))
    dtype = join(x1.dtype, x2.dtype, "float")
    x1, x2 = emit.cast(x1, dtype), emit.cast(x2, dtype)
    y = emit.op("multiply", x1, emit.op("power", number_like(emit, 2, x1), x2))
    keep = emit.op("logical_or", emit.op("isinf", x1), emit.op("equal", x1, number_like(emit, 0, x1)))
    return emit.op("where", keep, x1, y)


def nextafter(call: LayerCall, emit: Emitter) -> Symbol:
    """The next number after x1 towards x2 - in float64, so that rounding to any smaller dtype gives x1 again."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"), "float")
    if x1.dtype == "float64":
        raise Unsupported("float64 numbers next to each other cannot be told apart in a graph; compute it in NumPy")
    return emit.op("where", emit.op("isnan", x2), x2, x1)


def gcd(call: LayerCall, emit: Emitter) -> Symbol:
    """The greatest common divisor; 0 for two zeros."""
    return emit.op("gcd", *strong(emit, arguments(call, "x1", "x2")))


def lcm(call: LayerCall, emit: Emitter) -> Symbol:
    """The least common multiple; 0 where one is 0."""
    x1, x2 = (x if x.dtype.startswith("u") else emit.op("abs", x) for x in strong(emit, arguments(call, "x1", "x2")))
    divisor = emit.op("gcd", x1, x2)
    divisor = emit.op("maximum", divisor, number_like(emit, 1, x1))
    return emit.op("multiply", x1, emit.op("floor_divide", x2, divisor))


def _weakly(op: str) -> Lower:
    return documented(lambda call, emit: emit.op(op, *weak(emit, arguments(call, "x1", "x2"))), f"The op `{op}`.")


PAIRS: dict[str, Lower] = {
    "Add": add,
    "Subtract": _weakly("subtract"),
    "Multiply": _weakly("multiply"),
    "Maximum": _weakly("maximum"),
    "Minimum": _weakly("minimum"),
    "FloorDivide": _weakly("floor_divide"),
    "Divide": divide,
    "TrueDivide": divide,
    "DivideNoNan": divide_no_nan,
    "Mod": mod,
    "Fmod": fmod,
    "Power": power,
    "Fmax": documented(lambda call, emit: not_nan(call, emit, "maximum"), "The larger; the other where one is NaN."),
    "Fmin": documented(lambda call, emit: not_nan(call, emit, "minimum"), "The smaller; the other where one is NaN."),
    "Arctan2": arctan2,
    "Logaddexp": logaddexp,
    "Logaddexp2": documented(lambda call, emit: logaddexp(call, emit, 2.0), "log2(2^x1 + 2^x2), without overflow."),
    "Hypot": hypot,
    "Heaviside": heaviside,
    "Ldexp": ldexp,
    "Nextafter": nextafter,
    "Gcd": gcd,
    "Lcm": lcm,
}
"""Operations with the arguments x1 and x2."""
