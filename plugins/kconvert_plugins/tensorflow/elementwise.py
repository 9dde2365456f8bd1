"""Functions of single elements."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from ..operations.operands import number_like, tensor
from .binding import Function, alike, binary, dtype, given, number, operation, register_functions, unary, value
from .extents import multiplied


@hookimpl
def register_layers(register: Register) -> None:
    """Register the functions of single elements."""
    register_functions(register, FUNCTIONS)


def multiply(call: LayerCall, emit: Emitter) -> Symbol:
    """x y; the product of sizes is a size."""
    x, y = alike(call, emit, "x", "y")
    product: Symbol = emit.op("multiply", x, y)
    return product.with_sizes(multiplied(x, y, call.get("x"), call.get("y")))


def divide(call: LayerCall, emit: Emitter) -> Symbol:
    """x / y; whole numbers of 32 and 64 bits in float64, smaller ones in float32."""
    x, y = alike(call, emit, "x", "y")
    if not is_float(x.dtype) and not x.dtype.startswith("complex"):
        wide = "float32" if x.dtype in ("int8", "uint8", "int16", "uint16") else "float64"
        x, y = emit.cast(x, wide), emit.cast(y, wide)
    return emit.op("divide", x, y)


def atan2(call: LayerCall, emit: Emitter) -> Symbol:
    """The angle of the point (x, y)."""
    return emit.op("arctan2", *alike(call, emit, "y", "x"))


def squared_difference(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - y)^2."""
    distance = emit.op("subtract", *alike(call, emit, "x", "y"))
    return emit.op("multiply", distance, distance)


def divide_no_nan(call: LayerCall, emit: Emitter) -> Symbol:
    """x / y, 0 where y is 0."""
    x, y = alike(call, emit, "x", "y")
    zero = number_like(emit, 0, y)
    return emit.op("where", emit.op("equal", y, zero), zero, emit.op("divide", x, y))


def multiply_no_nan(call: LayerCall, emit: Emitter) -> Symbol:
    """x y, 0 where y is 0."""
    x, y = alike(call, emit, "x", "y")
    zero = number_like(emit, 0, y)
    return emit.op("where", emit.op("equal", y, zero), zero, emit.op("multiply", x, y))


def reciprocal_no_nan(call: LayerCall, emit: Emitter) -> Symbol:
    """1 / x, 0 where x is 0."""
    x = given(call, emit, "x")
    zero = number_like(emit, 0, x)
    return emit.op("where", emit.op("equal", x, zero), zero, emit.op("divide", number_like(emit, 1, x), x))


def xlogy(call: LayerCall, emit: Emitter) -> Symbol:
    """x log(y), 0 where x is 0."""
    x, y = alike(call, emit, "x", "y")
    zero = number_like(emit, 0, x)
    product = emit.op("multiply", x, emit.op("log", y))
    return emit.op("where", emit.op("equal", x, zero), zero, product)


def add_n(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum of tensors of one shape."""
    found = call.get("inputs")
    found = list(found) if isinstance(found, (list, tuple)) else [found]
    total = tensor(emit, found[0])
    for item in found[1:]:
        total = emit.op("add", total, tensor(emit, item, total.dtype))
    return total


def identity(call: LayerCall, emit: Emitter) -> Symbol:
    """The same values."""
    return given(call, emit, "input").with_mask(None)


def stop_gradient(call: LayerCall, emit: Emitter) -> Symbol:
    """The same values, past which no gradient goes back."""
    x = identity(call, emit)
    return emit.op("stop_gradient", x) if is_float(x.dtype) else x


def identity_n(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The same values, of several tensors."""
    return [tensor(emit, x).with_mask(None) for x in call.get("input")]


def cast(call: LayerCall, emit: Emitter) -> Symbol:
    """The values in another dtype; floats are cut towards 0."""
    x = given(call, emit, "x")
    y = emit.cast(x, dtype(call, "dtype", x.dtype)).with_mask(None)
    return y.with_sizes(x.sizes if "int" in y.dtype else None)


def rounded(call: LayerCall, emit: Emitter) -> Symbol:
    """The nearest whole number, of two the even one."""
    x = given(call, emit, "x")
    return emit.op("round", x) if is_float(x.dtype) else x.with_mask(None)


def clip(call: LayerCall, emit: Emitter) -> Symbol:
    """x between two bounds."""
    x, low, high = alike(call, emit, "t", "clip_value_min", "clip_value_max")
    return emit.op("maximum", emit.op("minimum", x, high), low)


def elu(call: LayerCall, emit: Emitter) -> Symbol:
    """x above 0, exp(x) - 1 below."""
    return operation(emit, "Elu", given(call, emit, "features"), alpha=1.0)


def leaky_relu(call: LayerCall, emit: Emitter) -> Symbol:
    """x above 0, alpha x below; alpha is 0.2 if not given."""
    x = given(call, emit, "features")
    return operation(emit, "LeakyRelu", x, negative_slope=float(number(call, "alpha", 0.2)))


def gelu(call: LayerCall, emit: Emitter) -> Symbol:
    """x times the share of the normal distribution below x; by tanh if `approximate`."""
    return operation(emit, "Gelu", given(call, emit, "features"), approximate=bool(value(call, "approximate", False)))


def silu(call: LayerCall, emit: Emitter) -> Symbol:
    """x sigmoid(beta x)."""
    x = given(call, emit, "features")
    beta = call.get("beta")
    if beta is None or beta == 1.0:
        return emit.op("silu", x)
    return emit.op("multiply", x, emit.op("sigmoid", emit.op("multiply", x, tensor(emit, beta, x.dtype))))


def crelu(call: LayerCall, emit: Emitter) -> Symbol:
    """relu(x) and relu(-x), joined along an axis."""
    x = given(call, emit, "features")
    along = value(call, "axis", -1) % x.rank
    return emit.op("relu", emit.op("concatenate", x, emit.op("negative", x), axis=along))


def where(call: LayerCall, emit: Emitter) -> Symbol:
    """x where the condition holds, else y."""
    if call.get("x") is None or call.get("y") is None:
        raise Unsupported("how many elements it gives depends on their values; only where(condition, x, y) converts")
    x, y = alike(call, emit, "x", "y")
    return emit.op("where", tensor(emit, call.get("condition"), "bool"), x, y)


def softmax(name: str) -> Function:
    """softmax or log_softmax along an axis, by default the last."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "logits")
        along = value(call, "axis", value(call, "dim", -1))
        return operation(emit, name, x, axis=int(along))

    lower.__doc__ = f"As `keras.ops` {name} along an axis, by default the last."
    return ("logits", "axis", "dim"), lower


def l2_normalize(call: LayerCall, emit: Emitter) -> Symbol:
    """x / sqrt(max(sum(x^2), epsilon))."""
    x = given(call, emit, "x")
    along = value(call, "axis", value(call, "dim"))
    axes = None if along is None else [along] if isinstance(along, int) else list(along)
    total = emit.op("sum", emit.op("multiply", x, x), axes=axes, keepdims=True)
    least = emit.op("maximum", total, number_like(emit, float(number(call, "epsilon", 1e-12)), x))
    return emit.op("multiply", x, emit.op("divide", number_like(emit, 1, x), emit.op("sqrt", least)))


def clip_by_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """x, shortened to `clip_norm` where its norm over axes is larger."""
    x = given(call, emit, "t")
    axes = call.get("axes")
    axes = None if axes is None else [axes] if isinstance(axes, int) else list(axes)
    limit = number_like(emit, float(number(call, "clip_norm", None)), x)
    norm = emit.op("sqrt", emit.op("sum", emit.op("multiply", x, x), axes=axes, keepdims=True))
    return emit.op("divide", emit.op("multiply", x, limit), emit.op("maximum", norm, limit))


def make_complex(call: LayerCall, emit: Emitter) -> Symbol:
    """The complex number of two parts."""
    return emit.op("complex", *alike(call, emit, "real", "imag"))


def fourier(axes: int, inverse: bool = False) -> Function:
    """Fourier's transform over the last axes."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "input")
        return emit.op("fft", x, axes=list(range(x.rank - axes, x.rank)), inverse=inverse)

    lower.__doc__ = f"The {'inverse ' if inverse else ''}Fourier transform over the last {axes} axes."
    return ("input",), lower


FUNCTIONS: dict[str, Function] = {
    **{
        name: binary(op)
        for name, op in (
            ("add", "add"), ("subtract", "subtract"), ("maximum", "maximum"), ("minimum", "minimum"),
            ("pow", "power"), ("floordiv", "floor_divide"), ("floor_div", "floor_divide"), ("floormod", "mod"),
            ("mod", "mod"), ("equal", "equal"), ("not_equal", "not_equal"), ("greater", "greater"),
            ("greater_equal", "greater_equal"), ("less", "less"), ("less_equal", "less_equal"),
            ("logical_and", "logical_and"), ("logical_or", "logical_or"), ("logical_xor", "logical_xor"),
        )
    },
    "eq": binary("equal", "Whether both are equal.", "self", "other"),
    "ne": binary("not_equal", "Whether both differ.", "self", "other"),
    "multiply": (("x", "y"), multiply),
    "scalar_mul": (("x", "y"), multiply),
    "truediv": (("x", "y"), divide),
    "divide": (("x", "y"), divide),
    "atan2": (("y", "x"), atan2),
    "squared_difference": (("x", "y"), squared_difference),
    "divide_no_nan": (("x", "y"), divide_no_nan),
    "div_no_nan": (("x", "y"), divide_no_nan),
    "multiply_no_nan": (("x", "y"), multiply_no_nan),
    "reciprocal_no_nan": (("x",), reciprocal_no_nan),
    "xlogy": (("x", "y"), xlogy),
    "add_n": (("inputs",), add_n),
    "accumulate_n": (("inputs",), add_n),
    **{
        name: unary(operation_)
        for name, operation_ in (
            ("abs", "Absolute"), ("negative", "Negative"), ("exp", "Exp"), ("log", "Log"), ("log1p", "Log1p"),
            ("expm1", "Expm1"), ("sqrt", "Sqrt"), ("rsqrt", "Rsqrt"), ("square", "Square"), ("sin", "Sin"),
            ("cos", "Cos"), ("tan", "Tan"), ("asin", "Arcsin"), ("acos", "Arccos"), ("atan", "Arctan"),
            ("sinh", "Sinh"), ("cosh", "Cosh"), ("asinh", "Arcsinh"), ("acosh", "Arccosh"), ("atanh", "Arctanh"),
            ("tanh", "Tanh"), ("sigmoid", "Sigmoid"), ("log_sigmoid", "LogSigmoid"), ("floor", "Floor"),
            ("ceil", "Ceil"), ("sign", "Sign"), ("erf", "Erf"), ("erfc", "Erfc"), ("logical_not", "LogicalNot"),
            ("is_nan", "Isnan"), ("is_finite", "Isfinite"), ("is_inf", "Isinf"), ("reciprocal", "Reciprocal"),
        )
    },
    **{
        name: unary(operation_, argument="features")
        for name, operation_ in (
            ("relu", "Relu"), ("relu6", "Relu6"), ("selu", "Selu"), ("softplus", "Softplus"), ("softsign", "Softsign"),
        )
    },
    "real": unary("Real", argument="input"),
    "imag": unary("Imag", argument="input"),
    "conj": unary("Conj"),
    "angle": unary("Angle", argument="input"),
    "complex": (("real", "imag"), make_complex),
    "signal.fft": fourier(1),
    "signal.ifft": fourier(1, inverse=True),
    "signal.fft2d": fourier(2),
    "signal.ifft2d": fourier(2, inverse=True),
    "identity": (("input",), identity),
    "identity_n": (("input",), identity_n),
    "stop_gradient": (("input",), stop_gradient),
    "check_numerics": (("input", "message"), identity),
    "debugging.check_numerics": (("input", "message"), identity),
    "ensure_shape": (("input", "shape"), identity),
    "cast": (("x", "dtype"), cast),
    "round": (("x",), rounded),
    "rint": (("x",), rounded),
    "clip_by_value": (("t", "clip_value_min", "clip_value_max"), clip),
    "clip_by_norm": (("t", "clip_norm", "axes"), clip_by_norm),
    "elu": (("features",), elu),
    "leaky_relu": (("features", "alpha"), leaky_relu),
    "gelu": (("features", "approximate"), gelu),
    "silu": (("features", "beta"), silu),
    "swish": (("features", "beta"), silu),
    "crelu": (("features", "axis"), crelu),
    "where": (("condition", "x", "y"), where),
    "softmax": softmax("Softmax"),
    "log_softmax": softmax("LogSoftmax"),
    "l2_normalize": (("x", "axis", "epsilon", "dim"), l2_normalize),
}  # fmt: skip
