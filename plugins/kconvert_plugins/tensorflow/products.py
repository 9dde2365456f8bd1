"""Products of matrices, and linear algebra."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from ..operations.joining import VARIADIC
from ..operations.linalg import transposed
from ..operations.operands import expanded, tensor, without_axes
from .binding import Function, alike, given, operation, plain, register_functions, unary, value

LOST = (
    "the file does not say which tensors it is called with: Keras 2 loses them when it saves this function. Build the "
    "model with another function and save that"
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the products."""
    register_functions(register, FUNCTIONS)


def matmul(call: LayerCall, emit: Emitter) -> Symbol:
    """a @ b, either of them transposed first where that is asked for."""
    a, b = alike(call, emit, "a", "b")
    turned = [value(call, f"transpose_{n}", False) or value(call, f"adjoint_{n}", value(call, f"adj_{n}", False))
              for n in "ab"]  # fmt: skip
    if any(turned) and a.dtype.startswith("complex"):
        raise Unsupported("it conjugates complex matrices")
    a, b = (transposed(emit, x) if turn else x for x, turn in zip((a, b), turned, strict=True))
    return operation(emit, "Matmul", a, b)


def matvec(call: LayerCall, emit: Emitter) -> Symbol:
    """Matrices times vectors."""
    a, b = alike(call, emit, "a", "b")
    a = transposed(emit, a) if value(call, "transpose_a", False) else a
    y: Symbol = emit.op("matmul", a, expanded(emit, b, [b.rank]))
    return without_axes(emit, y, [y.rank - 1])


def tensordot(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum over several axes of both."""
    a, b = alike(call, emit, "a", "b")
    axes = plain(call.get("axes"))
    if isinstance(axes, (list, tuple)):
        axes = [[n] if isinstance(n, int) else list(n) for n in axes]
    return operation(emit, "Tensordot", a, b, axes=axes)


def einsum(call: LayerCall, emit: Emitter) -> Symbol:
    """Einstein's summation."""
    equation = call.get("equation")
    if not isinstance(equation, str):
        raise Unsupported("its equation is not in the file")
    inputs = [call.get(name) for name in VARIADIC if call.get(name) is not None]
    if not inputs:
        raise Unsupported(LOST)
    return operation(emit, "Einsum", *(tensor(emit, item) for item in inputs), subscripts=equation)


def meshgrid(call: LayerCall, emit: Emitter) -> Any:
    """Refuse: the tensors after the first are not in the file."""
    raise Unsupported(LOST)


def bias_add(call: LayerCall, emit: Emitter) -> Symbol:
    """x plus a bias for each channel, the last axis or (NC...) the second."""
    x, bias = alike(call, emit, "value", "bias")
    if str(value(call, "data_format", "N")).startswith("NC") and x.rank > 2:
        bias = expanded(emit, bias, range(1, x.rank - 1))
    return emit.op("add", x, bias)


def cross(call: LayerCall, emit: Emitter) -> Symbol:
    """The vector product along the last axis."""
    return operation(emit, "Cross", *alike(call, emit, "a", "b"))


def transposed_matrix(call: LayerCall, emit: Emitter) -> Symbol:
    """The last two axes exchanged."""
    return transposed(emit, given(call, emit, "a"))


def batch_norm(call: LayerCall, emit: Emitter) -> Symbol:
    """(x - mean) / sqrt(variance + epsilon) scale + offset, all broadcast."""
    x, mean, variance, epsilon = alike(call, emit, "x", "mean", "variance", "variance_epsilon")
    one = tensor(emit, 1, x.dtype)
    inverse: Any = emit.op("divide", one, emit.op("sqrt", emit.op("add", variance, epsilon)))
    if call.get("scale") is not None:
        inverse = emit.op("multiply", inverse, tensor(emit, call.get("scale"), x.dtype))
    shift = emit.op("negative", emit.op("multiply", mean, inverse))
    if call.get("offset") is not None:
        shift = emit.op("add", tensor(emit, call.get("offset"), x.dtype), shift)
    return emit.op("add", emit.op("multiply", x, inverse), shift)


FUNCTIONS: dict[str, Function] = {
    "matmul": (
        ("a", "b", "transpose_a", "transpose_b", "adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse", "output_type"),
        matmul,
    ),
    "matvec": (("a", "b", "transpose_a"), matvec),
    "tensordot": (("a", "b", "axes"), tensordot),
    "einsum": (("equation", *VARIADIC), einsum),
    "meshgrid": (("x0", "indexing"), meshgrid),
    "bias_add": (("value", "bias", "data_format"), bias_add),
    "batch_normalization": (("x", "mean", "variance", "offset", "scale", "variance_epsilon"), batch_norm),
    "cross": (("a", "b"), cross),
    "matrix_transpose": (("a",), transposed_matrix),
    "inv": unary("Inv", argument="input"),
    "det": unary("Det", argument="input"),
    "cholesky": unary("Cholesky", argument="input"),
}
