"""Matrices (keras/src/ops/linalg.py and math.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .operands import expanded, given, known, number_like, permuted, register_table, tensor, without_axes
from .positions import arange

VECTORS = "the signs of its vectors are left open, and libraries differ in them"


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations on matrices."""
    functions = {
        "Cholesky": cholesky, "CholeskyInverse": cholesky_inverse, "Det": det, "Logdet": logdet, "Slogdet": slogdet,
        "Inv": inv, "Pinv": pinv, "Qr": qr, "SVD": svd, "MatrixRank": matrix_rank,
    }  # fmt: skip
    register_table(register, ("x",), functions)
    register_table(register, ("a", "b"), {"Solve": solve, "SolveTriangular": solve_triangular, "Lstsq": lstsq})
    register("keras.ops.CDist", cdist, arguments=("x", "y"))
    register.refuse(
        {
            "keras.ops.Eig": VECTORS,
            "keras.ops.Eigh": VECTORS,
            "keras.ops.LuFactor": "NumPy has no LU factors; solve the equations with keras.ops.solve",
            "keras.ops.JVP": "it holds a Python function, which is never run",
        }
    )


def transposed(emit: Emitter, x: Symbol) -> Symbol:
    """Return `x` with its last two axes exchanged."""
    return permuted(emit, x, [*range(x.rank - 2), x.rank - 1, x.rank - 2])


def cholesky(call: LayerCall, emit: Emitter) -> Symbol:
    """The lower triangle l with l l^T = x, or its transpose."""
    y: Symbol = emit.op("cholesky", given(call, emit))
    return transposed(emit, y) if call.argument("upper", False) else y


def cholesky_inverse(call: LayerCall, emit: Emitter) -> Symbol:
    """The inverse of a matrix from its Cholesky factor."""
    upper = bool(call.argument("upper", False))
    x = _triangle(emit, given(call, emit), lower=not upper)
    inverse = emit.op("solve", x, _identity(emit, x))
    pair = (inverse, transposed(emit, inverse)) if upper else (transposed(emit, inverse), inverse)
    return emit.op("matmul", *pair)


def _triangle(emit: Emitter, x: Symbol, lower: bool) -> Symbol:
    rows, columns = expanded(emit, arange(emit, x, -2), [1]), arange(emit, x, -1)
    inside = emit.op("greater_equal" if lower else "less_equal", rows, columns)
    return emit.op("where", inside, x, number_like(emit, 0, x))


def _identity(emit: Emitter, x: Symbol) -> Symbol:
    rows, columns = expanded(emit, arange(emit, x, -2), [1]), arange(emit, x, -1)
    return emit.cast(emit.op("equal", rows, columns), x.dtype)


def slogdet(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The sign of the determinant, and the logarithm of its size."""
    return list(emit.op("slogdet", given(call, emit)))


def det(call: LayerCall, emit: Emitter) -> Symbol:
    """The determinant."""
    sign, log = emit.op("slogdet", given(call, emit))
    return emit.op("multiply", sign, emit.op("exp", log))


def logdet(call: LayerCall, emit: Emitter) -> Symbol:
    """Twice the sum of the logarithms of Cholesky's diagonal; NaN for a matrix that is not positive definite."""
    factor: Symbol = emit.op("cholesky", given(call, emit), nan=True)
    axes = "abcdefgh"[: factor.rank - 2]
    diagonal = emit.op("einsum", factor, equation=f"{axes}zz->{axes}z")
    return emit.op("multiply", number_like(emit, 2, factor), emit.op("sum", emit.op("log", diagonal), axes=[-1]))


def inv(call: LayerCall, emit: Emitter) -> Symbol:
    """The inverse."""
    x = given(call, emit)
    return emit.op("solve", x, _identity(emit, x))


def solve(call: LayerCall, emit: Emitter) -> Symbol:
    """The x with a x = b; b may be vectors."""
    return _solved(emit, given(call, emit, "a"), given(call, emit, "b"))


def solve_triangular(call: LayerCall, emit: Emitter) -> Symbol:
    """The x with a x = b, of which only one triangle of a is read."""
    a = _triangle(emit, given(call, emit, "a"), lower=bool(call.argument("lower", False)))
    return _solved(emit, a, given(call, emit, "b"))


def _solved(emit: Emitter, a: Symbol, b: Symbol) -> Symbol:
    if b.rank != a.rank - 1:
        return emit.op("solve", a, b)
    y: Symbol = emit.op("solve", a, expanded(emit, b, [b.rank]))
    return without_axes(emit, y, [y.rank - 1])


def qr(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """q with orthonormal columns and the upper triangle r."""
    return list(emit.op("qr", given(call, emit), full=call.config.str("mode", "reduced") == "complete"))


def svd(call: LayerCall, emit: Emitter) -> Symbol:
    """Singular values; the vectors are refused."""
    if call.argument("compute_uv", True):
        raise Unsupported(f"{VECTORS}; with compute_uv=False it converts")
    return singular_values(emit, given(call, emit))


def singular_values(emit: Emitter, x: Symbol) -> Symbol:
    """Return the singular values of matrices."""
    _, values, _ = emit.op("svd", x)
    return values


def _precision(x: Symbol) -> float:
    return float(np.finfo(x.dtype).eps)


def _longer(x: Symbol) -> int:
    return max(known(size, "the sizes of its matrices") for size in x.shape[-2:])


def matrix_rank(call: LayerCall, emit: Emitter) -> Symbol:
    """How many singular values are above `tol`, by default the rounding error of the largest."""
    x, tol = given(call, emit), call.argument("tol", None)
    values = singular_values(emit, x)
    if tol is None:
        share = number_like(emit, _precision(x) * _longer(x), x)
        least = emit.op("multiply", share, emit.op("max", values, axes=[-1], keepdims=True))
    else:
        least = tensor(emit, tol, x.dtype)
    return emit.op("sum", emit.cast(emit.op("greater", values, least), "int32"), axes=[-1])


def pinv(call: LayerCall, emit: Emitter) -> Symbol:
    """The pseudo-inverse, without singular values below `rcond` times the largest."""
    x, rcond = given(call, emit), call.argument("rcond", None)
    share: Any = 10.0 * _longer(x) * _precision(x) if rcond is None else rcond
    left, values, right = emit.op("svd", x)
    least = emit.op("multiply", number_like(emit, share, x), emit.op("max", values, axes=[-1], keepdims=True))
    inverse = _inverses(emit, values, emit.op("greater", values, least))
    columns = emit.op("multiply", transposed(emit, right), expanded(emit, inverse, [inverse.rank - 1]))
    return emit.op("matmul", columns, transposed(emit, left))


def _inverses(emit: Emitter, values: Symbol, kept: Symbol) -> Symbol:
    """Return 1 / value where kept, else 0."""
    safe = emit.op("where", kept, values, number_like(emit, 1, values))
    inverse = emit.op("divide", number_like(emit, 1, values), safe)
    return emit.op("where", kept, inverse, number_like(emit, 0, values))


def lstsq(call: LayerCall, emit: Emitter) -> Symbol:
    """The x that brings a x closest to b."""
    a, b = given(call, emit, "a"), given(call, emit, "b")
    rcond = call.argument("rcond", None)
    alone = b.rank == 1
    b = expanded(emit, b, [1]) if alone else b
    share = _precision(a) * _longer(a) if rcond is None else _precision(a) if rcond < 0 else rcond
    left, values, right = emit.op("svd", a)
    most = emit.op("max", values, axes=[-1], keepdims=True)
    kept = emit.op("greater_equal", values, emit.op("multiply", number_like(emit, share, a), most))
    inverse = expanded(emit, _inverses(emit, values, kept), [1])
    inner = emit.op("multiply", inverse, emit.op("matmul", transposed(emit, left), b))
    y: Symbol = emit.op("matmul", transposed(emit, right), inner)
    return without_axes(emit, y, [1]) if alone else y


def cdist(call: LayerCall, emit: Emitter) -> Symbol:
    """The Euclidean distances of every row of x from every row of y."""
    x, y = given(call, emit), given(call, emit, "y")
    distance = emit.op("subtract", expanded(emit, x, [x.rank - 1]), expanded(emit, y, [y.rank - 2]))
    return emit.op("sqrt", emit.op("sum", emit.op("multiply", distance, distance), axes=[-1]))
